"""The heartbeat finds what disappeared without an event."""

import asyncio
from collections.abc import Mapping
from typing import override

import pytest
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key, bot_key
from aviary_operator.bots.resync import Census, Resync, until_all_seen
from aviary_operator.runtime.health import Heartbeat
from aviary_operator.runtime.kinds import CONFIG_MAP, Kind
from aviary_operator.runtime.kube import ApiError
from aviary_operator.runtime.metrics import Metrics

from .memory_api import MemoryApi
from .test_fleet import KEY, Watched, child, found

KEYS = {"c": bot_key("desk", "alpha"), "d": bot_key("desk", "beta")}


class Believed(Census):
    """Believes in two ConfigMaps."""

    seen: Mapping[str, Key] = KEYS

    @override
    def uids(self, kind: Kind) -> Mapping[str, Key]:
        return self.seen if kind == CONFIG_MAP else {}


def set_up() -> tuple[MemoryApi, Fleet, Resync, list[tuple[Key, float]]]:
    watched = Watched()
    watched.children_ = [child(5, "c")]
    kube, fleet, queued = MemoryApi(), Fleet(watched), list[tuple[Key, float]]()
    resync = Resync(
        kube=kube,
        fleet=fleet,
        census=Believed(),
        namespaces=["desk"],
        enqueue_after=lambda key, seconds: queued.append((key, seconds)),
        heartbeat=Heartbeat(clock=lambda: 0.0, period_seconds=300),
        metrics=Metrics(),
    )
    return kube, fleet, resync, queued


async def test_object_that_is_not_in_the_cluster_is_hidden_and_its_bot_queued() -> None:
    kube, fleet, resync, queued = set_up()
    kube.put(CONFIG_MAP, "desk", "beta")
    kube.objects[CONFIG_MAP, "desk", "beta"]["metadata"]["uid"] = "d"
    assert await resync.find_gone() == 1
    assert queued == [(KEY, 0)]
    assert found(fleet) is None


async def test_nothing_is_hidden_when_the_cluster_cannot_be_listed() -> None:
    kube, fleet, resync, _ = set_up()
    kube.error = ApiError(503, "away")
    with pytest.raises(ApiError):
        await resync.find_gone()
    assert found(fleet) == 5


def test_every_key_is_queued_within_part_of_the_period() -> None:
    _, _, resync, queued = set_up()
    resync.queue_all()
    ((key, seconds),) = queued
    assert key == KEY
    assert 0 <= seconds <= 60


@pytest.mark.looptime
async def test_start_waits_until_everything_that_exists_is_seen() -> None:
    kube = MemoryApi()
    for name, uid in (("alpha", "c"), ("beta", "d")):
        kube.put(CONFIG_MAP, "desk", name)
        kube.objects[CONFIG_MAP, "desk", name]["metadata"]["uid"] = uid
    census = Believed()
    census.seen = {}
    waiting = asyncio.create_task(until_all_seen(kube, census, ["desk"]))
    await asyncio.sleep(3)
    assert not waiting.done()
    census.seen = {"c": KEYS["c"]}
    await asyncio.sleep(1)
    assert not waiting.done()
    del kube.objects[CONFIG_MAP, "desk", "beta"]
    await asyncio.sleep(10)
    assert waiting.done(), "what was deleted meanwhile is not waited for"


@pytest.mark.looptime
async def test_start_waits_while_the_api_server_is_away() -> None:
    kube = MemoryApi()
    kube.error = ApiError(503, "away")
    waiting = asyncio.create_task(until_all_seen(kube, Believed(), ["desk"]))
    await asyncio.sleep(30)
    assert not waiting.done()
    kube.error = None
    await asyncio.sleep(60)
    assert waiting.done()
