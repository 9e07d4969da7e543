"""Forty gates with twenty checks each: how long a full evaluation takes, and how much of it is in flight.

    .venv/bin/python operator/bench/gates.py --gates 40

Ten checks of each gate ask a fake Prometheus that takes 20 ms for an answer, six are figures of the bot, three are
reports on a volume, one is manual; the nine of the floor come on top. Scheduler, sources, evidence log (synced to disk)
and decisions are the operator's own, in one process; Prometheus is another, the API server is in memory. Every check of
every gate is due at the same moment, which no real fleet ever is: an evaluation of a gate is over when its last check
is measured and decided on.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, override

from aiohttp import web
from aviary_crds.botstate import BotState, ConfigState, ConnectorReadiness, Figures, GuardView, Phase, RiskView
from aviary_crds.evidence import seal_report
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key, bot_key, gate_key
from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.records import read_bot, read_desk, read_gate, read_pod
from aviary_operator.bots.seal import seal_text
from aviary_operator.gates.courses import Courses
from aviary_operator.gates.evidence_log import FileEvidenceLog
from aviary_operator.gates.measuring import Measuring, Pace
from aviary_operator.gates.observe import GateObserver
from aviary_operator.gates.reconcile import GateReconciler
from aviary_operator.gates.report import GateReporter
from aviary_operator.gates.run_store import RunStore
from aviary_operator.gates.sources.prometheus import PrometheusReader
from aviary_operator.gates.sources.promql import PART_LABEL, TIME_PART, VALUE_PART
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.gates.sources.registry import Sources
from aviary_operator.gates.sources.report import ReportReader
from aviary_operator.runtime.bothttp import AiohttpBotHttp
from aviary_operator.runtime.documents import AiohttpDocumentHttp, DocumentError
from aviary_operator.runtime.events import EventRecorder
from aviary_operator.runtime.kinds import Kind, Manifest
from aviary_operator.runtime.kube import KubeApi
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.runtime.workqueue import Outcome, WorkQueue, work
from aviary_operator.triggers.indexes import LiveIndexes
from aviary_operator_simulation.cluster import free_port
from aviary_operator_simulation.process import run_process
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS

NAMESPACE = "desk"
DIGEST = "sha256:" + "a" * 64
FIELDS = ("Fills", "ReadyShareBps", "DayLossBps", "DrawdownBps", "RejectedOrders", "CancelsInBudgetShareBps")
STARTED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class MemoryApi(KubeApi):
    """Takes statuses and Events, and counts the calls."""

    def __init__(self) -> None:
        self.version = 100
        self.calls = 0

    @override
    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        return None

    @override
    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", limit: int | None = None, slim: bool = False
    ) -> Sequence[Manifest]:
        return []

    @override
    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        return manifest

    @override
    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        return manifest

    @override
    async def apply_status(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        self.calls += 1
        self.version += 1
        name = manifest["metadata"]["name"]
        return {**build_gate(name), "status": manifest["status"], "metadata": meta(name, version=self.version)}

    @override
    async def replace(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        return manifest

    @override
    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> bool:
        return True


class Talking(StatePoller):
    """A poller that has always just heard from a bot that is well."""

    @override
    def report(self, key: Key, *, pod_uid: str | None) -> BotReport:
        now = datetime.now(UTC)
        return BotReport(state=build_state(key.name, now), seen=now)


@dataclass
class Watched(Source):
    """A source whose requests in flight are counted."""

    inner: Source
    now: int = 0
    most: int = 0
    times: list[float] = field(default_factory=list)

    @override
    async def read(self, question: Question) -> Answer:
        self.now += 1
        self.most = max(self.most, self.now)
        begin = time.perf_counter()
        try:
            return await self.inner.read(question)
        finally:
            self.now -= 1
            self.times.append(time.perf_counter() - begin)


@dataclass
class FakePrometheus:
    """Answers every query with 1, after some milliseconds."""

    latency: float
    now: int = 0
    most: int = 0
    asked: int = 0

    async def count(self, _: web.Request) -> web.Response:
        return web.json_response({"asked": self.asked, "most": self.most})

    async def answer(self, _: web.Request) -> web.Response:
        self.now += 1
        self.asked += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.latency)
        self.now -= 1
        moment = time.time()
        result = [
            {"metric": {PART_LABEL: part}, "value": [moment, value]}
            for part, value in ((VALUE_PART, "1"), (TIME_PART, f"{moment - 1:.3f}"))
        ]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})


def meta(name: str, *, version: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": STARTED.isoformat(),
    }


def build_state(name: str, now: datetime) -> BotState:
    return BotState(
        time=now,
        name=name,
        namespace=NAMESPACE,
        uid=f"uid-{name}",
        mode=Mode.PAPER,
        digest=DIGEST,
        phase=Phase.RUNNING,
        start_time=STARTED,
        ready=True,
        config=ConfigState(revision="r", boot_revision="b"),
        connectors=(ConnectorReadiness(name="bitget", ready=True),),
        figures=Figures(fills=int((now - STARTED).total_seconds()), rejected_orders=0, fee_source="api:bitget"),
        guard=GuardView(state="Running"),
        risk=RiskView(
            day_loss_bps="0",
            drawdown_bps="0",
            day_turnover_bps="0",
            cancels_in_budget=True,
            inventory_in_band=True,
            leverage=1,
            hard_stops=0,
        ),
        starts=1,
    )


def build_gate(name: str) -> Manifest:
    at_least = {"comparison": "AtLeast", "value": "0"}
    series = 'hbot_fills_total{bot="$bot"}'
    checks = [
        {"name": f"query-{number}", "prometheus": {"query": f"sum({series}) + {number}", "series": series}}
        for number in range(10)
    ]
    checks += [{"name": f"figure-{number}", "bot": {"field": figure}} for number, figure in enumerate(FIELDS)]
    checks += [
        {"name": f"report-{number}", "report": {"producer": "drill", "file": {"path": f"{name}.json"}}}
        for number in range(3)
    ]
    checks.append({"name": "seen", "manual": {"question": "looked at it"}})
    spec = {
        "botRef": {"name": name},
        "from": "Paper",
        "to": "Live",
        "checks": [{**check, "threshold": at_least} for check in checks],
        "grant": {"capitalQuote": "100"},
    }
    return {"metadata": meta(name), "spec": spec}


def build_indexes(gates: int) -> LiveIndexes:
    indexes = LiveIndexes()
    desk = read_desk({"metadata": meta("desk"), "spec": {"ceilings": dict(CEILINGS)}})
    indexes.desk_records.put(Key("TradingDesk", NAMESPACE, "desk"), desk)
    conditions = [
        {"type": name, "status": "True", "observedGeneration": 1}
        for name in ("EnvelopeValid", "EnvelopeEnforced", "ConfigInSync")
    ]
    for number in range(gates):
        name = f"bot-{number}"
        status = {"observedGeneration": 1, "digest": DIGEST, "conditions": conditions}
        spec = {**BOT_SPEC, "deskRef": {"name": "desk"}}
        indexes.put_bot(read_bot({"metadata": meta(name), "spec": spec, "status": status}))
        container = {"name": "bot", "imageID": "image@sha256:1", "ready": True, "state": {"running": {}}}
        pod = {"metadata": meta(f"{name}-0"), "status": {"phase": "Running", "containerStatuses": [container]}}
        indexes.pod_records.put(bot_key(NAMESPACE, name), read_pod(pod))
        indexes.put_gate(read_gate(build_gate(name)))
    return indexes


def write_reports(folder: Path, gates: int) -> None:
    for number in range(gates):
        body = {
            "schemaVersion": 1,
            "producer": "drill",
            "time": datetime.now(UTC).isoformat(),
            "subject": {"namespace": NAMESPACE, "bot": f"bot-{number}", "digest": DIGEST},
            "result": "Pass",
        }
        (folder / f"bot-{number}.json").write_bytes(seal_report(body))


class Evaluations:
    """When each gate was decided on with all of its checks measured."""

    def __init__(self, courses: Courses, *, gates: int, checks: int) -> None:
        self._courses = courses
        self._gates = gates
        self._checks = checks
        self.all_done = asyncio.Event()
        self.done: dict[str, float] = {}
        self.began: float | None = None

    def note(self, key: Key) -> None:
        course = self._courses.of(f"uid-{key.name}")
        if course.run is not None and course.run.began is not None and self.began is None:
            self.began = time.perf_counter()
        if key.name not in self.done and len(course.records) >= self._checks and self.began is not None:
            self.done[key.name] = time.perf_counter() - self.began
            if len(self.done) == self._gates:
                self.all_done.set()


@asynccontextmanager
async def run_prometheus(latency: float) -> AsyncIterator[str]:
    """Run the fake Prometheus in a process of its own; return its address."""
    port = free_port()
    async with run_process([__file__, "--serve", str(port), "--latency-ms", str(latency)], {}, log=Path(os.devnull)):
        url = f"http://127.0.0.1:{port}"
        async with AiohttpDocumentHttp() as http:
            while True:
                try:
                    await http.fetch(f"{url}/count", query={}, headers={}, limit=1_000)
                except DocumentError:
                    await asyncio.sleep(0.1)
                else:
                    break
        yield url


def serve(port: int, latency: float) -> None:
    """Be the fake Prometheus until SIGTERM."""
    prometheus, app = FakePrometheus(latency / 1e3), web.Application()
    app.add_routes([web.get("/api/v1/query", prometheus.answer), web.get("/count", prometheus.count)])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


async def measure(options: argparse.Namespace, folder: Path, url: str) -> None:
    metrics = Metrics()
    reports = folder / "reports"
    reports.mkdir()
    write_reports(reports, options.gates)
    kube, queue = MemoryApi(), WorkQueue[Key](metrics)
    fleet, courses = Fleet(build_indexes(options.gates)), Courses()
    evidence = FileEvidenceLog(folder / "evidence")

    def seal(parts: Mapping[str, str]) -> str:
        return seal_text(b"k" * 32, parts)

    async with AiohttpDocumentHttp() as http, AiohttpBotHttp() as bots:
        sources = {
            "prometheus": Watched(PrometheusReader(http, url=url, token_file=None)),
            "report": Watched(ReportReader(kube, http, hosts=(), folder=reports)),
        }
        poller = Talking(bots, enqueue=queue.add, metrics=metrics)
        observer = GateObserver(fleet, poller, courses, evidence, floor_seconds=7_200)
        measuring = Measuring(
            fleet=fleet,
            observer=observer,
            courses=courses,
            sources=Sources(sources, metrics),
            evidence=evidence,
            store=RunStore(folder / "evidence"),
            seal=seal,
            enqueue=queue.add,
            enqueue_after=queue.add_after,
            metrics=metrics,
            pace=replace(Pace(), first_spread=0.0),
        )
        gates = GateReconciler(
            fleet=fleet,
            observer=observer,
            measuring=measuring,
            reporter=GateReporter(kube, fleet, EventRecorder(kube, instance="bench")),
            seal=seal,
            enqueue=lambda _: None,
            metrics=metrics,
        )
        evaluations = Evaluations(courses, gates=options.gates, checks=29)
        decisions: list[float] = []

        async def reconcile(key: Key) -> Outcome:
            begin = time.perf_counter()
            outcome = await gates.reconcile(key)
            decisions.append(time.perf_counter() - begin)
            evaluations.note(key)
            return outcome

        tasks = [asyncio.create_task(measuring.run())]
        tasks += [
            asyncio.create_task(work(queue, reconcile, name=lambda key: key.kind, metrics=metrics)) for _ in range(5)
        ]
        for number in range(options.gates):
            queue.add(gate_key(NAMESPACE, f"bot-{number}"))
        cpu = time.process_time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(evaluations.all_done.wait(), 120)
        cpu = time.process_time() - cpu
        idle = time.process_time()
        await asyncio.sleep(options.idle_seconds)
        idle = (time.process_time() - idle) / options.idle_seconds * 100
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        counted = json.loads((await http.fetch(f"{url}/count", query={}, headers={}, limit=1_000)).body)
    await evidence.close_all()
    times = sorted(evaluations.done.values())
    if len(times) < options.gates:
        print(f"only {len(times)} of {options.gates} gates were evaluated")
        return
    queries = sources["prometheus"].times
    size = sum(path.stat().st_size for path in (folder / "evidence").glob("*.jsonl"))
    print(f"| what | {options.gates} gates, 20 checks each and the floor's 9 |")
    print("|---|---|")
    print(f"| full evaluation of a gate p50 / p95 / last | {quantiles(times)} / {times[-1]:.2f} s |")
    print(f"| a reconcile of a gate p50 / p95 | {quantiles(decisions)} |")
    print(f"| a query p50 / p95, {options.latency_ms:g} ms of it the server's | {quantiles(queries)} |")
    print(f"| most in flight per source | {json.dumps({kind: item.most for kind, item in sources.items()})} |")
    print(f"| most requests in flight at Prometheus, of {counted['asked']} | {counted['most']} |")
    print(f"| processor time of all of it | {cpu:.2f} s |")
    print(
        f"| processor over {options.idle_seconds:g} s afterwards, each check in its period | {idle:.1f} % of a core |"
    )
    print(f"| evidence written | {size / 1e3:.0f} kB |")


def quantiles(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return " / ".join(f"{cut:.2f} s" if cut >= 1 else f"{cut * 1e3:.1f} ms" for cut in (cuts[49], cuts[94]))


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="aviary-gates-") as folder:
        async with run_prometheus(options.latency_ms) as url:
            await measure(options, Path(folder), url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=40)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--idle-seconds", type=float, default=30.0)
    parser.add_argument("--serve", type=int, metavar="PORT", help="be the fake Prometheus")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.latency_ms)
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}")
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
