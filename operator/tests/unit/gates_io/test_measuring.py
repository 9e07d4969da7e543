"""The scheduler: when it measures, what counts, and what closes a gate."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Any, override

from aviary_crds.botstate import BotState, ConfigState, Figures, GuardView, Phase, RiskView
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key, bot_key, desk_key, gate_key
from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.records import read_bot, read_desk, read_gate, read_pod
from aviary_operator.bots.seal import seal_text
from aviary_operator.gates.courses import NOT_READ_YET, Course, Courses
from aviary_operator.gates.evidence_log import FileEvidenceLog, write_through
from aviary_operator.gates.measurement import Reading, Silence
from aviary_operator.gates.measuring import Measuring, Pace
from aviary_operator.gates.observe import GateObserver
from aviary_operator.gates.run_store import RunStore
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.gates.sources.registry import SLOTS, Sources
from aviary_operator.runtime.bothttp import BotHttp, RetuneAnswer
from aviary_operator.runtime.kinds import PROMOTION_GATE
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.triggers.indexes import LiveIndexes
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS

from .questions import DIGEST, OTHER_DIGEST

GATE = gate_key("desk", "to-live")
GATE_UID = "6a7e"
PACE = Pace(sample=0.02, tick=0.005, retry=0.05, calm=0.01, first_spread=0.0, period_share=0.002)
MADE = "2026-11-25T08:00:00Z"
QUERY = {"name": "query", "prometheus": {"query": "up", "series": "up"}}
LOSS = {"name": "loss", "bot": {"field": "DayLossBps"}}
DRILL = {"name": "drill", "job": {"producer": "drill", "image": "a:1"}}


class Silent(BotHttp):
    """Nobody is asked."""

    @override
    async def fetch_state(self, address: str) -> BotState:
        raise AssertionError("gates ask no bot")

    @override
    async def push_retune(self, address: str, config: Any, *, token: str) -> RetuneAnswer:
        raise AssertionError("gates push nothing")


class Talking(StatePoller):
    """Has just heard what a test puts here."""

    loss = Decimal(0)
    digest = DIGEST
    away = False

    @override
    def report(self, key: Key, *, pod_uid: str | None) -> BotReport:
        now = datetime.now(UTC)
        if self.away:
            return BotReport(silent_since=now, error="connection refused")
        state = BotState(
            time=now,
            name="alpha",
            namespace="desk",
            uid="bot-uid",
            mode=Mode.PAPER,
            digest=self.digest,
            phase=Phase.RUNNING,
            start_time=now,
            ready=True,
            config=ConfigState(revision="r", boot_revision="b"),
            figures=Figures(fills=1, rejected_orders=0, fee_source="api:x"),
            guard=GuardView(state="Running"),
            risk=RiskView(day_loss_bps=self.loss, drawdown_bps=Decimal(0), hard_stops=0),
            starts=1,
        )
        return BotReport(state=state, seen=now)


@dataclass
class Scripted(Source):
    """Answers as a test says, and counts who waits."""

    answer: Callable[[Question], Awaitable[Answer]]
    now: int = 0
    most: int = 0
    asked: list[Question] = field(default_factory=list)

    @override
    async def read(self, question: Question) -> Answer:
        self.asked.append(question)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self.answer(question)
        finally:
            self.now -= 1


async def one(_: Question) -> Answer:
    return Reading(value=Decimal(1), observed=datetime.now(UTC), query="up", sha256="sha256:1")


async def never(_: Question) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def gate_body(*checks: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    threshold = {"comparison": "LessThan", "value": "100"}
    return {
        "metadata": meta("to-live", GATE_UID),
        "spec": {
            "botRef": {"name": "alpha"},
            "from": "Paper",
            "to": "Testnet",
            "minLevel": 0,
            "soak": {"maxGapSeconds": 30},
            "checks": [{"threshold": threshold, "periodSeconds": 5, **check} for check in checks],
            "grant": {"capitalQuote": "100"},
            **spec,
        },
    }


def meta(name: str, uid: str, *, version: int = 1) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "desk",
        "uid": uid,
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": MADE,
    }


class Scene:
    """A gate, its bot, and a scheduler that runs."""

    def __init__(self, folder: Path | None, *checks: Mapping[str, Any], **spec: Any) -> None:
        self.folder = folder
        self.indexes = LiveIndexes()
        self.metrics = Metrics()
        self.queued: list[Key] = []
        self.courses = Courses()
        self.sources: dict[str, Source] = {"prometheus": Scripted(one)}
        self.poller = Talking(Silent(), enqueue=self.queued.append, metrics=self.metrics)
        self.write: Callable[[FileIO, bytes], None] = write_through
        self.pace = PACE
        self.opened = 0
        self.answers = asyncio.Event()
        self.answers.set()
        desk = read_desk({"metadata": meta("desk", "desk-uid"), "spec": {"ceilings": dict(CEILINGS)}})
        self.indexes.desk_records.put(desk_key("desk", "desk"), desk)
        self.put_bot(DIGEST)
        container = {"name": "bot", "imageID": "image@sha256:1", "state": {"running": {}}}
        pod = {"metadata": meta("alpha-0", "pod-uid"), "status": {"containerStatuses": [container]}}
        self.indexes.pod_records.put(bot_key("desk", "alpha"), read_pod(pod))
        self.put_gate(*checks, **spec)

    def write_now(self, file: FileIO, data: bytes) -> None:
        """Write as the test says at that moment."""
        self.write(file, data)

    def put_bot(self, digest: str, *, version: int = 1) -> None:
        status = {"observedGeneration": 1, "digest": digest, "conditions": []}
        spec = {**BOT_SPEC, "deskRef": {"name": "desk"}}
        self.poller.digest = digest
        body = {"metadata": meta("alpha", "bot-uid", version=version), "spec": spec, "status": status}
        self.indexes.put_bot(read_bot(body))

    def put_gate(self, *checks: Mapping[str, Any], **spec: Any) -> None:
        self.indexes.put_gate(read_gate(gate_body(*checks, **spec)))

    @property
    def course(self) -> Course:
        return self.courses.of(GATE_UID)

    def subject_digest(self) -> str | None:
        run = self.course.run
        return run.subject.digest if run is not None and run.subject is not None else None

    def prometheus(self) -> Scripted:
        source = self.sources["prometheus"]
        assert isinstance(source, Scripted)
        return source

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Measuring]:
        """Measure until the block ends."""
        evidence = CountedLog(self, self.folder)
        fleet = Fleet(self.indexes)
        observer = GateObserver(fleet, self.poller, self.courses, evidence, floor_seconds=7_200)
        measuring = Measuring(
            fleet=fleet,
            observer=observer,
            courses=self.courses,
            sources=Sources(self.sources, self.metrics),
            evidence=evidence,
            store=RunStore(self.folder) if self.folder else None,
            seal=lambda parts: seal_text(b"k" * 32, parts),
            enqueue=self.queued.append,
            enqueue_after=lambda key, _: self.queued.append(key),
            metrics=self.metrics,
            pace=self.pace,
        )
        task = asyncio.create_task(measuring.run())
        try:
            yield measuring
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await evidence.close_all()

    async def until(self, holds: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110  the scheduler says nothing when it is done
                await asyncio.sleep(0.002)

    def passed(self, check: str) -> int:
        record = self.course.records.get(check)
        return record.passed if record else 0


class CountedLog(FileEvidenceLog):
    """A log that tells its scene how often it was opened, and opens when the scene's volume answers."""

    def __init__(self, scene: Scene, folder: Path | None) -> None:
        super().__init__(folder, write=scene.write_now)
        self._scene = scene

    @override
    async def open(self, gate_uid: str, *, anchor: str = "") -> bool:
        self._scene.opened += 1
        await self._scene.answers.wait()
        return await super().open(gate_uid, anchor=anchor)


