"""A run: a stretch of continuous occupancy of a mode by one subject, and what ends it (docs/design/promotion.md, 2).

A reducer over samples. It never looks at the clock but for what it is told, so the same samples give the same run on
whichever operator reads them.

When an enforcing critical check fails, the run ends and waits. Samples go on being gathered meanwhile, in a stretch
that is no run: without them no figure of the bot could ever be measured as Passed again.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from aviary_crds.v1alpha1.gatechecks import FLOOR_PREFIX
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

from aviary_operator.gates.decide.buckets import Bucket, Buckets, add_sample, begin_buckets
from aviary_operator.gates.decide.floor import needs_floor
from aviary_operator.gates.measurement import FUTURE_TOLERANCE, Measurement
from aviary_operator.gates.samples import BotFacts, Sample


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """Who the evidence is of."""

    digest: str
    bot_uid: str
    image_id: str


class RunEndReason(StrEnum):
    """Why a run ended."""

    SUBJECT_CHANGED = "SubjectChanged"
    HARD_STOPPED = "HardStopped"
    LEFT_MODE = "LeftMode"
    EVIDENCE_GAP = "EvidenceGap"
    CHECK_FAILED = "CheckFailed"
    CLOCK_SET_BACK = "ClockSetBack"

    @property
    def is_silence(self) -> bool:
        """Whether nothing bad was seen; there was only nothing to be seen."""
        return self is RunEndReason.EVIDENCE_GAP


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """When and why a run ended; ``failed`` are the checks that the next one waits for."""

    time: datetime
    reason: RunEndReason
    message: str
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was seen of a bot since the present stretch began.

    Attributes:
        subject: whose stretch it is; None before any.
        began: first good sample of the stretch; None while there is none. Measurements belong to it by this time.
        waiting_for: failed checks that must measure Passed again before the next run begins.
        passed_again: those whose newest measurement of this stretch did.
        last_seen: the newest sample, good or not.
        days: UTC days with a good sample.
        ended: how the last run ended.
    """

    subject: SubjectKey | None
    began: datetime | None
    waiting_for: frozenset[str] = frozenset()
    passed_again: frozenset[str] = frozenset()
    last_good: datetime | None = None
    last_seen: datetime
    newest: Sample | None = None
    """The newest good sample of the stretch."""
    buckets: Buckets | None = None
    days: frozenset[date] = frozenset()
    ended: RunEnd | None = None
    memo: dict[datetime, tuple[Bucket | None, Bucket | None]] = field(default_factory=dict, compare=False, repr=False)
    """Saves folding the same window again; no input of any decision."""

    @property
    def since(self) -> datetime | None:
        """When the run began; None while there is none."""
        return None if self.waiting_for else self.began

    @property
    def fills(self) -> int:
        """Fills seen in the run; 0 when that is not known."""
        if self.since is None or self.buckets is None:
            return 0
        counter = self.buckets.total.fills
        return counter.gained if counter is not None and not counter.fell else 0

    def window(self, start: datetime) -> tuple[Bucket | None, Bucket | None]:
        """Return what was seen from ``start`` on, and what came before it."""
        if self.buckets is None:
            return None, None
        if start not in self.memo:
            self.memo[start] = self.buckets.since(start)
        return self.memo[start]


def read_subject(bot: BotFacts | None) -> SubjectKey | None:
    """Return the subject that the bot is now; None while its digest or its image is not known."""
    if bot is None or bot.digest is None or bot.image_id is None:
        return None
    return SubjectKey(bot.digest, bot.uid, bot.image_id)


def advance_run(
    run: Run | None,
    sample: Sample,
    *,
    subject: SubjectKey | None,
    spec: PromotionGateSpec,
    granted: bool,
    now: datetime,
) -> Run:
    """Return the run after one more look.

    Args:
        run: as it was; None before the first look.
        sample: the look.
        subject: who the bot is now (``read_subject``); None while that is not known: then no sample is good.
        spec: of the gate.
        granted: whether the gate grants its mode, so that the bot may be in ``to`` as well.
        now: the operator's clock.
    """
    if run is None:
        run = Run(subject=subject, began=None, last_seen=sample.time)
    modes = {spec.from_, spec.to} if granted else {spec.from_}
    run = _forget_removed_checks(run, spec)
    run = _end_by(run, sample, subject, modes, timedelta(seconds=spec.soak.max_gap_seconds))
    good = _is_good(sample, subject, modes, now)
    run = replace(run, subject=subject or run.subject, last_seen=sample.time)
    if run.began is None or run.buckets is None:
        return _begin(run, sample) if good else run
    if good and run.waiting_for and run.waiting_for <= run.passed_again:
        return _begin(replace(run, waiting_for=frozenset(), passed_again=frozenset()), sample)
    kept = sample if good or not sample.good else replace(sample, good=False)
    run = replace(run, buckets=add_sample(run.buckets, kept), memo={})
    if good:
        return replace(run, last_good=sample.time, newest=sample, days=run.days | {_day(sample.time)})
    return run


