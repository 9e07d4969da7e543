"""Wiring: builds the parts, starts them in order, ends them in the other order."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import kopf
import structlog
from aviary_crds.labels import BOT_HTTP_PORT
from pydantic import ValidationError

from aviary_operator.bots.apply import Applier
from aviary_operator.bots.desks import DeskReconciler
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key
from aviary_operator.bots.observe import Observer, Surroundings
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.reconcile import BotReconciler
from aviary_operator.bots.references import References
from aviary_operator.bots.report import Reporter
from aviary_operator.bots.resync import Resync, until_all_seen
from aviary_operator.bots.seal import seal_text
from aviary_operator.gates.approvals import ApprovalReconciler
from aviary_operator.gates.courses import Courses
from aviary_operator.gates.evidence_log import FileEvidenceLog
from aviary_operator.gates.measuring import Measuring, Pace
from aviary_operator.gates.observe import GateObserver
from aviary_operator.gates.reconcile import GateReconciler
from aviary_operator.gates.report import GateReporter
from aviary_operator.gates.run_store import RunStore
from aviary_operator.gates.sources.job import JobReader
from aviary_operator.gates.sources.prometheus import PrometheusReader
from aviary_operator.gates.sources.registry import Sources
from aviary_operator.gates.sources.report import ReportReader
from aviary_operator.runtime.bothttp import AiohttpBotHttp, BotHttp
from aviary_operator.runtime.controlkey import ControlKeyError, ensure_control_key
from aviary_operator.runtime.documents import AiohttpDocumentHttp, DocumentHttp
from aviary_operator.runtime.events import EventRecorder
from aviary_operator.runtime.health import Heartbeat, build_health_app, serve_health
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT, TRADING_DESK
from aviary_operator.runtime.kube import ApiError, DynamicKubeApi, KubeApi, connect
from aviary_operator.runtime.logs import configure_logs
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.runtime.workqueue import Outcome, WorkQueue, work
from aviary_operator.settings import OperatorSettings
from aviary_operator.triggers.handlers import build_registry
from aviary_operator.triggers.indexes import LiveIndexes
from aviary_operator.triggers.settings import build_kopf_settings

API_PATIENCE_SECONDS: Final = 60.0
DRAIN_SECONDS: Final = 5.0
_NOT_FOUND: Final = 404

log = structlog.get_logger(__name__)


class StartError(Exception):
    """The operator cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What reaches out of the process."""

    kube: KubeApi
    http: BotHttp
    documents: DocumentHttp
    metrics: Metrics
    heartbeat: Heartbeat


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts of a running operator, as its start-up needs them."""

    queue: WorkQueue[Key]
    registry: kopf.OperatorRegistry
    until_synced: Callable[[], Awaitable[None]]
    """Waits until everything that exists has been seen."""
    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What runs beside kopf once the indexes are filled."""
    close: Callable[[], Awaitable[None]]
    """Lets go of files."""


async def run(
    settings: OperatorSettings,
    *,
    stop: asyncio.Event | None = None,
    bot_port: int = BOT_HTTP_PORT,
    pace: Pace | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or ``stop``; ``bot_port`` and ``pace`` are others in tests only.

    Raises:
        StartError: when the cluster is not as it must be.
    """
    stop = stop or asyncio.Event()
    metrics = Metrics()
    loop = asyncio.get_running_loop()
    heartbeat = Heartbeat(clock=loop.time, period_seconds=settings.resync_seconds)
    runner = await serve_health(build_health_app(heartbeat, metrics), port=settings.http_port)
    try:
        async with _clients(metrics, bot_port) as (kube, http, documents):
            key = await _prepare(kube, settings)
            around = Surroundings(settings.namespace, key, settings.metrics_label)
            edges = Edges(kube, http, documents, metrics, heartbeat)
            operator = _assemble(settings, edges, around, pace or Pace())
            try:
                await _run_until(stop, operator, settings)
            finally:
                await operator.close()
    finally:
        await runner.cleanup()