async def test_checks_are_measured_again_and_again_and_the_gate_hears_of_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY, LOSS)
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 3 and scene.passed("loss") >= 3)
    assert set(scene.queued) == {GATE}
    assert scene.course.problem is None
    assert scene.prometheus().asked[0].digest == DIGEST


async def test_initial_delay_is_waited_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY, {**LOSS, "initialDelaySeconds": 3_600})
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 3)
    assert "loss" not in scene.course.records


async def test_nothing_is_measured_before_the_bot_was_seen_well(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)
    scene.poller.away = True
    async with scene.run():
        await scene.until(lambda: scene.course.run is not None)
        seen = scene.course.run
        await scene.until(lambda: scene.course.run is not seen)
        assert scene.prometheus().asked == []
        scene.poller.away = False
        await scene.until(lambda: scene.passed("query"))


async def test_suspended_gate_is_left_alone(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY, suspend=True)
    async with scene.run() as measuring:
        for _ in range(20):
            measuring.look()
        assert scene.course.problem == NOT_READ_YET
    assert scene.queued == []


async def test_slow_source_delays_no_other_and_is_asked_twice_at_most(tmp_path: Path) -> None:
    slow = [{**QUERY, "name": f"query-{number}"} for number in range(6)]
    scene = Scene(tmp_path, *slow, LOSS, DRILL)
    scene.sources = {"prometheus": Scripted(never), "job": Scripted(one)}
    async with scene.run():
        await scene.until(lambda: scene.passed("loss") >= 3 and scene.passed("drill") >= 3)
        assert scene.prometheus().most == SLOTS == 2


