"""The status of a gate: put together, and whether it is worth a write."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from aviary_crds.conditions import Condition
from aviary_crds.v1alpha1.gatestatus import (
    MOST_APPROVALS,
    ApprovalStatus,
    CheckState,
    CheckStatus,
    PromotionGateStatus,
    RungStatus,
    SoakStatus,
)

from aviary_operator.gates.decide.approvals import JudgedApproval
from aviary_operator.gates.decide.check_record import status_value
from aviary_operator.gates.decide.check_state import CheckVerdict
from aviary_operator.gates.decide.ladder import Rung
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.measurement import threshold_text

MEASUREMENTS_PERIOD: Final = timedelta(seconds=60)
"""How often a status is written when only figures in it have changed."""

_LINE: Final = 512
_QUERY: Final = 4_096
_REASON: Final = 128
_NAME: Final = 253
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def is_status_due(stored: PromotionGateStatus, fresh: PromotionGateStatus, *, now: datetime) -> bool:
    """Whether ``fresh`` is to be written: transitions at once, changes of figures only at most once a minute.

    That it was evaluated again is no change.
    """
    if _essence(stored) != _essence(fresh):
        return True
    if _without_time(stored) == _without_time(fresh):
        return False
    return stored.evaluated_time is None or abs(now - stored.evaluated_time) >= MEASUREMENTS_PERIOD


def status_wait(stored: PromotionGateStatus, fresh: PromotionGateStatus, *, now: datetime) -> float | None:
    """Return the seconds until figures that have changed may be written; None when none have."""
    if stored.evaluated_time is None or _without_time(stored) == _without_time(fresh):
        return None
    return max(1.0, (stored.evaluated_time + MEASUREMENTS_PERIOD - now).total_seconds())


def show_check(verdict: CheckVerdict) -> CheckStatus:
    """Return a check for the status."""
    check, record = verdict.check, verdict.record
    newest, value = (record.newest, record.newest_value) if record else (None, None)
    return CheckStatus(
        name=check.name,
        state=verdict.state,
        severity=check.severity,
        enforcement=check.enforcement,
        reason=verdict.reason[:_REASON],
        message=verdict.message[:_LINE],
        value=status_value(value.value) if value else None,
        threshold=threshold_text(check.threshold),
        query=newest.query[:_QUERY] if newest else "",
        window_seconds=check.window_seconds,
        observed_time=value.observed.replace(microsecond=0) if value and value.observed else None,
        acknowledged_by=verdict.acknowledged_by,
        measurements=record.kept if record else (),
    )


def show_rung(rung: Rung) -> RungStatus:
    """Return a rung for the status."""
    return RungStatus(level=rung.level, reached=rung.reached, message=rung.message[:_LINE])


def show_approvals(judged: Sequence[JudgedApproval]) -> tuple[ApprovalStatus, ...]:
    """Return the approvals for the status: those that count first, then the newest, as many as it holds."""
    counting = [item for item in judged if item.counts]
    shown = [*counting, *(item for item in judged if not item.counts)][:MOST_APPROVALS]
    return tuple(
        ApprovalStatus(
            name=item.approval.name,
            approver=item.approver[:_NAME],
            type=item.approval.spec.type.value,
            time=item.approval.created,
            expires_time=item.expires,
            counts=item.counts,
            reason=(item.refusal or item.approval.spec.reason)[:_LINE],
        )
        for item in shown
    )


def show_soak(run: Run | None) -> SoakStatus:
    """Return the run for the status."""
    ended = run.ended if run else None
    return SoakStatus(
        since=run.since.replace(microsecond=0) if run and run.since else None,
        fills=run.fills if run else 0,
        trading_days=len(run.days) if run and run.since else 0,
        restart_reason=ended.reason.value if ended else "",
        restart_message=ended.message[:_LINE] if ended else "",
    )


def count_passed(verdicts: Sequence[CheckVerdict]) -> str:
    """Return how many of the enforcing checks Passed, such as ``7/9``."""
    enforcing = [item for item in verdicts if item.enforces]
    return f"{sum(item.state is CheckState.PASSED for item in enforcing)}/{len(enforcing)}"


def soaked_text(run: Run | None, min_seconds: int, *, now: datetime) -> str:
    """Return the age of the run against what is asked, such as ``3m of 24h``."""
    age = max(0, int((now - run.since).total_seconds())) if run and run.since else 0
    return f"{_span(age)} of {_span(min_seconds)}"


def _span(seconds: int) -> str:
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds >= 2 * length or (seconds >= length and unit != "d"):
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _without_time(status: PromotionGateStatus) -> PromotionGateStatus:
    return status.model_copy(update={"evaluated_time": None})


def _essence(status: PromotionGateStatus) -> tuple[object, ...]:
    """Return what a person or a controller would act on: no figures, and no messages that hold them."""
    return (
        status.observed_generation,
        status.generation_time,
        status.evaluator_version,
        status.subject,
        status.level,
        tuple((rung.level, rung.reached) for rung in status.rungs),
        status.floor,
        status.passed_checks,
        status.approved,
        (status.soak.since, status.soak.restart_reason, status.soak.restart_message),
        tuple(
            (check.name, check.state, check.reason, check.acknowledged_by, check.threshold) for check in status.checks
        ),
        status.approvals,
        status.grant,
        status.history,
        tuple(_condition_essence(condition) for condition in status.conditions),
    )


def _check_essence(check: CheckStatus) -> tuple[object, ...]:
    shown = (check.threshold, check.severity, check.enforcement)
    return (check.name, check.state, check.reason, check.acknowledged_by, *shown)


def _condition_essence(condition: Condition) -> tuple[object, ...]:
    return (condition.type, condition.status, condition.reason, condition.observed_generation)