def _assemble(settings: OperatorSettings, edges: Edges, around: Surroundings, pace: Pace) -> Operator:
    kube, metrics = edges.kube, edges.metrics
    queue: WorkQueue[Key] = WorkQueue(metrics)
    indexes = LiveIndexes()
    fleet = Fleet(indexes)
    references = References(kube, enqueue=queue.add)
    poller = StatePoller(edges.http, enqueue=queue.add, metrics=metrics)
    events = EventRecorder(kube, instance=f"{settings.namespace}/aviary-operator")
    bots = BotReconciler(
        fleet=fleet,
        observer=Observer(fleet, references, poller, around),
        applier=Applier(kube, fleet),
        reporter=Reporter(kube, fleet, events),
        poller=poller,
        http=edges.http,
        metrics=metrics,
        forget=lambda key: references.keep_only(key, ()),
    )
    desks = DeskReconciler(kube, fleet, enqueue=queue.add)
    gates = _assemble_gates(settings, edges, around, pace, _Around(queue, fleet, poller, events))

    async def reconcile(key: Key) -> Outcome:
        match key.kind:
            case "TradingBot":
                return await bots.reconcile(key)
            case "TradingDesk":
                return await desks.reconcile(key)
            case "PromotionGate":
                return await gates.gates.reconcile(key)
            case "PromotionApproval":
                return await gates.approvals.reconcile(key)

    resync = Resync(
        kube=kube,
        fleet=fleet,
        census=indexes,
        namespaces=settings.watch_namespaces,
        enqueue_after=queue.add_after,
        heartbeat=edges.heartbeat,
        metrics=metrics,
    )

    def worker() -> Coroutine[Any, Any, None]:
        return work(queue, reconcile, name=lambda key: key.kind, metrics=metrics)

    async def until_synced() -> None:
        await until_all_seen(kube, indexes, settings.watch_namespaces)
        edges.heartbeat.synced = True

    registry = build_registry(indexes, fleet, enqueue=queue.add)
    beside = (resync.run, poller.run, references.keep_fresh, gates.measuring.run, *([worker] * settings.workers))
    return Operator(queue, registry, until_synced, beside, gates.close)


@dataclass(frozen=True, slots=True)
class _Around:
    """Parts of the operator that gates use."""

    queue: WorkQueue[Key]
    fleet: Fleet
    poller: StatePoller
    events: EventRecorder


@dataclass(frozen=True, slots=True)
class _Gates:
    """The parts that gates add."""

    gates: GateReconciler
    approvals: ApprovalReconciler
    measuring: Measuring
    close: Callable[[], Awaitable[None]]


def _assemble_gates(
    settings: OperatorSettings, edges: Edges, around: Surroundings, pace: Pace, parts: _Around
) -> _Gates:
    kube, metrics, queue, fleet = edges.kube, edges.metrics, parts.queue, parts.fleet
    evidence, courses = FileEvidenceLog(settings.evidence_dir), Courses()
    reports = ReportReader(kube, edges.documents, hosts=settings.report_hosts, folder=settings.reports_dir)
    prometheus = PrometheusReader(
        edges.documents, url=settings.prometheus_url, token_file=settings.prometheus_token_file
    )
    observer = GateObserver(fleet, parts.poller, courses, evidence, floor_seconds=settings.floor_seconds)
    reporter = GateReporter(kube, fleet, parts.events)

    def seal(texts: Mapping[str, str]) -> str:
        return seal_text(around.control_key, texts)

    measuring = Measuring(
        fleet=fleet,
        observer=observer,
        courses=courses,
        sources=Sources({"prometheus": prometheus, "report": reports, "job": JobReader(kube)}, metrics),
        evidence=evidence,
        store=RunStore(settings.evidence_dir) if settings.evidence_dir else None,
        seal=seal,
        enqueue=queue.add,
        enqueue_after=queue.add_after,
        metrics=metrics,
        pace=pace,
    )

    async def close() -> None:
        reports.close()
        await evidence.close_all()

    return _Gates(
        gates=GateReconciler(
            fleet=fleet,
            observer=observer,
            measuring=measuring,
            reporter=reporter,
            seal=seal,
            enqueue=queue.add,
            metrics=metrics,
        ),
        approvals=ApprovalReconciler(fleet=fleet, reporter=reporter, enqueue=queue.add),
        measuring=measuring,
        close=close,
    )


