"""What the operator writes while nothing happens: twenty bots that have converged and trade.

Watched for AVIARY_BENCH_IDLE_MINUTES (10 by default). The bots' figures go to their status at most once a minute each;
any other write is one too many, so the two are counted apart.
"""

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aviary_e2e.bench.figure import Figure
from aviary_e2e.bots import Bot, bot_manifest
from aviary_e2e.kubectl import Kubectl, Manifest
from aviary_e2e.release import desk_manifests, prepare
from aviary_e2e.waiting import until

NAMESPACE = "bench-idle"
REPORTING_COMPONENT: Final = "aviary.trading/operator"
BOTS = 20
SETTLED_SECONDS = 30.0


def measure() -> Sequence[Figure]:
    """Let the bots get Ready and settle, then count the operator's writes."""
    minutes = float(os.environ.get("AVIARY_BENCH_IDLE_MINUTES", "10"))
    release = prepare()
    release.kubectl.apply(desk_manifests(NAMESPACE))
    bots = [Bot(release.kubectl, f"idle-{number}", NAMESPACE) for number in range(BOTS)]
    try:
        release.kubectl.apply([build_bot(bot) for bot in bots])
        for bot in bots:
            bot.wait_ready(seconds=600)
        until(
            "the operator to have written all it must",
            lambda: release.writes_during(SETTLED_SECONDS)["others"] == 0,
            seconds=300,
        )
        watched = len(release.kubectl.run("get", "tradingbots", "-A", "-o", "name").splitlines())
        begin = datetime.now(UTC)
        writes = release.writes_during(60 * minutes)
        told = _events_since(release.kubectl, begin)
    finally:
        release.kubectl.delete("namespace", NAMESPACE, "")
        until("the bots to be gone", lambda: release.kubectl.get("namespace", NAMESPACE, "") is None, seconds=300)
    how = f"{watched} bots on the cluster, {BOTS} of them made for this, {minutes:.0f} min"
    if told:
        how += f"; Events meanwhile, so something did happen: {told}"
    most = round(watched * minutes)
    return [
        Figure("operator idle, writes besides figures", "0", str(writes["others"]), how),
        Figure("operator idle, writes of bots' figures", f"≤ {most}", str(writes["figures"]), "one a minute and bot"),
    ]


def _events_since(kubectl: Kubectl, begin: datetime) -> str:
    """Return the reasons of the operator's Events since ``begin`` with their numbers; empty when it told nothing."""
    items = json.loads(kubectl.run("get", "events", "-n", NAMESPACE, "-o", "json"))["items"]
    reasons = Counter(
        item["reason"]
        for item in items
        if item.get("reportingComponent") == REPORTING_COMPONENT
        and datetime.fromisoformat(item.get("eventTime") or item["lastTimestamp"]) >= begin
    )
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))


def build_bot(bot: Bot) -> Manifest:
    """Return one of the bots: so small in ceilings and requests that all of them fit under the desk and on one node."""
    return bot_manifest(
        bot.name,
        bot.namespace,
        safety={"maxOrderNotionalQuote": "600", "maxNotionalQuote": "1200", "maxDailyTurnoverBps": 10_000_000},
        resources={"requests": {"cpu": "20m", "memory": "180Mi"}},
    )
