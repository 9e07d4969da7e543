"""A gate's checks: where a value comes from, what it must be, and how much may go wrong.

A check without a threshold, or with two sources, cannot be said: both were ways to pass unseen in other controllers.
Semantics: docs/design/promotion.md.
"""

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from aviary_crds.labels import REPORT_LABEL
from aviary_crds.quantities import ImageReference, LabelName, SignedDecimalText
from aviary_crds.rules import Rule, Text
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.references import ConfigMapKeyRef

FLOOR_PREFIX: Final = "floor-"
"""Names of the checks that the operator adds to a gate to Live; no check of a gate may be called so."""

DEFAULT_MAX_AGE_SECONDS: Final = 1_200
"""Rows R-164 and R-190: an input older than twenty minutes is no input."""

LONGEST_WINDOW_SECONDS: Final = 2_678_400
"""31 days."""

MOST_CHECKS: Final = 48

SOURCES: Final = ("prometheus", "bot", "report", "job", "manual")


class Severity(StrEnum):
    """What a check that is not Passed means."""

    CRITICAL = "Critical"
    """It blocks."""
    WARNING = "Warning"
    """It blocks until a person acknowledges it."""


class Enforcement(StrEnum):
    """Whether a check counts."""

    ENFORCE = "Enforce"
    DRY_RUN = "DryRun"
    """Measured and shown only: how a new check is tried out."""


class Comparison(StrEnum):
    """How a value is compared with the threshold."""

    LESS_THAN = "LessThan"
    AT_MOST = "AtMost"
    EQUAL = "Equal"
    AT_LEAST = "AtLeast"
    MORE_THAN = "MoreThan"


class BotField(StrEnum):
    """A figure of a bot over a window of the present run, from the samples of its ``/state``."""

    SAMPLES = "Samples"
    READY_SHARE_BPS = "ReadyShareBps"
    RUNNING_SHARE_BPS = "RunningShareBps"
    GUARD_TRANSITIONS = "GuardTransitions"
    HARD_STOPS = "HardStops"
    FILLS = "Fills"
    REJECTED_ORDERS = "RejectedOrders"
    REFUSED_ORDERS = "RefusedOrders"
    CANCELS_IN_BUDGET_SHARE_BPS = "CancelsInBudgetShareBps"
    DAY_LOSS_BPS = "DayLossBps"
    DRAWDOWN_BPS = "DrawdownBps"
    TURNOVER_BPS = "TurnoverBps"
    FEE_SOURCE_KNOWN_SHARE_BPS = "FeeSourceKnownShareBps"
    INVENTORY_IN_BAND_SHARE_BPS = "InventoryInBandShareBps"
    CONNECTOR_READY_SHARE_BPS = "ConnectorReadyShareBps"
    LONGEST_GAP_SECONDS = "LongestGapSeconds"
    RESTARTS = "Restarts"
    OPEN_ORDERS = "OpenOrders"
    EQUITY_QUOTE = "EquityQuote"
    LEVERAGE = "Leverage"
    ENVELOPE_ENFORCED = "EnvelopeEnforced"
    IMAGE_PINNED = "ImagePinned"
    CONFIG_IN_SYNC = "ConfigInSync"
    LIVE_SECONDS = "LiveSeconds"


class ReportScope(StrEnum):
    """What a report is about."""

    SUBJECT = "Subject"
    """This bot's present subject: the document must name its digest."""
    DESK = "Desk"
    """Something of the whole desk, such as a reconciliation: the document must name the namespace."""


_WINDOW = Annotated[int, Field(strict=True, ge=0, le=LONGEST_WINDOW_SECONDS)]

ProducerName = Annotated[
    str,
    Text(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        message="a producer is named in lower-case letters, digits and hyphens, such as reconciliation",
        max_length=63,
    ),
]
"""Who writes a report."""

ReportValueName = Annotated[
    str,
    Text(
        pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$",
        message="a value of a report is named as in its document, such as realized_fill_factor",
        max_length=63,
    ),
]
"""Which figure of a report is meant."""

_FIXED_RANGE: Final = r"\[[ ]*[0-9]"


