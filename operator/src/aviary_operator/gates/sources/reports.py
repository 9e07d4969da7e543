"""What a report document is worth to a check: the same judgement wherever the document lay."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aviary_crds.digest import sha256_hex
from aviary_crds.evidence import Report, ReportError, parse_report, report_value
from aviary_crds.v1alpha1.gatechecks import ReportScope
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.measurement import FUTURE_TOLERANCE, NoValue, Reading, Silence
from aviary_operator.gates.sources.question import Answer, Question

_NO_FIGURE: Final = frozenset({"NoValue", "NotANumber", "NotFinite"})
"""What is wrong with a value of a document that is otherwise whole: it answered, but not with a figure."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a document must be to count."""

    producer: str
    value: str | None
    scope: ReportScope
    where: str
    """Where it was looked for, for people."""


def missing_report(expected: Expected, *, query: str) -> Silence:
    """Return what a document that is not there means."""
    return Silence(
        state=CheckState.INCONCLUSIVE,
        reason="ProducerNotInstalled",
        message=f"no report of {expected.producer} at {expected.where}: install or run the producer",
        query=query,
    )


def judge_report(raw: bytes, expected: Expected, question: Question) -> Answer:
    """Return the value of a document, or why it has none for this subject.

    A document that says Fail fails whatever its figures are, provided it is whole, fresh and about this subject.
    """
    sha256, query = sha256_hex(raw), expected.where

    def silence(state: NoValue, reason: str, message: str) -> Silence:
        return Silence(
            state=state, reason=reason, message=f"{expected.where}: {message}"[:500], query=query, sha256=sha256
        )

    try:
        report = parse_report(raw)
        wrong = _find_wrong(report, expected, question)
        value = None if wrong is not None or report.result == "Fail" else report_value(report, expected.value)
    except ReportError as error:
        state: NoValue = CheckState.INCONCLUSIVE if error.reason in _NO_FIGURE else CheckState.ERRORED
        return silence(state, error.reason, str(error))
    if wrong is not None:
        return silence(CheckState.INCONCLUSIVE, *wrong)
    if value is None:
        return silence(CheckState.FAILED, "ReportSaysFail", report.message or "the report says Fail")
    return Reading(value=value, observed=report.time, query=query, sha256=sha256)


def _find_wrong(report: Report, expected: Expected, question: Question) -> tuple[str, str] | None:
    """Return why a document is none that this check asks for, as reason and message; None when it is."""
    if report.producer != expected.producer:
        return "WrongProducer", f"written by {report.producer}, not by {expected.producer}"
    stranger = _find_wrong_subject(report, expected.scope, question)
    if stranger is not None:
        return "WrongSubject", stranger
    if report.result == "Pass":
        return None  # the age of a value is judged where every value's is
    age = question.now - report.time
    if age < -FUTURE_TOLERANCE:
        return "FromTheFuture", f"it says Fail and is of {report.time.isoformat()}: check the clocks"
    if age > timedelta(seconds=question.check.max_age_seconds):
        return "Stale", f"it says Fail and is {age.total_seconds():.0f} s old"
    return None


def _find_wrong_subject(report: Report, scope: ReportScope, question: Question) -> str | None:
    about = report.subject
    if about.namespace != question.namespace:
        return f"about namespace {about.namespace}, not {question.namespace}"
    if scope is ReportScope.DESK:
        return None if about.bot is None else f"about the bot {about.bot}, not about the whole desk"
    if about.bot != question.bot:
        return f"about the bot {about.bot or '(none)'}, not {question.bot}"
    if about.digest != question.digest:
        return f"about the digest {about.digest or '(none)'}, not the present {question.digest}"
    return None
