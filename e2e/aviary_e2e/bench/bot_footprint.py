"""Memory and processor of a trading bot, as its kubelet counts them.

The bot trades for AVIARY_BENCH_MINUTES (30 by default) before its memory is read; the processor share is over the last
half of that time.
"""

import json
import os
import time
from collections.abc import Sequence
from typing import Any

from aviary_e2e.bench.figure import Figure
from aviary_e2e.bots import Bot, bot_manifest
from aviary_e2e.release import Release, desk_manifests, prepare
from aviary_e2e.waiting import until

NAMESPACE = "bench-footprint"


def measure() -> Sequence[Figure]:
    """Let one bot trade, then read its working set and its share of a core."""
    minutes = float(os.environ.get("AVIARY_BENCH_MINUTES", "30"))
    release = prepare()
    release.kubectl.apply([*desk_manifests(NAMESPACE), bot_manifest("footprint", NAMESPACE)])
    bot = Bot(release.kubectl, "footprint", NAMESPACE)
    bot.wait_ready(seconds=180)
    bot.wait_fills(seconds=180)
    time.sleep(minutes * 30)  # a period is measured here, no condition is awaited
    middle = _usage(release, bot)
    time.sleep(minutes * 30)
    end = until(
        "a new sample of the kubelet", lambda: u if (u := _usage(release, bot))[0] > middle[0] else None, seconds=60
    )
    release.kubectl.delete("namespace", NAMESPACE, "", wait=True)
    megabytes = end[1] / 1e6
    share = 100 * (end[2] - middle[2]) / 1e9 / (end[0] - middle[0])
    return [
        Figure("bot, working set", "≤ 210 MB", f"{megabytes:.0f} MB", f"after {minutes:.0f} min of trading"),
        Figure("bot, processor", "≤ 2 % of a core", f"{share:.2f} %", f"over the last {minutes / 2:.0f} min"),
    ]


def _usage(release: Release, bot: Bot) -> tuple[float, int, int]:
    """Return time in seconds, working set in bytes and processor time in core-nanoseconds."""
    pod = bot.pod()
    if pod is None:
        raise LookupError(f"no pod of {bot.name}")
    path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/stats/summary"
    summary: dict[str, Any] = json.loads(release.kubectl.raw_get(path))
    for candidate in summary["pods"]:
        if candidate["podRef"]["uid"] == pod["metadata"]["uid"]:
            container = candidate["containers"][0]
            return time.time(), container["memory"]["workingSetBytes"], container["cpu"]["usageCoreNanoSeconds"]
    raise LookupError(f"the kubelet has no figures of {bot.name} yet")
