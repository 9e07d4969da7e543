"""Sees every version of every bot and of its configuration: a grant that stood for a moment is a grant."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aviary_crds.botconfig import BOT_JSON
from aviary_crds.labels import BOT_LABEL, FIELD_MANAGER_BOT
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import CONFIG_MAP, TRADING_BOT, Kind, Manifest

from .people import Person

_ABOVE: Final = {Mode.TESTNET, Mode.LIVE}


@dataclass(frozen=True)
class Sighting:
    """A version in which the operator gave a bot a mode above Paper."""

    namespace: str
    bot: str
    where: str
    mode: Mode


@dataclass
class Witness:
    """What was seen."""

    sightings: list[Sighting] = field(default_factory=list)
    versions: int = 0

    def seen_since(self, mark: int, *, namespace: str, bot: str) -> list[Sighting]:
        """Return what was seen of a bot since ``mark``, a former length of ``sightings``."""
        return [item for item in self.sightings[mark:] if (item.namespace, item.bot) == (namespace, bot)]

    def take(self, kind: Kind, item: Manifest) -> None:
        """Look at one version of an object. What anybody but the operator wrote into it is no grant, but a wish."""
        self.versions += 1
        meta = item["metadata"]
        if kind == TRADING_BOT:
            granted = (item.get("status") or {}).get("grantedMode")
            if granted in _ABOVE and _is_ours(meta, "f:status", "f:grantedMode"):
                self._note(meta, meta["name"], "status.grantedMode", granted)
        elif BOT_LABEL in (meta.get("labels") or {}) and _is_ours(meta, "f:data", f"f:{BOT_JSON}"):
            document = json.loads((item.get("data") or {}).get(BOT_JSON) or "{}")
            for name in ("mode", "grantedMode"):
                if document.get(name) in _ABOVE:
                    self._note(meta, meta["labels"][BOT_LABEL], f"{BOT_JSON} {name}", document[name])

    def _note(self, meta: dict[str, Any], bot: str, where: str, mode: str) -> None:
        self.sightings.append(Sighting(meta["namespace"], bot, where, Mode(mode)))


def _is_ours(meta: dict[str, Any], part: str, name: str) -> bool:
    """Whether the operator owns a field, as the API server keeps book of it."""
    return any(
        entry["manager"] == FIELD_MANAGER_BOT and name in ((entry.get("fieldsV1") or {}).get(part) or {})
        for entry in meta.get("managedFields") or []
    )


@asynccontextmanager
async def watching(person: Person) -> AsyncIterator[Witness]:
    """Watch as ``person`` until the block ends.

    Raises:
        AssertionError: when a watch broke: then nothing is known of what it missed.
    """
    witness = Witness()

    async def follow(kind: Kind) -> None:
        async for item in person.watch(kind):
            witness.take(kind, item)
        raise AssertionError(f"the watch of {kind.plural} ended")

    tasks = [asyncio.create_task(follow(kind), name=f"witness of {kind.plural}") for kind in (TRADING_BOT, CONFIG_MAP)]
    try:
        yield witness
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
