"""An operator started on a cluster with many TradingBots in it: time until all are reconciled, against bare kopf.

    .venv/bin/python operator/bench/start.py --bots 1000 --runs 3

Four programs, each on a fresh API server, all in one run:

- bare kopf: ``on.create``, ``on.update`` and ``on.resume`` handlers that write ``status.observedGeneration``
- bare kopf with children: the same, and six children created as ours are
- ours, new: bots never seen before, so it makes six children each and writes a status
- ours, restarted: started again on the fleet it has converged

No pods are simulated: a bot counts as reconciled when ``status.observedGeneration`` is its generation; the restarted
operator when it has reconciled each key once.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aviary_cluster.controlplane import ControlPlane, run_control_plane
from aviary_operator.runtime.kinds import TRADING_BOT
from aviary_operator.runtime.kube import ApiError, DynamicKubeApi, KubeApi, connect
from aviary_operator.runtime.metrics import Metrics
from aviary_operator_simulation.cluster import free_port, install_kinds, make_namespace
from aviary_operator_simulation.process import run_operator, run_process
from aviary_operator_simulation.world import BOT_SPEC

CRDS = Path(__file__).parents[2] / "crds" / "generated" / "crds"
NAMESPACE = "desk"
PATIENCE = 900.0
BARE = Path(__file__).parent / "bare_kopf.py"


async def store_bots(kube: KubeApi, count: int) -> None:
    async def store(number: int) -> None:
        manifest = {
            "apiVersion": TRADING_BOT.api_version,
            "kind": TRADING_BOT.kind,
            "metadata": {"name": f"bot-{number}", "namespace": NAMESPACE},
            "spec": dict(BOT_SPEC),
        }
        await kube.create(TRADING_BOT, manifest)

    for begin in range(0, count, 20):
        await asyncio.gather(*(store(number) for number in range(begin, min(count, begin + 20))))


async def until(check: Callable[[], Awaitable[bool]]) -> float:
    """Return the seconds until ``check`` holds."""
    begin = time.monotonic()
    while not await check():
        if time.monotonic() - begin > PATIENCE:
            raise SystemExit("not reconciled in time")
        await asyncio.sleep(1.0)  # a look is a list of all bots: more often would be part of the load
    return time.monotonic() - begin


async def all_observed(kube: KubeApi, count: int) -> bool:
    try:
        bots = await kube.list(TRADING_BOT, NAMESPACE)
    except ApiError:  # busy: looked again in a second
        return False
    done = sum((bot.get("status") or {}).get("observedGeneration") == bot["metadata"]["generation"] for bot in bots)
    return bool(done == count)


async def prepare(plane: ControlPlane, count: int) -> DynamicKubeApi:
    kube = await connect(Metrics(), kubeconfig=str(plane.kubeconfig))
    await install_kinds(kube, CRDS)
    await make_namespace(kube, NAMESPACE)
    while True:
        try:
            await kube.list(TRADING_BOT, NAMESPACE)
            break
        except ApiError:
            await asyncio.sleep(0.2)
    await store_bots(kube, count)
    return kube


async def measure_bare(plane: ControlPlane, count: int, log: Path, *, children: bool) -> list[float]:
    kube = await prepare(plane, count)
    environment = {"KUBECONFIG": str(plane.kubeconfig), "AVIARY_BENCH_CHILDREN": "1" if children else ""}
    arguments = ["-m", "kopf", "run", "--standalone", f"--namespace={NAMESPACE}", "--quiet", str(BARE)]
    async with run_process(arguments, environment, log=log):
        took = await until(lambda: all_observed(kube, count))
    await kube.close()
    return [took]


async def measure_ours(plane: ControlPlane, count: int, log: Path) -> list[float]:
    """Return the times for a new fleet and for a restart."""
    kube = await prepare(plane, count)
    port = free_port()
    async with run_operator(plane.kubeconfig, namespaces=[NAMESPACE], own=NAMESPACE, bot_port=port, log=log):
        new = await until(lambda: all_observed(kube, count))
        await asyncio.sleep(5)
    async with run_operator(
        plane.kubeconfig, namespaces=[NAMESPACE], own=NAMESPACE, bot_port=port, log=log
    ) as operator:

        async def all_looked_at() -> bool:
            if not operator.is_ready():
                return False
            name = "aviary_operator_reconcile_seconds_count{kind=TradingBot}"
            return (await asyncio.to_thread(operator.metrics)).get(name, 0) >= count

        restarted = await until(all_looked_at)
        memory = operator.sample().rss_mb
    await kube.close()
    return [new, restarted, memory]


def fresh[T](work: Callable[[ControlPlane], Awaitable[T]]) -> T:
    async def run(plane: ControlPlane) -> T:
        return await work(plane)

    with run_control_plane() as plane:
        return asyncio.run(run(plane))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bots", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    options = parser.parse_args()
    count, log = options.bots, options.log
    print(f"{platform.machine()}, {os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}, {count} bots stored")
    bare, with_children, new, restarted, memory = [], [], [], [], []
    for number in range(options.runs):
        bare += fresh(lambda plane: measure_bare(plane, count, log, children=False))
        with_children += fresh(lambda plane: measure_bare(plane, count, log, children=True))
        first, second, megabytes = fresh(lambda plane: measure_ours(plane, count, log))
        new.append(first)
        restarted.append(second)
        memory.append(megabytes)
        row = f"run {number + 1}: bare {bare[-1]:.1f}, with children {with_children[-1]:.1f}, "
        print(f"{row}ours new {first:.1f}, ours restarted {second:.1f} s", file=sys.stderr, flush=True)
    base, like = statistics.median(bare), statistics.median(with_children)
    print("| operator | median, s | to bare kopf | to bare kopf with children |")
    print("|---|---|---|---|")
    rows = [
        ("bare kopf (status only)", bare),
        ("bare kopf with six children", with_children),
        ("ours, new fleet (six children, status)", new),
        ("ours, restarted on a converged fleet", restarted),
    ]
    for name, values in rows:
        median = statistics.median(values)
        print(f"| {name} | {median:.1f} | {median / base:.2f} x | {median / like:.2f} x |")
    print(f"resident memory of ours with {count} bots: {statistics.median(memory):.0f} MB")


if __name__ == "__main__":
    main()
