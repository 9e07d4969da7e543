"""What a source answered, and what that means for its check.

A source gives a ``Reading`` or says why it has none; ``decide_measurement`` alone turns either into an outcome, so that
a number is compared, aged and refused in one place whatever it came from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.gatechecks import BotField, Check, Comparison, Threshold
from aviary_crds.v1alpha1.gatestatus import CheckState

FUTURE_TOLERANCE: Final = timedelta(seconds=5)
"""Clocks of two machines differ a little; a value from later than this is from no clock that can be trusted."""

type NoValue = Literal[CheckState.PENDING, CheckState.INCONCLUSIVE, CheckState.ERRORED, CheckState.FAILED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A value, as a source gave it.

    Attributes:
        value: may be NaN or infinite; ``decide_measurement`` refuses it.
        observed: when it was true, by the source.
        query: what was asked, resolved.
        sha256: hash of what was answered.
    """

    value: Decimal
    observed: datetime
    query: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Why a source gave no value.

    Attributes:
        state: Inconclusive when it answered with no value of this subject, Errored when it did not answer, Pending when
            it is too early to ask, Failed when a report says Fail whatever its figures are.
        reason: one CamelCase word.
        message: for people, what is wrong and what to do.
    """

    state: NoValue
    reason: str
    message: str
    query: str = ""
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measurement of one check, as it goes to the evidence log."""

    check: str
    time: datetime
    outcome: CheckState
    reason: str
    message: str
    value: Decimal | None
    observed: datetime | None
    query: str
    window_seconds: int
    sha256: str | None


def decide_measurement(check: Check, answer: Reading | Silence, *, now: datetime) -> Measurement:
    """Return what ``answer`` means: only a finite, fresh value that is not from the future is compared.

    A count over all of the run that must become large enough is Pending until it has.
    """
    state, reason, message = _judge(check, answer, now)
    reading = answer if isinstance(answer, Reading) else None
    return Measurement(
        check=check.name,
        time=now,
        outcome=state,
        reason=reason,
        message=message,
        value=reading.value if reading and reading.value.is_finite() else None,
        observed=reading.observed if reading else None,
        query=answer.query,
        window_seconds=check.window_seconds,
        sha256=answer.sha256,
    )


def threshold_text(threshold: Threshold) -> str:
    """Return the threshold in words, such as ``at least 0.65``."""
    return f"{_WORDS[threshold.comparison]} {decimal_text(threshold.value)}"


def threshold_holds(value: Decimal | int, threshold: Threshold) -> bool:
    """Whether a finite value is what it must be."""
    match threshold.comparison:
        case Comparison.LESS_THAN:
            return value < threshold.value
        case Comparison.AT_MOST:
            return value <= threshold.value
        case Comparison.EQUAL:
            return value == threshold.value
        case Comparison.AT_LEAST:
            return value >= threshold.value
        case Comparison.MORE_THAN:
            return value > threshold.value


_WORDS: Final = {
    Comparison.LESS_THAN: "less than",
    Comparison.AT_MOST: "at most",
    Comparison.EQUAL: "exactly",
    Comparison.AT_LEAST: "at least",
    Comparison.MORE_THAN: "more than",
}


def _judge(check: Check, answer: Reading | Silence, now: datetime) -> tuple[CheckState, str, str]:
    if isinstance(answer, Silence):
        return answer.state, answer.reason, answer.message
    unusable = next(_why_unusable(check, answer, now), None)
    if unusable is not None:
        return CheckState.INCONCLUSIVE, *unusable
    what = f"{_shown(answer.value)}, must be {threshold_text(check.threshold)}"
    if threshold_holds(answer.value, check.threshold):
        return CheckState.PASSED, "WithinThreshold", what
    if _only_grows(check):
        return CheckState.PENDING, "NotReached", what
    return CheckState.FAILED, "BeyondThreshold", what


def _why_unusable(check: Check, answer: Reading, now: datetime) -> Iterator[tuple[str, str]]:
    if not answer.value.is_finite():
        yield "NotFinite", f"the value is {answer.value}"
    if answer.observed > now + FUTURE_TOLERANCE:
        yield "FromTheFuture", f"the value is of {answer.observed.isoformat()}: check the clocks"
    age = now - answer.observed
    if age > timedelta(seconds=check.max_age_seconds):
        stale = f"the value is {age.total_seconds():.0f} s old, older than maxAgeSeconds {check.max_age_seconds}"
        yield "Stale", stale


def _only_grows(check: Check) -> bool:
    """Whether the value can only come nearer to its threshold: a count over all of the run, or of people.

    Too few fills a minute after the run began are no failure of the bot; it would end every run as it begins.
    """
    if check.threshold.comparison not in {Comparison.AT_LEAST, Comparison.MORE_THAN}:
        return False
    if check.manual is not None:
        return True
    return check.bot is not None and check.bot.field in _GROWING and check.bot.window_seconds == 0


_GROWING: Final = frozenset({BotField.SAMPLES, BotField.FILLS, BotField.LIVE_SECONDS})


def _shown(value: Decimal) -> str:
    return decimal_text(value.quantize(Decimal("1e-8"))) if abs(value) < Decimal("1e15") else str(value)