async def _run_until(stop: asyncio.Event, operator: Operator, settings: OperatorSettings) -> None:
    kopf_stop = asyncio.Event()

    async def beside() -> None:
        await operator.until_synced()
        log.info("indexes filled", namespaces=list(settings.watch_namespaces) or "all")
        async with asyncio.TaskGroup() as group:
            for task in operator.tasks:
                group.create_task(task())

    ours = asyncio.create_task(beside(), name="workers")
    others = asyncio.all_tasks()
    roots = await kopf.spawn_tasks(
        registry=operator.registry,
        settings=build_kopf_settings(),
        namespaces=settings.watch_namespaces,
        clusterwide=not settings.watch_namespaces,
        standalone=True,
        stop_flag=kopf_stop,
    )
    _on_signals(stop)  # after kopf has taken them: reconciles in flight are finished before it stops
    watching = asyncio.create_task(kopf.run_tasks(roots, ignored=others), name="kopf")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({ours, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            await operator.queue.close()
    ours.cancel()
    await asyncio.gather(ours, return_exceptions=True)
    kopf_stop.set()
    results = await asyncio.gather(ours, watching, return_exceptions=True)
    stopping.cancel()
    for result in results:
        if isinstance(result, Exception):
            raise result
    if not stop.is_set():
        raise StartError("watching ended by itself")


@asynccontextmanager
async def _clients(
    metrics: Metrics, bot_port: int
) -> AsyncIterator[tuple[DynamicKubeApi, AiohttpBotHttp, AiohttpDocumentHttp]]:
    kube = await connect(metrics)
    try:
        async with AiohttpBotHttp(port=bot_port) as http, AiohttpDocumentHttp() as documents:
            yield kube, http, documents
    finally:
        await kube.close()


async def _prepare(kube: KubeApi, settings: OperatorSettings) -> bytes:
    """Wait for the API server, see that our kinds are installed, and return the operator's key."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + API_PATIENCE_SECONDS
    while True:
        try:
            for kind in (TRADING_BOT, TRADING_DESK, PROMOTION_GATE, PROMOTION_APPROVAL):
                for namespace in settings.watch_namespaces or (None,):
                    await kube.list(kind, namespace, limit=1, slim=True)
            return await ensure_control_key(kube, settings.namespace, settings.control_secret)
        except ControlKeyError as error:
            raise StartError(str(error)) from error
        except ApiError as error:
            if error.status == _NOT_FOUND:
                message = (
                    f"the kinds of aviary.trading are not installed; install the chart aviary-crds first ({error})"
                )
                raise StartError(message) from error
            if not error.retryable or loop.time() > deadline:
                raise StartError(str(error)) from error
            log.warning("waiting for the API server", error=str(error))
            await asyncio.sleep(1.0)


def _on_signals(stop: asyncio.Event) -> None:
    """Stop on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread: in tests
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)


def main() -> int:
    """Run the operator; return the process's exit code."""
    try:
        settings = OperatorSettings()
    except ValidationError as error:
        for item in error.errors():
            print(f"AVIARY_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    try:
        asyncio.run(run(settings))
    except (StartError, ApiError) as error:
        log.error("operator ends", error=str(error))  # noqa: TRY400  the message is the whole story
        return 1
    log.info("operator stopped")
    return 0
