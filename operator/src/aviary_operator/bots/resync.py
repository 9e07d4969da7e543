"""The heartbeat: every bot, desk, gate and approval is looked at again now and then, whatever the watches said.

It also compares the indexes with what really exists. A watch that was cut and resumed by a new list does not tell
what disappeared meanwhile; a child that is believed to exist would never be made again.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from aviary_crds.labels import BOT_LABEL

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key
from aviary_operator.runtime.health import Heartbeat
from aviary_operator.runtime.kinds import (
    CHILD_KINDS,
    POD,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    TRADING_DESK,
    Kind,
)
from aviary_operator.runtime.kube import ApiError, KubeApi
from aviary_operator.runtime.metrics import Metrics

_SPREAD: Final = 0.2
"""Part of the period over which the keys are spread, so that a resync is no burst."""

_LOOK_SECONDS: Final = 0.05
_RELIST_SECONDS: Final = 5.0

_OURS: Final = (TRADING_BOT, TRADING_DESK, PROMOTION_GATE, PROMOTION_APPROVAL)

log = structlog.get_logger(__name__)


class Census(Protocol):
    """Which objects the indexes believe to exist."""

    def uids(self, kind: Kind) -> Mapping[str, Key]:
        """Return the uid of every object of the kind with the key that looks after it."""


async def list_uids(kube: KubeApi, kind: Kind, namespaces: Sequence[str]) -> set[str]:
    """Return the uids of all objects of the kind that concern the operator; no namespaces means all.

    Raises:
        ApiError: when they cannot be listed.
    """
    labels = "" if kind in _OURS else BOT_LABEL
    found: set[str] = set()
    for namespace in namespaces or (None,):
        items = await kube.list(kind, namespace, labels=labels, slim=True)
        found |= {str(item["metadata"]["uid"]) for item in items}
    return found


async def until_all_seen(kube: KubeApi, census: Census, namespaces: Sequence[str]) -> None:
    """Wait until the indexes hold every object there is.

    To decide on half a view would make children anew that are merely not seen yet. What is deleted meanwhile is
    listed again after a while, so it is not waited for.
    """
    loop = asyncio.get_running_loop()
    for kind in (*_OURS, *CHILD_KINDS, POD):
        listed: set[str] | None = None
        deadline = 0.0
        while listed is None or listed - census.uids(kind).keys():
            if loop.time() >= deadline:
                try:
                    listed = await list_uids(kube, kind, namespaces)
                except ApiError as error:
                    log.warning("waiting for the API server", error=str(error))
                deadline = loop.time() + _RELIST_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)


class Resync:
    """Queues every key once per period."""

    def __init__(
        self,
        *,
        kube: KubeApi,
        fleet: Fleet,
        census: Census,
        namespaces: Sequence[str],
        enqueue_after: Callable[[Key, float], None],
        heartbeat: Heartbeat,
        metrics: Metrics,
    ) -> None:
        self._kube = kube
        self._fleet = fleet
        self._census = census
        self._namespaces = namespaces
        self._enqueue_after = enqueue_after
        self._heartbeat = heartbeat
        self._metrics = metrics

    async def run(self) -> None:
        """Beat for ever."""
        period = self._heartbeat.period_seconds
        while True:
            self.queue_all()
            self._heartbeat.beat()
            self._metrics.resync_time.set_to_current_time()
            await asyncio.sleep(period * (1 + random.uniform(-0.1, 0.1)))  # noqa: S311  spreads load, guards nothing
            try:
                await self.find_gone()
            except ApiError as error:
                log.warning("resync could not compare with the cluster", error=str(error))

    def queue_all(self) -> None:
        """Queue every key, spread over part of the period."""
        indexes = self._fleet.indexes
        keys = [*indexes.bots(), *indexes.desks(), *indexes.gates(), *indexes.approvals()]
        spread = self._heartbeat.period_seconds * _SPREAD
        for key in keys:
            self._enqueue_after(key, random.uniform(0, spread))  # noqa: S311  spreads load, guards nothing
        self._metrics.bots.set(sum(1 for key in keys if key.kind == TRADING_BOT.kind))

    async def find_gone(self) -> int:
        """Hide objects that are gone although no event said so, queue who has to make them anew; return how many.

        Raises:
            ApiError: when a list cannot be had; nothing is hidden then.
        """
        gone, seen = 0, set[str]()
        for kind in (*_OURS, *CHILD_KINDS, POD):
            believed = dict(self._census.uids(kind))  # taken before the list: what is made meanwhile is not in it
            if not believed:
                continue
            seen |= believed.keys()
            listed = await list_uids(self._kube, kind, self._namespaces)
            for uid in believed.keys() - listed:
                gone += 1
                self._fleet.note_gone(uid)
                self._enqueue_after(believed[uid], 0)
        self._fleet.keep_gone(seen)
        if gone:
            log.warning("objects had disappeared without an event", count=gone)
        return gone
