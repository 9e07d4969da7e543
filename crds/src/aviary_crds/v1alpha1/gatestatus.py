"""What the operator observed of a gate: enough to explain a decision without any log."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from aviary_crds.conditions import Conditions
from aviary_crds.quantities import SignedDecimalString
from aviary_crds.v1alpha1.base import StatusModel
from aviary_crds.v1alpha1.gatechecks import MOST_CHECKS, Enforcement, Severity
from aviary_crds.v1alpha1.modes import Mode

KEPT_MEASUREMENTS: Final = 10
KEPT_HISTORY: Final = 10
MOST_APPROVALS: Final = 32

_Count = Annotated[int, Field(ge=0)]
_Hash = Annotated[str, Field(max_length=80)]
_Name = Annotated[str, Field(max_length=253)]
_Line = Annotated[str, Field(max_length=512)]
_ATOMIC: Final = {"x-kubernetes-list-type": "atomic"}


class CheckState(StrEnum):
    """What is known of a check, the best first. Worst wins."""

    PASSED = "Passed"
    PENDING = "Pending"
    INCONCLUSIVE = "Inconclusive"
    ERRORED = "Errored"
    FAILED = "Failed"

    @property
    def badness(self) -> int:
        """0 for Passed, more for worse."""
        return list(CheckState).index(self)


class Subject(StatusModel):
    """What evidence and approvals belong to."""

    digest: _Hash = Field(description="Subject digest of the bot")
    bot_uid: _Name = Field(description="uid of the TradingBot")
    image_id: _Line | None = Field(default=None, description="Image that the bot's pod runs, as the node reports it")
    since: AwareDatetime = Field(description="When this subject was first seen; older approvals do not count")
    seal: _Hash = Field(default="", description="Proof that the operator saw it then")


class KeptMeasurement(StatusModel):
    """One measurement."""

    time: AwareDatetime = Field(description="When it was made")
    outcome: CheckState = Field(description="Passed, Failed, Inconclusive or Errored")
    value: SignedDecimalString | None = Field(default=None, description="The value, when there was one")
    sha256: _Hash | None = Field(default=None, description="Hash of what the source answered")


class CheckStatus(StatusModel):
    """One check."""

    name: Annotated[str, Field(max_length=63)] = Field(description="Name of the check")
    state: CheckState = Field(description="Passed, Pending, Inconclusive, Errored or Failed")
    severity: Severity = Field(description="Critical or Warning")
    enforcement: Enforcement = Field(description="Enforce or DryRun")
    reason: Annotated[str, Field(max_length=128)] = Field(description="Why, as one CamelCase word for machines")
    message: _Line = Field(default="", description="Why, for people")
    value: SignedDecimalString | None = Field(default=None, description="Newest value")
    threshold: _Line = Field(default="", description="What it must be")
    query: Annotated[str, Field(max_length=4096)] = Field(
        default="", description="What was asked of the source, resolved"
    )
    window_seconds: _Count = Field(default=0, description="Window of the value")
    observed_time: AwareDatetime | None = Field(default=None, description="Time of the newest value, by its source")
    acknowledged_by: _Name | None = Field(default=None, description="Who acknowledged the warning")
    measurements: Annotated[
        tuple[KeptMeasurement, ...], Field(max_length=KEPT_MEASUREMENTS, json_schema_extra=_ATOMIC)
    ] = Field(default=(), description="The last ten of this run, newest last; all of them are in the evidence log")


class SoakStatus(StatusModel):
    """The present run."""

    since: AwareDatetime | None = Field(default=None, description="When the run began; absent while there is none")
    fills: _Count = Field(default=0, description="Fills in the run")
    trading_days: _Count = Field(default=0, description="UTC days that the run has touched")
    restart_reason: Annotated[str, Field(max_length=128)] = Field(
        default="", description="Why the last run ended, as one CamelCase word"
    )
    restart_message: _Line = Field(default="", description="Why the last run ended, for people")


class FloorStatus(StatusModel):
    """The floor for Live, once reached for this subject."""

    digest: _Hash = Field(description="Digest of the subject that reached it")
    bot_uid: _Name = Field(description="uid of the TradingBot")
    image_id: _Line = Field(description="Image that was soaked")
    reached_time: AwareDatetime = Field(description="When all seven KPIs held over the floor's window")
    window_seconds: _Count = Field(description="The floor's window then")
    seal: _Hash = Field(description="Proof that the operator said so")


class RungStatus(StatusModel):
    """One rung of the validation ladder."""

    level: Annotated[int, Field(ge=0, le=7)] = Field(description="Rung")
    reached: bool = Field(description="Whether its evidence holds")
    message: _Line = Field(default="", description="What is missing, or what it rests on")


class ApprovalStatus(StatusModel):
    """One approval and whether it counts."""

    name: _Name = Field(description="Name of the PromotionApproval")
    approver: _Name = Field(description="Who made it, as the API server authenticated them")
    type: Annotated[str, Field(max_length=32)] = Field(description="Approval, Acknowledgement or BreakGlass")
    time: AwareDatetime = Field(description="When it was made")
    expires_time: AwareDatetime = Field(description="When it ends")
    counts: bool = Field(description="Whether it counts now")
    reason: _Line = Field(default="", description="Why it does not count, or what its maker said")


class GrantStatus(StatusModel):
    """What the gate grants now. Absent: nothing."""

    mode: Mode = Field(description="Mode that the bot may be in")
    capital_quote: SignedDecimalString = Field(description="Ceiling of the bot's capital, quote asset")
    digest: _Hash = Field(description="Subject digest it is for")
    bot_uid: _Name = Field(description="uid of the TradingBot it is for")
    image_id: _Line = Field(description="Image it is for")
    granted_time: AwareDatetime = Field(description="Since when")
    expires_time: AwareDatetime = Field(description="Until when, unless it is renewed")
    break_glass: _Name | None = Field(default=None, description="The break-glass approval it rests on, if it does")
    seal: _Hash = Field(description="Proof that the operator granted it")


class HistoryEntry(StatusModel):
    """Something that happened to the grant."""

    time: AwareDatetime = Field(description="When")
    event: Annotated[str, Field(max_length=32)] = Field(description="Granted, Lost, RunEnded or BreakGlass")
    digest: _Hash = Field(default="", description="Subject digest")
    reason: Annotated[str, Field(max_length=128)] = Field(description="Why, as one CamelCase word")
    message: _Line = Field(default="", description="Why, for people")


class PromotionGateStatus(StatusModel):
    """What the operator observed. Written by the operator alone."""

    observed_generation: _Count = Field(default=0, description="The metadata.generation this status is about")
    generation_time: AwareDatetime | None = Field(
        default=None, description="When that generation was first seen; older approvals do not count"
    )
    evaluator_version: _Count = Field(default=0, description="Version of the rules that decided")
    evaluated_time: AwareDatetime | None = Field(
        default=None, description="When this was decided; a status without fresh evaluation grants nothing"
    )
    subject: Subject | None = Field(default=None, description="What evidence and approvals belong to")
    level: Annotated[int, Field(ge=-1, le=7)] = Field(default=-1, description="Rung of the validation ladder; -1: none")
    rungs: Annotated[
        tuple[RungStatus, ...],
        Field(
            max_length=8, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["level"]}
        ),
    ] = Field(default=(), description="The validation ladder")
    floor: FloorStatus | None = Field(default=None, description="The floor for Live, once this subject has reached it")
    passed_checks: Annotated[str, Field(max_length=16)] = Field(
        default="", description="Enforcing checks that Passed, of all that enforce, such as 7/9"
    )
    soaked: Annotated[str, Field(max_length=48)] = Field(
        default="", description="Length of the run against what is asked, such as 3m of 24h"
    )
    approved: Annotated[str, Field(max_length=16)] = Field(
        default="", description="People who approved, of how many are needed, such as 1/2"
    )
    soak: SoakStatus = Field(default_factory=SoakStatus, description="The present run")
    checks: Annotated[
        tuple[CheckStatus, ...],
        Field(
            max_length=MOST_CHECKS + 16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default=(), description="The checks, those of the floor too")
    approvals: Annotated[
        tuple[ApprovalStatus, ...],
        Field(
            max_length=MOST_APPROVALS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default=(), description="Approvals that name this gate, the newest")
    grant: GrantStatus | None = Field(default=None, description="What the gate grants now")
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=KEPT_HISTORY, json_schema_extra=_ATOMIC)] = Field(
        default=(), description="What happened to the grant, newest last"
    )
    evidence_head: _Hash = Field(default="", description="Hash of the newest entry in the evidence log of this gate")
    conditions: Conditions = Field(
        default=(), description="Observations: Ready, ChecksPassed, Soaked, Approved, Passed, BreakGlass"
    )
