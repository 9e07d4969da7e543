"""Takes samples of bots and measures checks, each when it is due, and hands what was found to the gates.

One loop looks for what is due; every sample and measurement is a task of its own. A sample costs the bot nothing: it is
what the bot controller's poller heard last. A measurement counts when the evidence log has it on disk, and when the
stretch of the run that it was made in is still the present one.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aviary_crds.v1alpha1.gatechecks import Check
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.names import Key, gate_key
from aviary_operator.bots.records import GateRecord
from aviary_operator.bots.seal import Seal
from aviary_operator.gates.courses import NOT_READ_YET, Course, Courses, definition_of
from aviary_operator.gates.decide.approvals import read_acknowledgements
from aviary_operator.gates.decide.check_record import CheckRecord
from aviary_operator.gates.decide.figures import figure
from aviary_operator.gates.decide.floor import all_checks
from aviary_operator.gates.decide.run import Run, advance_run, fail_run, read_subject
from aviary_operator.gates.decide.seals import is_grant_genuine
from aviary_operator.gates.evidence_chain import Entry, belongs_to
from aviary_operator.gates.evidence_log import EvidenceBusyError, EvidenceError, EvidenceLog
from aviary_operator.gates.measurement import Measurement, Silence, decide_measurement
from aviary_operator.gates.observe import GateObserver
from aviary_operator.gates.run_store import RunStore
from aviary_operator.gates.samples import SAMPLE_SECONDS, Sample, take_sample
from aviary_operator.gates.sources.question import Answer, Question
from aviary_operator.gates.sources.registry import Sources
from aviary_operator.runtime.metrics import Metrics

_SPREAD: Final = 0.1
"""Part of a period by which measurements are shifted, so that gates that were made together do not ask together."""

_SHORTEST_RECOVERY: Final = 30
"""Seconds; two samples at least."""

log = structlog.get_logger(__name__)


def precise_clock() -> datetime:
    """Return the time with its fractions: samples are told apart by it, and the age of a value is compared with it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, in seconds; other than these in tests and benchmarks only."""

    sample: float = SAMPLE_SECONDS
    tick: float = 0.25
    retry: float = 15.0
    """How long to wait before an evidence log that failed is opened again."""
    handover: float = 60.0
    """How long a log may stay unread after the start: held by an operator that is ending, or on a volume that is slow.
    Grants stand meanwhile, and no longer."""
    handover_retry: float = 1.0
    soon: float = 0.25
    """How long good news may wait, so that the checks of a gate that pass together are decided on together."""
    calm: float = 5.0
    """How long a measurement that changes no outcome may wait for the gate to be looked at."""
    first_spread: float = 5.0
    """Most seconds by which the first measurement of a check is put off, so that not all of a gate ask at once."""
    period_share: float = 1.0
    """Part of a check's ``periodSeconds`` and ``initialDelaySeconds`` that is really waited."""


@dataclass(slots=True)
class _Plan:
    """When what is due for a gate; times are the loop's."""

    open_due: float = 0.0
    open_until: float | None = None
    """Until when a log that was not read yet is waited for."""
    sample_due: float = 0.0
    began: datetime | None = None
    checks_due: dict[str, float] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)


