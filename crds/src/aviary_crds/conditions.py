"""Conditions as Kubernetes means them: ``metav1.Condition`` in a list-map keyed by type.

The API conventions ask for a CamelCase ``reason``, a message for people, and a ``lastTransitionTime`` that moves only
when ``status`` flips. ``Ready``, ``Reconciling`` and ``Stalled`` are the trio that kstatus reads.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from aviary_crds.v1alpha1.base import StatusModel

MESSAGE_LIMIT: Final = 2048

ConditionStatus = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """The conditions of a TradingBot. A negative one (Halted, Reconciling, Stalled) is present only while True."""

    READY = "Ready"
    ENVELOPE_VALID = "EnvelopeValid"
    ENVELOPE_ENFORCED = "EnvelopeEnforced"
    MODE_GRANTED = "ModeGranted"
    CONFIG_IN_SYNC = "ConfigInSync"
    MODE_IN_FORCE = "ModeInForce"
    HALTED = "Halted"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class GateConditionType(StrEnum):
    """The conditions of a PromotionGate. ``BreakGlass`` is present only while True, the others always.

    A gate whose spec cannot be read has Ready and Passed only, both False. While Ready is False, and the gate is not
    suspended, it also has Reconciling or Stalled of ``ConditionType``.
    """

    READY = "Ready"
    """The gate evaluates (reason Evaluating). False: nothing it measures can count, and the reason says why:
    Suspended, EvidenceUnwritable, BotMissing, AnotherBot, DeskUnknown, DeskCeiling, DigestUnknown."""
    CHECKS_PASSED = "ChecksPassed"
    """Every enforcing check Passed or was acknowledged (AllPassed). False: ChecksFailed, ChecksErrored,
    ChecksInconclusive, ChecksPending by the worst of them; NothingEnforced."""
    SOAKED = "Soaked"
    """The run is long and busy enough (Soaked). False: Soaking, NoRun, EvidenceGap, ClockSetBack, or why the last run
    ended."""
    APPROVED = "Approved"
    """Enough people approved this subject (Approved). False: AwaitingApproval."""
    PASSED = "Passed"
    """Everything the gate asks for holds (GatePassed). False: the reason of the most telling thing that is missing;
    LevelTooLow, NotStatic and ImageUnknown have no condition of their own."""
    BREAK_GLASS = "BreakGlass"
    """What is granted rests on broken glass, not on evidence."""


class Condition(StatusModel):
    """One observation about an object, as ``metav1.Condition``."""

    type: Annotated[str, StringConstraints(max_length=64)] = Field(description="What is observed, such as Ready")
    status: ConditionStatus = Field(description="True, False or Unknown")
    observed_generation: int = Field(default=0, ge=0, description="The metadata.generation this was observed for")
    last_transition_time: AwareDatetime = Field(description="When status last changed")
    reason: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9]*)$", max_length=128)] = Field(
        description="Why, as one CamelCase word for machines"
    )
    message: Annotated[str, StringConstraints(max_length=MESSAGE_LIMIT)] = Field(
        default="", description="Why, and what to do about it, for people"
    )


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""All conditions of an object, one per type."""


def find_condition(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """Return the condition of ``type_``, or None when there is none."""
    return next((condition for condition in conditions if condition.type == type_), None)


def merge_conditions(
    previous: Iterable[Condition],
    current: Iterable[tuple[str, ConditionStatus, str, str]],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Return ``current`` (type, status, reason, message) as conditions, sorted by type.

    A transition time is kept from ``previous`` while the status is the same, else it is ``now`` in whole seconds, as
    everywhere in Kubernetes. Types that ``current`` does not name are gone: the caller states everything it knows on
    each pass. Messages are cut to ``MESSAGE_LIMIT``.

    Raises:
        ValueError: when ``current`` states a type twice, or ``now`` has no time zone.
    """
    before = {condition.type: condition for condition in previous}
    merged: list[Condition] = []
    for type_, status, reason, message in current:
        if any(condition.type == type_ for condition in merged):
            raise ValueError(f"condition {type_} is stated twice in one pass; an object has one of each type")
        old = before.get(type_)
        since = old.last_transition_time if old and old.status == status else now.replace(microsecond=0)
        merged.append(
            Condition(
                type=type_,
                status=status,
                reason=reason,
                message=message[:MESSAGE_LIMIT],
                observed_generation=generation,
                last_transition_time=since,
            )
        )
    return tuple(sorted(merged, key=lambda condition: condition.type))
