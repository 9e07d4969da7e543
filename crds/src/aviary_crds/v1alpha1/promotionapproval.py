"""PromotionApproval: one person's yes to one gate and one digest. It cannot be changed, only made and deleted.

That ``approver`` is who made it is checked by the API server (a ValidatingAdmissionPolicy of the chart); the model
cannot know.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, Field

from aviary_crds.conditions import Conditions
from aviary_crds.quantities import LabelName
from aviary_crds.rules import Immutable, Rule, Text
from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from aviary_crds.v1alpha1.references import ObjectRef

__all__ = ["LONGEST_BREAK_GLASS_SECONDS", "ApprovalType", "PromotionApprovalSpec", "PromotionApprovalStatus"]

LONGEST_BREAK_GLASS_SECONDS: Final = 3_600

_CHANGED: Final = "an approval cannot be changed; delete it and make a new one"


class ApprovalType(StrEnum):
    """What is said."""

    APPROVAL = "Approval"
    """The bot may take the gate's step."""
    ACKNOWLEDGEMENT = "Acknowledgement"
    """One warning, or one manual check, was looked at."""
    BREAK_GLASS = "BreakGlass"
    """Grant without the gate's checks, for at most an hour."""


class PromotionApprovalSpec(SpecModel):
    """One person's yes."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="(self.type == 'Acknowledgement') == has(self.check)",
            message="an Acknowledgement names the check it is about; the other types name none",
            holds=lambda spec: (spec.type is ApprovalType.ACKNOWLEDGEMENT) == (spec.check is not None),
            field=".check",
        ),
        Rule(
            cel=f"self.type != 'BreakGlass' || self.validSeconds <= {LONGEST_BREAK_GLASS_SECONDS}",
            message=f"BreakGlass lasts at most {LONGEST_BREAK_GLASS_SECONDS} seconds",
            holds=lambda spec: (
                spec.type is not ApprovalType.BREAK_GLASS or spec.valid_seconds <= LONGEST_BREAK_GLASS_SECONDS
            ),
            field=".validSeconds",
        ),
    )

    gate_ref: Annotated[ObjectRef, Immutable(message=_CHANGED)] = Field(description="The PromotionGate it is about")
    digest: Annotated[
        str,
        Text(
            pattern=r"^sha256:[a-f0-9]{64}$",
            message="the digest is the gate's status.subject.digest: sha256: and 64 hex digits",
            max_length=71,
        ),
        Immutable(message=_CHANGED),
    ] = Field(description="Subject digest it is for, as the gate's status.subject.digest says")
    type: Annotated[ApprovalType, Immutable(message=_CHANGED)] = Field(
        default=ApprovalType.APPROVAL, description="What is said"
    )
    check: Annotated[LabelName, Immutable(message=_CHANGED)] | None = Field(
        default=None, description="The check that is acknowledged; type Acknowledgement only"
    )
    approver: Annotated[
        str,
        Field(min_length=1, max_length=253),
        Immutable(message=_CHANGED),
    ] = Field(description="Who says so: the user name with which this object is made, as kubectl auth whoami tells it")
    reason: Annotated[str, Field(min_length=10, max_length=1024), Immutable(message=_CHANGED)] = Field(
        description="Why, for whoever reads it after the fact"
    )
    valid_seconds: Annotated[int, Field(strict=True, ge=60, le=2_592_000), Immutable(message=_CHANGED)] = Field(
        default=3_600, description="How long it counts; the gate may cut it short"
    )


class PromotionApprovalStatus(StatusModel):
    """What the operator observed. Written by the operator alone."""

    observed_generation: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The metadata.generation this status is about"
    )
    expires_time: AwareDatetime | None = Field(default=None, description="When it ends")
    conditions: Conditions = Field(default=(), description="Observations: Ready (whether it counts, and why not)")