class Measuring:
    """Measures for all gates."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        observer: GateObserver,
        courses: Courses,
        sources: Sources,
        evidence: EvidenceLog,
        store: RunStore | None,
        seal: Seal,
        enqueue: Callable[[Key], None],
        enqueue_after: Callable[[Key, float], None],
        metrics: Metrics,
        pace: Pace | None = None,
        clock: Callable[[], datetime] = precise_clock,
    ) -> None:
        self._fleet = fleet
        self._observer = observer
        self._courses = courses
        self._sources = sources
        self._evidence = evidence
        self._store = store
        self._seal = seal
        self._enqueue = enqueue
        self._enqueue_after = enqueue_after
        self._metrics = metrics
        self._pace = pace or Pace()
        self._clock = clock
        self._plans: dict[str, _Plan] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Measure what is due, for ever."""
        try:
            while True:
                self.look()
                await asyncio.sleep(self._pace.tick)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """Begin everything that is due now."""
        for key in self._fleet.indexes.gates():
            gate = self._fleet.gate(key)
            if gate is None or gate.deleting:
                continue
            spec = self._observer.spec(gate)
            if not isinstance(spec, InvalidSpec) and not spec.suspend:
                self._look_at(gate, spec)

    async def forget(self, gate_uid: str) -> None:
        """Forget a gate that is gone. What was written about it stays on the volume."""
        self._plans.pop(gate_uid, None)
        self._courses.forget(gate_uid)
        await self._evidence.close(gate_uid)

    async def fail(self, gate: GateRecord, failing: frozenset[str]) -> None:
        """End the gate's run: these checks failed in it."""
        course = self._courses.of(gate.uid)
        async with course.lock:
            before = course.run
            if before is None:
                return
            after = fail_run(before, failing, now=self._clock())
            if after is not before:
                course.take_run(after)
                await self._store_run(gate, course, before, None)

    def _look_at(self, gate: GateRecord, spec: PromotionGateSpec) -> None:
        now = asyncio.get_running_loop().time()
        plan, course = self._plans.setdefault(gate.uid, _Plan()), self._courses.of(gate.uid)
        if course.problem is not None:
            if plan.open_until is None:
                plan.open_until = now + self._pace.handover
            if now >= plan.open_due and self._begin(plan, "open", self._open(gate, spec, course, plan)):
                plan.open_due = now + self._pace.retry
            elif course.problem == NOT_READ_YET and "open" in plan.busy and now >= plan.open_until:
                course.problem = f"the evidence volume has not answered for {self._pace.handover:.0f} s"
                self._enqueue(gate_key(gate.namespace, gate.name))
            return
        if now >= plan.sample_due and self._begin(plan, "sample", self._sample(gate, spec, course)):
            plan.sample_due = now + self._pace.sample
        run = course.run
        if run is None or run.began is None:
            plan.began = None
            return
        checks = all_checks(spec, self._observer.floor_seconds)
        if run.began != plan.began:
            plan.began = run.began
            plan.checks_due = {check.name: now + self._first_wait(check) for check in checks}
        for check in checks:
            due = plan.checks_due.setdefault(check.name, now)
            if now >= due and self._begin(plan, f"check {check.name}", self._measure(gate, spec, course, check)):
                plan.checks_due[check.name] = now + self._period(check)

    def _begin(self, plan: _Plan, what: str, work: Coroutine[Any, Any, None]) -> bool:
        """Do ``work`` beside the loop unless the same is under way; return whether it was begun."""
        if what in plan.busy:
            work.close()
            return False

        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.exception("measuring failed", what=what)
            finally:
                plan.busy.discard(what)

        plan.busy.add(what)
        task = asyncio.create_task(guarded(), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def _first_wait(self, check: Check) -> float:
        early = min(self._pace.first_spread, check.period_seconds / 2)
        return (check.initial_delay_seconds + random.uniform(0, early)) * self._pace.period_share  # noqa: S311  spreads load

    def _period(self, check: Check) -> float:
        return check.period_seconds * self._pace.period_share * (1 + random.uniform(-_SPREAD, _SPREAD))  # noqa: S311

    async def _open(self, gate: GateRecord, spec: PromotionGateSpec, course: Course, plan: _Plan) -> None:
        """Read back what is known of a gate, and go on from there."""
        async with course.lock:
            try:
                known = await self._evidence.open(gate.uid, anchor=str(gate.status.get("evidenceHead") or ""))
                run = await self._load(gate, spec) if known else None
                records = await self._read_records(gate, spec, run)
            except EvidenceBusyError as error:
                now = asyncio.get_running_loop().time()
                if course.problem == NOT_READ_YET and plan.open_until is not None and now < plan.open_until:
                    plan.open_due = now + self._pace.handover_retry
                    log.info("waiting for the evidence log", gate=gate.name, namespace=gate.namespace, why=str(error))
                    return
                course.problem = str(error)
            except EvidenceError as error:
                if course.problem != str(error):
                    log.warning("evidence cannot be kept", gate=gate.name, namespace=gate.namespace, error=str(error))
                course.problem = str(error)
            else:
                if not known:
                    log.warning(
                        "the evidence log does not know the gate's last entry; its run begins anew", gate=gate.name
                    )
                course.run, course.records, course.problem = run, records, None
        self._enqueue(gate_key(gate.namespace, gate.name))

    async def _load(self, gate: GateRecord, spec: PromotionGateSpec) -> Run | None:
        store = self._store
        return None if store is None else await asyncio.to_thread(store.load, gate.uid, spec)

    async def _read_records(self, gate: GateRecord, spec: PromotionGateSpec, run: Run | None) -> dict[str, CheckRecord]:
        if run is None or run.began is None:
            return {}
        mark = belongs_to(run.began)
        entries = await self._evidence.read(gate.uid, keep=lambda line: mark in line)
        checks = {check.name: check for check in all_checks(spec, self._observer.floor_seconds)}
        definitions = {name: definition_of(check) for name, check in checks.items()}
        past = Course(run=run)
        for entry in entries:
            name = entry.measurement.check
            if entry.began == run.began and definitions.get(name) == entry.definition:
                past.take_measurement(checks[name], entry.measurement, began=run.began)
        return past.records

    async def _sample(self, gate: GateRecord, spec: PromotionGateSpec, course: Course) -> None:
        facts = self._observer.facts(gate, spec)
        now = self._clock()
        bot = facts.bot
        sample = (
            take_sample(bot, self._observer.report(gate, spec), now=now)
            if bot is not None
            else Sample(
                time=now, bot_uid="", digest=None, image_id=None, mode=None, good=False, why_not="there is no such bot"
            )
        )
        async with course.lock:
            before = course.run
            granted = is_grant_genuine(facts, seal=self._seal)
            after = advance_run(before, sample, subject=read_subject(bot), spec=spec, granted=granted, now=now)
            course.take_run(after)
            stored = await self._store_run(gate, course, before, sample)
        key = gate_key(gate.namespace, gate.name)
        if not stored or before is None or (before.since, before.ended) != (after.since, after.ended):
            self._enqueue(key)
        else:
            self._enqueue_after(key, self._pace.calm)

    async def _store_run(self, gate: GateRecord, course: Course, before: Run | None, sample: Sample | None) -> bool:
        store, after = self._store, course.run
        if store is None or after is None:
            return False
        try:
            await asyncio.to_thread(store.save, gate.uid, before, after, sample)
        except EvidenceError as error:
            course.problem = str(error)
            log.warning("evidence cannot be kept", gate=gate.name, namespace=gate.namespace, error=str(error))
            return False
        return True

    async def _measure(self, gate: GateRecord, spec: PromotionGateSpec, course: Course, check: Check) -> None:
        run = course.run
        if run is None or run.began is None or run.subject is None:
            return
        began, digest = run.began, run.subject.digest
        answer = await self._ask(gate, spec, check, run)
        measurement = decide_measurement(check, answer, now=self._clock())
        if check.bot is not None:
            measurement = replace(measurement, window_seconds=figure_window(check, run))
        before = course.records.get(check.name)
        if _says_nothing_new(check, answer, before):
            return
        if course.run is None or course.run.began != began:
            return  # it belongs to a stretch that is over
        if measurement.outcome is not CheckState.PENDING:
            entry = Entry(
                namespace=gate.namespace,
                gate=gate.name,
                gate_uid=gate.uid,
                bot=spec.bot_ref.name,
                digest=digest,
                source=check.source_kind,
                definition=definition_of(check),
                began=began,
                measurement=measurement,
            )
            if not await self._log(gate, course, entry):
                return
        course.take_measurement(check, measurement, began=began)
        self._metrics.measurements.labels(source=check.source_kind, outcome=measurement.outcome.value).inc()
        key = gate_key(gate.namespace, gate.name)
        if not _is_notable(check, before, measurement):
            self._enqueue_after(key, self._pace.calm)
        elif measurement.outcome in {CheckState.PASSED, CheckState.PENDING}:
            self._enqueue_after(key, self._pace.soon)
        else:
            self._enqueue(key)

    async def _ask(self, gate: GateRecord, spec: PromotionGateSpec, check: Check, run: Run) -> Answer:
        if check.bot is not None:
            return figure(run, check.bot.field, figure_window(check, run), now=self._clock())
        if check.manual is not None:
            facts = self._observer.facts(gate, spec)
            return read_acknowledgements(facts, check.name, now=self._clock(), seal=self._seal)
        if run.began is not None and (self._clock() - run.began).total_seconds() < check.window_seconds:
            message = f"the run is younger than the window of {check.window_seconds} s"
            return Silence(state=CheckState.PENDING, reason="WindowNotFull", message=message)
        return await self._sources.read(
            Question(
                namespace=gate.namespace,
                gate=gate.name,
                gate_uid=gate.uid,
                bot=spec.bot_ref.name,
                digest=run.subject.digest if run.subject else "",
                check=check,
                now=self._clock(),
            )
        )

    async def _log(self, gate: GateRecord, course: Course, entry: Entry) -> bool:
        try:
            await self._evidence.append(entry)
        except EvidenceError as error:
            self._metrics.measurements.labels(source=entry.source, outcome="Unrecorded").inc()
            if course.problem is None:
                log.warning("evidence cannot be kept", gate=gate.name, namespace=gate.namespace, error=str(error))
            course.problem = str(error)
            self._enqueue(gate_key(gate.namespace, gate.name))
            return False
        return True


def figure_window(check: Check, run: Run) -> int:
    """Return over how many seconds a figure of the bot is taken now; 0 is all of the run.

    A failed check that is about all of the run is measured over its newest period while the next run waits for it: the
    moment that failed it lies in the past of a run that is over, and would keep it failed for ever.
    """
    if check.window_seconds == 0 and check.name in run.waiting_for:
        return max(check.period_seconds, _SHORTEST_RECOVERY)
    return check.window_seconds


def _says_nothing_new(check: Check, answer: Answer, before: CheckRecord | None) -> bool:
    """Whether a Job that is under way again is all there is to say: the value of the last one stays what it is."""
    waiting = isinstance(answer, Silence) and answer.state is CheckState.PENDING and check.job is not None
    return waiting and before is not None and before.newest_value is not None


def _is_notable(check: Check, before: CheckRecord | None, measurement: Measurement) -> bool:
    """Whether the gate has to be looked at: the outcome is another one, or one more Passed may be enough."""
    if before is None or before.newest is None:
        return True
    newest = before.newest
    return (newest.outcome, newest.reason) != (measurement.outcome, measurement.reason) or before.passed < check.count
