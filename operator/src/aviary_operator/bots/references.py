"""Objects that a bot names but does not own: its code, its desk's venues and their authorities.

They carry no label of ours and lie in any namespace, so watching them would mean watching every ConfigMap and Service
there is. They are read when a bot is reconciled, kept for all bots that name them, and looked at again every half
minute, missing ones every five seconds; whoever names one that changed is reconciled.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aviary_crds.v1alpha1.tradingbot import ConfigMapKeyRef
from aviary_crds.v1alpha1.tradingdesk import VenueOverride

from aviary_operator.bots.names import Key
from aviary_operator.bots.observed import Missing
from aviary_operator.bots.render.venue import Venue
from aviary_operator.runtime.kinds import CONFIG_MAP, SERVICE, Kind, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

FRESH_SECONDS: Final = 30.0
MISSING_SECONDS: Final = 5.0
_TLS_PORT: Final = 443

type Name = tuple[Kind, str, str]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Entry:
    found: Manifest | None
    due: float
    users: set[Key] = field(default_factory=set)


class References:
    """Reads referenced objects, each at most once per half minute."""

    def __init__(self, kube: KubeApi, *, enqueue: Callable[[Key], None]) -> None:
        self._kube = kube
        self._enqueue = enqueue
        self._known: dict[Name, _Entry] = {}
        self._reading: dict[Name, asyncio.Lock] = {}

    async def fetch(self, kind: Kind, namespace: str, name: str, *, user: Key) -> Manifest | None:
        """Return the object, None when there is none; ``user`` is reconciled when it changes.

        Raises:
            ApiError: when it was never read and cannot be.
        """
        key = (kind, namespace, name)
        async with self._reading.setdefault(key, asyncio.Lock()):
            entry = self._known.get(key)
            if entry is None:
                entry = self._known[key] = self._entry(await self._kube.get(kind, namespace, name))
        entry.users.add(user)
        return entry.found

    def keep_only(self, user: Key, used: Collection[Name]) -> None:
        """Forget that ``user`` needs anything but what it has just used."""
        for name, entry in list(self._known.items()):
            if name not in used:
                entry.users.discard(user)
                if not entry.users:
                    del self._known[name]
                    self._reading.pop(name, None)

    async def refresh(self) -> None:
        """Read again what is due and queue the users of what changed. An API server that is away changes nothing."""
        now = asyncio.get_running_loop().time()
        for key, entry in list(self._known.items()):
            if entry.due > now:
                continue
            try:
                fresh = await self._kube.get(*key)
            except ApiError as error:
                log.warning(
                    "referenced object not readable", object=f"{key[0].kind} {key[1]}/{key[2]}", error=str(error)
                )
                continue
            changed = _content(fresh) != _content(entry.found)
            updated = self._entry(fresh)
            entry.found, entry.due = updated.found, updated.due
            if changed:
                for user in sorted(entry.users):
                    self._enqueue(user)

    async def keep_fresh(self) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(MISSING_SECONDS / 2)
            await self.refresh()

    def _entry(self, found: Manifest | None) -> _Entry:
        wait = MISSING_SECONDS if found is None else FRESH_SECONDS
        return _Entry(found, asyncio.get_running_loop().time() + wait)


class Reader:
    """Reads on behalf of one bot and remembers what it used."""

    def __init__(self, references: References, user: Key) -> None:
        self._references = references
        self._user = user
        self.used: set[Name] = set()

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Return the object, None when there is none."""
        self.used.add((kind, namespace, name))
        return await self._references.fetch(kind, namespace, name, user=self._user)

    def done(self) -> None:
        """Let go of what was used before and is not any more."""
        self._references.keep_only(self._user, self.used)


async def fetch_code(reader: Reader, reference: ConfigMapKeyRef, *, namespace: str) -> str | Missing:
    """Return the source of a strategy, or what is missing."""
    found = await reader.get(CONFIG_MAP, namespace, reference.name)
    where = f"spec.strategy.code: ConfigMap {namespace}/{reference.name}"
    if found is None:
        return Missing("StrategyCodeMissing", f"{where} does not exist; create it")
    text = (found.get("data") or {}).get(reference.key)
    if not isinstance(text, str) or not text.strip():
        return Missing("StrategyCodeMissing", f"{where} has no text under key {reference.key!r}")
    return text


async def fetch_venue(reader: Reader, override: VenueOverride) -> Venue | Missing:
    """Return the venue a desk's override leads to, or what is missing."""
    service, ca = override.service, override.ca
    found = await reader.get(SERVICE, service.namespace, service.name)
    if found is None:
        return Missing("VenueMissing", f"venue override: Service {service.namespace}/{service.name} does not exist")
    spec: Mapping[str, Any] = found.get("spec") or {}
    address = spec.get("clusterIP")
    if not address or address == "None":
        return Missing("VenueMissing", f"venue override: Service {service.namespace}/{service.name} has no ClusterIP")
    authority = await reader.get(CONFIG_MAP, ca.namespace, ca.name)
    pem = ((authority or {}).get("data") or {}).get(ca.key)
    if not isinstance(pem, str) or "BEGIN CERTIFICATE" not in pem:
        where = f"ConfigMap {ca.namespace}/{ca.name}"
        return Missing("VenueMissing", f"venue override: {where} has no certificate under key {ca.key!r}")
    return Venue(
        hosts=override.hosts,
        address=str(address),
        namespace=service.namespace,
        pod_labels=tuple(sorted((spec.get("selector") or {}).items())),
        port=_target_port(spec),
        ca_pem=pem,
    )


def _target_port(spec: Mapping[str, Any]) -> int | str:
    """Return the pods' port behind the Service's port 443; a NetworkPolicy sees pods, not Services."""
    for port in spec.get("ports") or []:
        if port.get("port") == _TLS_PORT:
            target = port.get("targetPort", _TLS_PORT)
            return target if isinstance(target, int | str) else _TLS_PORT
    return _TLS_PORT


def _content(found: Manifest | None) -> object:
    return None if found is None else (found.get("data"), found.get("spec"))