def _windows_are_the_runs(query: str) -> bool:
    return re.search(_FIXED_RANGE, query) is None


_Query = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    Rule(
        cel=f"!self.matches(r'{_FIXED_RANGE}')",
        message="write [$window] in place of a fixed range such as [5m], and set windowSeconds: "
        "a fixed range reaches back into another subject",
        holds=_windows_are_the_runs,
    ),
]


class PrometheusSource(SpecModel):
    """An instant query that returns exactly one series."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!self.query.contains('[$window') || self.windowSeconds > 0",
            message="a query over [$window] needs windowSeconds",
            holds=lambda source: "[$window" not in source.query or source.window_seconds > 0,
            field=".windowSeconds",
        ),
    )

    query: _Query = Field(
        description="PromQL; $namespace, $bot and $window are filled in. Exactly one series must come back"
    )
    series: _Query = Field(
        description="Selector of the series the query rests on; its oldest sample's own time is the measurement's age"
    )
    window_seconds: _WINDOW = Field(default=0, description="What $window stands for; 0 when the query has none")


class BotSource(SpecModel):
    """A figure of the bot itself."""

    field: BotField = Field(description="Which figure")
    window_seconds: _WINDOW = Field(default=0, description="Over the last so many seconds of the run; 0 is all of it")


class HttpReport(SpecModel):
    """A document behind HTTP."""

    url: Annotated[
        str,
        Text(
            pattern=r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
            message="a report's URL has scheme, host, port and path only, such as http://reports.desk:8080/latest.json",
            max_length=1024,
        ),
    ] = Field(description="Where the document is; the operator must be allowed to ask this host")


class FileReport(SpecModel):
    """A document on the operator's reports volume."""

    path: Annotated[
        str,
        Text(
            pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
            message="a path below the reports volume, without .. and without a leading slash, "
            "such as reconciliation/latest.json",
            max_length=512,
        ),
    ] = Field(description="Path below the reports volume")