async def test_source_that_raises_is_an_error_and_no_end(tmp_path: Path) -> None:
    async def fail(_: Question) -> Answer:
        raise RuntimeError("a bug")

    scene = Scene(tmp_path, QUERY, LOSS)
    scene.sources = {"prometheus": Scripted(fail)}
    async with scene.run():
        await scene.until(lambda: scene.passed("loss") >= 2 and "query" in scene.course.records)
    newest = scene.course.records["query"].newest
    assert newest is not None
    assert (newest.outcome, newest.reason) == (CheckState.ERRORED, "SourceFailed")


async def test_value_that_cannot_be_logged_does_not_count_and_closes_the_gate(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)

    def fail(_: FileIO, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 1)
        scene.write = fail
        await scene.until(lambda: scene.course.problem is not None)
        assert "No space left" in (scene.course.problem or "")
        scene.write = write_through
        await scene.until(lambda: scene.course.problem is None)
        before = scene.passed("query")
        await scene.until(lambda: scene.passed("query") > before)


async def test_operator_without_a_volume_says_so_and_measures_nothing() -> None:
    scene = Scene(None, QUERY)
    async with scene.run():
        await scene.until(lambda: scene.course.problem not in {None, NOT_READ_YET})
    assert "AVIARY_EVIDENCE_DIR" in (scene.course.problem or "")
    assert scene.prometheus().asked == []


async def test_changed_subject_voids_what_was_measured(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 5)
        began = scene.course.run.began if scene.course.run else None
        scene.put_bot(OTHER_DIGEST, version=2)
        await scene.until(lambda: scene.course.run is not None and scene.course.run.began not in {None, began})
        assert scene.passed("query") < 5
        await scene.until(lambda: scene.prometheus().asked[-1].digest == OTHER_DIGEST)


async def test_answer_of_a_run_that_is_over_does_not_count_for_the_next(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def hold(question: Question) -> Answer:
        if question.digest == DIGEST:
            await release.wait()
            return Silence(state=CheckState.FAILED, reason="Held", message="")
        return await one(question)

    scene = Scene(tmp_path, QUERY)
    scene.sources = {"prometheus": Scripted(hold)}
    async with scene.run():
        await scene.until(lambda: scene.prometheus().now == 1)
        scene.put_bot(OTHER_DIGEST, version=2)
        await scene.until(lambda: scene.subject_digest() == OTHER_DIGEST)
        release.set()
        await scene.until(lambda: scene.passed("query"))
    assert scene.course.records["query"].failed == 0


async def test_restart_goes_on_with_run_and_counts(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY, LOSS)
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 4)
    before = scene.course
    again = Scene(tmp_path, QUERY, LOSS)
    again.sources = {"prometheus": Scripted(never)}
    async with again.run():
        await again.until(lambda: again.course.problem is None)
        assert again.course.run is not None
        assert before.run is not None
        assert again.course.run.began == before.run.began
        assert again.passed("query") == before.records["query"].passed
        assert again.course.records["query"].kept == before.records["query"].kept


async def test_check_that_was_written_anew_begins_anew_after_a_restart(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY, LOSS)
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 4 and scene.passed("loss") >= 1)
    again = Scene(tmp_path, {**QUERY, "maxAgeSeconds": 600}, LOSS)
    again.sources = {"prometheus": Scripted(never)}
    async with again.run():
        await again.until(lambda: again.course.problem is None)
        assert "query" not in again.course.records
        assert again.passed("loss") >= 1


async def test_lost_evidence_begins_the_run_anew(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)
    async with scene.run():
        await scene.until(lambda: scene.passed("query") >= 4)
    assert scene.course.run is not None
    again = Scene(tmp_path, QUERY)
    body = gate_body(QUERY)
    body["status"] = {"evidenceHead": "sha256:" + "e" * 64}
    again.indexes.put_gate(read_gate(body))
    again.sources = {"prometheus": Scripted(never)}
    async with again.run():
        await again.until(lambda: again.course.problem is None and again.course.run is not None)
        assert again.course.run is not None
        assert again.course.run.began != scene.course.run.began
        assert again.course.records == {}


