"""From ``kubectl apply`` to Ready, image present: one bot at a time, and eight at once."""

import time
from collections.abc import Sequence

from aviary_e2e.bench.figure import Figure, spread
from aviary_e2e.bots import Bot, bot_manifest
from aviary_e2e.release import Release, desk_manifests, prepare
from aviary_e2e.waiting import until

NAMESPACE = "bench-readiness"
RUNS = 10


def measure() -> Sequence[Figure]:
    """Apply ten bots one after another, then eight together; each bot has a new volume."""
    release = prepare()
    release.kubectl.apply(desk_manifests(NAMESPACE))
    single = [_one(release, f"single-{number}") for number in range(RUNS)]
    crowd = _crowd(release)
    release.kubectl.delete("namespace", NAMESPACE, "", wait=True)
    return [
        Figure(
            "apply → ready to trade, image present", "p95 ≤ 12 s", spread(single, "s"), "one after another, new volumes"
        ),
        Figure("apply → ready, eight at once", "≤ 35 s", f"all after {crowd:.1f} s", "one run, new volumes"),
    ]


def _one(release: Release, name: str) -> float:
    bot = Bot(release.kubectl, name, NAMESPACE)
    begin = time.monotonic()
    release.kubectl.apply([bot_manifest(name, NAMESPACE)])
    bot.wait_ready(seconds=180)
    took = time.monotonic() - begin
    _remove(release, [bot])
    return took


def _crowd(release: Release) -> float:
    bots = [Bot(release.kubectl, f"crowd-{number}", NAMESPACE) for number in range(8)]
    begin = time.monotonic()
    release.kubectl.apply([bot_manifest(bot.name, NAMESPACE) for bot in bots])
    for bot in bots:
        bot.wait_ready(seconds=300)
    took = time.monotonic() - begin
    _remove(release, bots)
    return took


def _remove(release: Release, bots: Sequence[Bot]) -> None:
    for bot in bots:
        release.kubectl.delete("tradingbot", bot.name, NAMESPACE)
    until("the bots to be gone", lambda: not any(bot.children() for bot in bots), seconds=120)
