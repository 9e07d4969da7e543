"""An operator with a fleet whose pods are simulated: reconcile time, memory, idle processor time, writes.

    .venv/bin/python operator/bench/fleet.py --bots 100 --idle-seconds 120

The API server is real; pods and bots are simulated in this process, the operator runs in one of its own. The bots'
figures change all the time, as those of bots that trade do; with --still they do not, and nothing should be written.
"""

import argparse
import asyncio
import os
import platform
import random
import time
from decimal import Decimal
from pathlib import Path

from aviary_cluster.controlplane import ControlPlane, run_control_plane
from aviary_operator.runtime.kinds import TRADING_BOT
from aviary_operator.runtime.kube import ApiError, KubeApi, connect
from aviary_operator.runtime.metrics import Metrics
from aviary_operator_simulation.cluster import (
    free_port,
    grant_rights,
    install_kinds,
    make_namespace,
    read_writes,
    summarize,
)
from aviary_operator_simulation.node import SimulatedNode
from aviary_operator_simulation.process import OperatorProcess, Sample, run_operator
from aviary_operator_simulation.world import BOT_SPEC, find_condition

CRDS = Path(__file__).parents[2] / "crds" / "generated" / "crds"
NAMESPACE = "desk"


async def apply_bots(kube: KubeApi, count: int) -> None:
    for number in range(count):
        manifest = {
            "apiVersion": TRADING_BOT.api_version,
            "kind": TRADING_BOT.kind,
            "metadata": {"name": f"bot-{number}", "namespace": NAMESPACE},
            "spec": dict(BOT_SPEC),
        }
        await kube.apply(TRADING_BOT, manifest, manager="desk")


async def until_ready(kube: KubeApi, count: int, *, deadline: float) -> None:
    while True:
        bots = await kube.list(TRADING_BOT, NAMESPACE)
        ready = [bot for bot in bots if (find_condition(bot, "Ready") or {}).get("status") == "True"]
        if len(ready) == count:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(ready)} of {count} bots ready")
        await asyncio.sleep(1)


async def trade(node: SimulatedNode) -> None:
    """Let every bot's figures change all the time."""
    while True:
        for bot in node.bots.values():
            change = Decimal(random.randint(-50, 50)) / 10  # noqa: S311  a made-up price
            bot.figures = bot.figures.model_copy(
                update={"fills": bot.figures.fills + 1, "equity_quote": Decimal(1000) + change}
            )
        await asyncio.sleep(1)


async def watch_idle(operator: OperatorProcess, seconds: float) -> tuple[Sample, Sample]:
    before = operator.sample()
    await asyncio.sleep(seconds)
    return before, operator.sample()


async def measure(plane: ControlPlane, options: argparse.Namespace) -> None:
    kube = await connect(Metrics(), kubeconfig=str(plane.kubeconfig))
    await install_kinds(kube, CRDS)
    await make_namespace(kube, NAMESPACE)
    await grant_rights(kube, "operator")
    port = free_port()
    node = SimulatedNode(kube, NAMESPACE, port=port, subnet=77, period=1.0)
    kubeconfig = plane.kubeconfig_for("operator")
    while True:
        try:
            await kube.list(TRADING_BOT, NAMESPACE)
            break
        except ApiError:
            await asyncio.sleep(0.2)
    async with (
        node.run(),
        run_operator(kubeconfig, namespaces=[NAMESPACE], own=NAMESPACE, bot_port=port, log=options.log) as operator,
    ):
        while not operator.is_ready():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.1)
        empty = operator.sample()
        begin = time.monotonic()
        await apply_bots(kube, options.bots)
        await until_ready(kube, options.bots, deadline=begin + 600)
        took = time.monotonic() - begin
        trading = asyncio.create_task(asyncio.sleep(0) if options.still else trade(node))
        await asyncio.sleep(options.settle_seconds)
        written = len(read_writes(plane.audit_log, user="operator", namespace=NAMESPACE))
        before, after = await watch_idle(operator, options.idle_seconds)
        writes = read_writes(plane.audit_log, user="operator", namespace=NAMESPACE)[written:]
        trading.cancel()
        span = after.when - before.when
        cpu = (after.cpu_seconds - before.cpu_seconds) / span * 100
        minutes = span / 60
        print(f"| what | {options.bots} bots |")
        print("|---|---|")
        print(f"| apply → all ready (pods simulated) | {took:.1f} s |")
        times = " / ".join(f"{operator.quantile(share) * 1e3:g} ms" for share in (0.5, 0.95, 0.99))
        print(f"| reconcile p50 / p95 / p99, at most | {times} |")
        print(f"| resident memory, no bots / all running | {empty.rss_mb:.0f} / {after.rss_mb:.0f} MB |")
        print(f"| processor over {span:.0f} s after convergence | {cpu:.2f} % of a core |")
        print(
            f"| writes in that time, per bot and minute | {len(writes)} = {len(writes) / options.bots / minutes:.2f} |"
        )
        print(f"| of which | {dict(summarize(writes))} |")
    await kube.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", type=int, default=100)
    parser.add_argument("--settle-seconds", type=float, default=75.0)
    parser.add_argument("--idle-seconds", type=float, default=120.0)
    parser.add_argument("--still", action="store_true", help="bots whose figures do not change")
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    load = os.getloadavg()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load before: {load[0]:.1f}")
    with run_control_plane() as plane:
        asyncio.run(measure(plane, options))


if __name__ == "__main__":
    main()