async def test_failed_check_is_measured_over_its_newest_period_while_the_next_run_waits(tmp_path: Path) -> None:
    scene = Scene(tmp_path, LOSS)
    async with scene.run() as measuring:
        scene.poller.loss = Decimal(120)
        await scene.until(lambda: "loss" in scene.course.records and scene.course.records["loss"].failed)
        await measuring.fail(read_gate(gate_body(LOSS)), frozenset({"loss"}))
        assert scene.course.run is not None
        assert scene.course.run.waiting_for == {"loss"}
        await scene.until(lambda: scene.course.run is not None and scene.course.run.began is not None)
        assert scene.course.run.since is None
        await scene.until(lambda: "loss" in scene.course.records)
    newest = scene.course.records["loss"].newest
    assert newest is not None
    assert newest.window_seconds == 30
    assert (newest.outcome, newest.reason) == (CheckState.PENDING, "WindowNotFull")


async def test_job_under_way_again_leaves_the_last_value_as_it_is(tmp_path: Path) -> None:
    answers: list[Answer] = [
        Silence(state=CheckState.PENDING, reason="JobStarted", message="started"),
        Reading(value=Decimal(1), observed=datetime.now(UTC), query="Job", sha256="sha256:1"),
    ]
    count = 0

    async def answer(_: Question) -> Answer:
        nonlocal count
        count += 1
        return answers[min(count, 2) - 1] if count <= 2 else answers[0]

    scene = Scene(tmp_path, DRILL)
    scene.sources = {"job": Scripted(answer)}
    async with scene.run():
        await scene.until(lambda: "drill" in scene.course.records)
        await scene.until(lambda: count > 5)
    record = scene.course.records["drill"]
    assert record.passed == 1
    assert record.newest is not None
    assert record.newest.outcome is CheckState.PASSED


async def test_window_that_is_longer_than_the_run_asks_nobody(tmp_path: Path) -> None:
    windowed = {"name": "rate", "prometheus": {"query": "rate(up[$window])", "series": "up", "windowSeconds": 3_600}}
    scene = Scene(tmp_path, windowed)
    async with scene.run():
        await scene.until(lambda: "rate" in scene.course.records)
    newest = scene.course.records["rate"].newest
    assert newest is not None
    assert (newest.outcome, newest.reason) == (CheckState.PENDING, "WindowNotFull")
    assert scene.prometheus().asked == []


async def test_evidence_volume_that_does_not_answer_closes_the_gate_until_it_does(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)
    scene.pace = replace(scene.pace, handover=0.02)
    answers = scene.answers = asyncio.Event()
    async with scene.run():
        await scene.until(lambda: scene.course.problem not in {None, NOT_READ_YET})
        assert "has not answered" in str(scene.course.problem)
        assert scene.queued == [GATE], "the gate hears of it"
        answers.set()
        await scene.until(lambda: scene.passed("query"))
        assert scene.course.problem is None


async def test_gate_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    scene = Scene(tmp_path, QUERY)
    async with scene.run() as measuring:
        await scene.until(lambda: scene.passed("query") >= 1)
        scene.indexes.remove(PROMOTION_GATE, GATE_UID)
        await measuring.forget(GATE_UID)
        assert scene.course.records == {}


def test_pace_of_production_is_what_the_design_says() -> None:
    assert Pace().sample == 15
    assert timedelta(seconds=Pace().calm) < timedelta(seconds=15)


async def test_log_of_an_operator_that_is_ending_is_waited_for(tmp_path: Path) -> None:
    ending = FileEvidenceLog(tmp_path)
    await ending.open(GATE_UID)
    scene = Scene(tmp_path, QUERY)
    scene.pace = replace(scene.pace, handover=30.0, handover_retry=0.01)
    async with scene.run():
        await scene.until(lambda: scene.opened >= 3)
        assert scene.course.problem == NOT_READ_YET, "nothing is decided, so grants stand"
        await ending.close_all()
        await scene.until(lambda: scene.passed("query"))
        assert scene.course.problem is None


async def test_log_that_another_operator_keeps_holding_closes_the_gate(tmp_path: Path) -> None:
    other = FileEvidenceLog(tmp_path)
    await other.open(GATE_UID)
    scene = Scene(tmp_path, QUERY)
    scene.pace = replace(scene.pace, handover=0.02, handover_retry=0.01)
    async with scene.run():
        await scene.until(lambda: scene.course.problem not in {None, NOT_READ_YET})
        assert "run one operator only" in str(scene.course.problem)
        assert scene.passed("query") == 0
    await other.close_all()
