"""The state of a check from what was measured of it in the present run (docs/design/promotion.md, 3)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aviary_crds.v1alpha1.gatechecks import Check, Enforcement, Severity
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.decide.check_record import CheckRecord
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.measurement import FUTURE_TOLERANCE, Measurement, threshold_holds, threshold_text

AWAITS_PASS = "AwaitsPass"  # noqa: S105  a reason
"""Reason of a check whose failure ended the last run: the next one begins when it measures Passed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckVerdict:
    """A check and what is known of it.

    Attributes:
        record: what was measured of it in the present stretch; None: nothing.
        is_beyond: it failed more often than it may; this is what ends a run.
        acknowledged_by: who acknowledged the warning, until ``acknowledged_until``.
    """

    check: Check
    record: CheckRecord | None
    state: CheckState
    reason: str
    message: str
    is_beyond: bool = False
    acknowledged_by: str | None = None
    acknowledged_until: datetime | None = None

    @property
    def enforces(self) -> bool:
        """Whether it counts."""
        return self.check.enforcement is Enforcement.ENFORCE

    @property
    def holds(self) -> bool:
        """Whether nothing about it stands in the way."""
        return not self.enforces or self.state is CheckState.PASSED or self.acknowledged_by is not None


def judge_check(
    check: Check,
    record: CheckRecord | None,
    *,
    run: Run | None,
    acknowledgers: dict[str, datetime],
    now: datetime,
) -> CheckVerdict:
    """Return what is known of a check.

    ``run`` is that of the present subject. A record of another stretch, or of a check that was defined otherwise, is
    none. An acknowledgement helps a Warning that Failed, and nothing else.
    """
    own = record if record is not None and _belongs(record, check, run) else None
    state, reason, message = _judge(check, own, run, acknowledgers, now)
    person: str | None = None
    if check.severity is Severity.WARNING and state is CheckState.FAILED and acknowledgers:
        person = max(acknowledgers, key=lambda name: (acknowledgers[name], name))
    return CheckVerdict(
        check=check,
        record=own,
        state=state,
        reason=reason,
        message=message,
        is_beyond=own is not None and own.failed > check.failure_limit,
        acknowledged_by=person,
        acknowledged_until=acknowledgers[person] if person else None,
    )


def _belongs(record: CheckRecord, check: Check, run: Run | None) -> bool:
    return run is not None and run.began is not None and record.began == run.began and record.check == check


def _judge(
    check: Check, record: CheckRecord | None, run: Run | None, acknowledgers: dict[str, datetime], now: datetime
) -> tuple[CheckState, str, str]:
    if run is not None and check.name in run.waiting_for:
        said = record.newest.message if record and record.newest else "not measured since"
        return CheckState.FAILED, AWAITS_PASS, f"it failed and ended the run; now: {said}"
    if record is None or record.newest is None:
        if run is not None and run.ended is not None and run.since is None:
            reason = run.ended.reason.value
            return CheckState.INCONCLUSIVE, "RunAborted", f"the run ended ({reason}) and it was not measured since"
        return CheckState.PENDING, "NotMeasured", "not measured yet in this run"
    if check.manual is not None and not threshold_holds(len(acknowledgers), check.threshold):
        what = f"{len(acknowledgers)} people acknowledged it, must be {threshold_text(check.threshold)}"
        return CheckState.PENDING, "NotReached", what
    return _beyond_limits(check, record) or _aged(check, record, now) or _newest(check, record, record.newest)


def _beyond_limits(check: Check, record: CheckRecord) -> tuple[CheckState, str, str] | None:
    failed, broken = record.newest_failed, record.newest_inconclusive
    if failed is not None and record.failed > check.failure_limit:
        return CheckState.FAILED, failed.reason, _counted(failed, record.failed, check.failure_limit)
    if record.newest is not None and record.errors_in_a_row > check.consecutive_error_limit:
        newest = record.newest
        what = _counted(newest, record.errors_in_a_row, check.consecutive_error_limit)
        return CheckState.ERRORED, newest.reason, what
    if broken is not None and record.inconclusive > check.inconclusive_limit:
        return CheckState.INCONCLUSIVE, broken.reason, _counted(broken, record.inconclusive, check.inconclusive_limit)
    return None


def _aged(check: Check, record: CheckRecord, now: datetime) -> tuple[CheckState, str, str] | None:
    value = record.newest_value
    if value is None or value.observed is None:
        return None
    if value.observed > now + FUTURE_TOLERANCE:
        return CheckState.INCONCLUSIVE, "FromTheFuture", "the newest value is from the future: the clock was set back"
    if now - value.observed > timedelta(seconds=check.max_age_seconds):
        message = f"the newest value is older than maxAgeSeconds {check.max_age_seconds}"
        newest = record.newest
        if newest is not None and newest is not value:
            message += f"; since then: {newest.message}"
        return CheckState.INCONCLUSIVE, "Stale", message
    return None


def _newest(check: Check, record: CheckRecord, newest: Measurement) -> tuple[CheckState, str, str]:
    if newest.outcome is CheckState.PENDING:
        return CheckState.PENDING, newest.reason, newest.message
    if record.passed < check.count:
        reason = "TooFewPassed" if newest.outcome is CheckState.PASSED else newest.reason
        what = f"{record.passed} of {check.count} measurements Passed; {newest.message}"
        return CheckState.PENDING, reason, what
    return newest.outcome, newest.reason, newest.message


def _counted(measurement: Measurement, times: int, limit: int) -> str:
    return measurement.message if times == 1 else f"{times} times, {limit} allowed; {measurement.message}"