def fail_run(run: Run, failed: frozenset[str], *, now: datetime) -> Run:
    """Return the run after enforcing critical checks failed: ended, and the next one waits for all of them."""
    if run.since is None or not failed:
        return run
    names = ", ".join(sorted(failed))
    message = f"{names} failed; the next run begins when every one of them measures Passed again"
    end = RunEnd(time=_second(now), reason=RunEndReason.CHECK_FAILED, message=message, failed=failed)
    return end_run(run, end)


def end_run(run: Run, end: RunEnd) -> Run:
    """Return the run after this end, which may come from the journal of an operator that is gone."""
    return replace(_stop(run), ended=end, waiting_for=end.failed, passed_again=frozenset())


def note_measurement(run: Run, measurement: Measurement, *, began: datetime) -> Run:
    """Return the run after a check was measured in the stretch that ``began`` then."""
    name = measurement.check
    if name not in run.waiting_for or began != run.began or measurement.outcome is CheckState.PENDING:
        return run
    if measurement.outcome is CheckState.PASSED:
        return replace(run, passed_again=run.passed_again | {name})
    return replace(run, passed_again=run.passed_again - {name})


def _end_by(run: Run, sample: Sample, subject: SubjectKey | None, modes: set[Mode], max_gap: timedelta) -> Run:
    """Return the run, ended when the sample ends it."""
    if sample.time < run.last_seen:
        back = (run.last_seen - sample.time).total_seconds()
        run = _end(run, sample, RunEndReason.CLOCK_SET_BACK, f"the operator's clock was set back by {back:.0f} s")
    if subject is not None and run.subject is not None and subject != run.subject:
        run = _end(run, sample, RunEndReason.SUBJECT_CHANGED, _what_changed(run.subject, subject))
        run = replace(run, waiting_for=frozenset(), passed_again=frozenset())
    if run.last_good is not None and sample.time - run.last_good > max_gap:
        gap, why = (sample.time - run.last_good).total_seconds(), sample.why_not or "the operator was away"
        message = f"no good sample for {gap:.0f} s, more than soak.maxGapSeconds {max_gap.total_seconds():.0f}: {why}"
        run = _end(run, sample, RunEndReason.EVIDENCE_GAP, message)
    if sample.guard == "HardStopped" or _has_stopped_unseen(run, sample):
        run = _end(run, sample, RunEndReason.HARD_STOPPED, "the order guard stopped the bot")
    if sample.mode is not None and sample.mode not in modes:
        names = " and ".join(sorted(mode.value for mode in modes))
        message = f"the bot is in {sample.mode.value}; evidence is gathered in {names}"
        run = _end(run, sample, RunEndReason.LEFT_MODE, message)
    return run


def _end(run: Run, sample: Sample, reason: RunEndReason, message: str) -> Run:
    if run.began is None:
        return run
    if run.waiting_for and reason is not RunEndReason.SUBJECT_CHANGED:
        return _stop(run)  # no run ends here: it has before, and still waits
    return replace(_stop(run), ended=RunEnd(time=_second(sample.time), reason=reason, message=message))


def _stop(run: Run) -> Run:
    nothing: frozenset[str] = frozenset()
    return replace(
        run, began=None, last_good=None, newest=None, buckets=None, days=frozenset(), passed_again=nothing, memo={}
    )


def _begin(run: Run, sample: Sample) -> Run:
    return replace(
        run,
        began=sample.time,
        passed_again=frozenset(),
        last_good=sample.time,
        newest=sample,
        buckets=begin_buckets(sample),
        days=frozenset({_day(sample.time)}),
        memo={},
    )


def _is_good(sample: Sample, subject: SubjectKey | None, modes: set[Mode], now: datetime) -> bool:
    return (
        sample.good
        and subject is not None
        and (sample.digest, sample.bot_uid, sample.image_id) == (subject.digest, subject.bot_uid, subject.image_id)
        and sample.mode in modes
        and sample.guard in {"Running", "SoftPaused"}
        and sample.time <= now + FUTURE_TOLERANCE
    )


def _has_stopped_unseen(run: Run, sample: Sample) -> bool:
    """Whether the bot counted a hard stop that nobody saw between two samples."""
    counted = run.buckets.total.hard_stops if run.buckets else None
    return counted is not None and sample.hard_stops is not None and sample.hard_stops > counted.last


def _forget_removed_checks(run: Run, spec: PromotionGateSpec) -> Run:
    """Return the run without waiting for checks that the gate no longer has."""
    if not run.waiting_for:
        return run
    present = {check.name for check in spec.checks if check.blocks}
    left = {
        name for name in run.waiting_for if name in present or (name.startswith(FLOOR_PREFIX) and needs_floor(spec))
    }
    if not left:  # what was gathered while it waited was no run, and becomes none
        return replace(_stop(run), waiting_for=frozenset())
    return replace(run, waiting_for=frozenset(left))


def _what_changed(before: SubjectKey, after: SubjectKey) -> str:
    if before.bot_uid != after.bot_uid:
        return "the bot was deleted and made anew"
    if before.digest != after.digest:
        return f"the bot's spec or code changed: digest {after.digest}, before {before.digest}"
    return f"the bot's image changed: {after.image_id}, before {before.image_id}"


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