class ReportSource(SpecModel):
    """A JSON document that a producer wrote (``python -m aviary_crds schema report``)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="[has(self.configMap), has(self.http), has(self.file)].filter(given, given).size() == 1",
            message="a report comes from exactly one of configMap, http and file",
            holds=lambda source: (
                [source.config_map, source.http, source.file].count(None) == 2  # noqa: PLR2004  all but one
            ),
        ),
    )

    producer: ProducerName = Field(description="Who must have written it")
    value: ReportValueName | None = Field(
        default=None, description="Which of its values is compared; left out: 1 for result Pass, 0 for Fail"
    )
    scope: ReportScope = Field(default=ReportScope.SUBJECT, description="What it must be about")
    config_map: ConfigMapKeyRef | None = Field(
        default=None, description=f"A key of a ConfigMap in this namespace that carries the label {REPORT_LABEL}"
    )
    http: HttpReport | None = Field(default=None, description="A document behind HTTP")
    file: FileReport | None = Field(default=None, description="A file on the reports volume")


_Word = Annotated[str, Field(max_length=1024)]


class JobSource(SpecModel):
    """A Job that the operator runs for the present subject; its pod leaves a report as its termination message."""

    producer: ProducerName = Field(description="Who must have written the document")
    value: ReportValueName | None = Field(
        default=None, description="Which of its values is compared; left out: 1 for result Pass, 0 for Fail"
    )
    image: ImageReference = Field(description="Image of the Job's one container")
    command: Annotated[
        tuple[_Word, ...], Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default=(), description="Command, the image's own when left out")
    args: Annotated[tuple[_Word, ...], Field(max_length=64, json_schema_extra={"x-kubernetes-list-type": "atomic"})] = (
        Field(default=(), description="Arguments")
    )
    timeout_seconds: Annotated[int, Field(strict=True, ge=1, le=86_400)] = Field(
        default=600, description="A Job that runs longer is ended and counts as an error"
    )


class ManualSource(SpecModel):
    """Acknowledgements by people: PromotionApprovals of type Acknowledgement that name the check."""

    question: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        description="What a person has looked at and answers for"
    )


class Threshold(SpecModel):
    """What the value must be."""

    comparison: Comparison = Field(description="How the value is compared")
    value: SignedDecimalText = Field(description='With what, as a quoted decimal such as "0.65"')


class Check(SpecModel):
    """One piece of evidence."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="[has(self.prometheus), has(self.bot), has(self.report), has(self.job), has(self.manual)]"
            ".filter(given, given).size() == 1",
            message="a check has exactly one source: prometheus, bot, report, job or manual",
            holds=lambda check: sum(getattr(check, name) is not None for name in SOURCES) == 1,
        ),
        Rule(
            cel=f"!self.name.startsWith('{FLOOR_PREFIX}')",
            message=f"names that begin with {FLOOR_PREFIX} are the operator's own checks of the floor for Live",
            holds=lambda check: not check.name.startswith(FLOOR_PREFIX),
            field=".name",
        ),
        Rule(
            cel="self.maxAgeSeconds >= self.periodSeconds",
            message="maxAgeSeconds is shorter than periodSeconds: the value would be stale before it is measured again",
            holds=lambda check: check.max_age_seconds >= check.period_seconds,
            field=".maxAgeSeconds",
        ),
    )

    name: LabelName = Field(description="Name of the check, such as paper-fills")
    description: Annotated[str, Field(max_length=512)] = Field(default="", description="What it shows, for people")
    severity: Severity = Field(default=Severity.CRITICAL, description="Whether it blocks or warns")
    enforcement: Enforcement = Field(default=Enforcement.ENFORCE, description="Whether it counts")
    prometheus: PrometheusSource | None = Field(default=None, description="A query")
    bot: BotSource | None = Field(default=None, description="A figure of the bot itself")
    report: ReportSource | None = Field(default=None, description="A document that somebody wrote")
    job: JobSource | None = Field(default=None, description="A Job that is run for this subject")
    manual: ManualSource | None = Field(default=None, description="Acknowledgements by people")
    threshold: Threshold = Field(description="What the value must be")
    max_age_seconds: Annotated[int, Field(strict=True, ge=1, le=LONGEST_WINDOW_SECONDS)] = Field(
        default=DEFAULT_MAX_AGE_SECONDS, description="A value older than this is no value"
    )
    period_seconds: Annotated[int, Field(strict=True, ge=5, le=86_400)] = Field(
        default=60, description="How often it is measured"
    )
    initial_delay_seconds: Annotated[int, Field(strict=True, ge=0, le=86_400)] = Field(
        default=0, description="How long after the run began it is first measured"
    )
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=1, description="Measurements that must have Passed in this run"
    )
    failure_limit: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        default=0, description="Measurements of a run that may fail"
    )
    inconclusive_limit: Annotated[int, Field(strict=True, ge=0, le=10_000)] = Field(
        default=0, description="Measurements of a run that may be inconclusive"
    )
    consecutive_error_limit: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=4, description="Errors in a row that may happen"
    )

    @property
    def blocks(self) -> bool:
        """Whether nothing passes without it."""
        return self.enforcement is Enforcement.ENFORCE and self.severity is Severity.CRITICAL

    @property
    def source(self) -> PrometheusSource | BotSource | ReportSource | JobSource | ManualSource:
        """The one source."""
        found = self.prometheus or self.bot or self.report or self.job or self.manual
        if found is None:
            raise ValueError(f"check {self.name} has no source")  # the rules refuse it
        return found

    @property
    def source_kind(self) -> str:
        """Name of the one source's field."""
        return next(name for name in SOURCES if getattr(self, name) is not None)

    @property
    def window_seconds(self) -> int:
        """Window of the value, in seconds; 0 when it has none, or is all of the run."""
        source = self.source
        return source.window_seconds if isinstance(source, (PrometheusSource, BotSource)) else 0


__all__ = [
    "DEFAULT_MAX_AGE_SECONDS",
    "FLOOR_PREFIX",
    "MOST_CHECKS",
    "BotField",
    "BotSource",
    "Check",
    "Comparison",
    "Enforcement",
    "FileReport",
    "HttpReport",
    "JobSource",
    "ManualSource",
    "ProducerName",
    "PrometheusSource",
    "ReportScope",
    "ReportSource",
    "ReportValueName",
    "Severity",
    "Threshold",
]
