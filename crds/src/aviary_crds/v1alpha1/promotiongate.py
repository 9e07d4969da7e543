"""PromotionGate: which evidence lets one bot take one step up the ladder of modes.

One per bot and step. What counts as evidence, when it is void and what a grant is: docs/design/promotion.md.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from aviary_crds.quantities import PositiveDecimalString
from aviary_crds.rules import Immutable, Rule
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.gatechecks import MOST_CHECKS, Check
from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.references import ObjectRef

__all__ = [
    "LIVE_FLOOR_LEVEL",
    "Approvals",
    "GateGrant",
    "OnGrantLost",
    "PromotionGateSpec",
    "PromotionGateStatus",
    "Soak",
]

LIVE_FLOOR_LEVEL: Final = 3
"""Row R-194: the paper soak with all seven KPIs. No gate can ask for less before Live."""

_STEPS: Final = ((Mode.PAPER, Mode.TESTNET), (Mode.PAPER, Mode.LIVE), (Mode.TESTNET, Mode.LIVE), (Mode.LIVE, Mode.LIVE))


class OnGrantLost(StrEnum):
    """What a bot does that held a grant and lost it."""

    HALT = "Halt"
    """Cancel its orders, keep its position, place no new orders."""
    DEMOTE = "Demote"
    """Go on on paper."""


class Soak(SpecModel):
    """How long, and how much, a bot must have traded in ``from`` without a break."""

    min_seconds: Annotated[int, Field(strict=True, ge=0, le=7_776_000)] = Field(
        default=86_400, description="Least length of the run"
    )
    min_fills: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = Field(
        default=1, description="Least number of fills in the run"
    )
    min_trading_days: Annotated[int, Field(strict=True, ge=0, le=90)] = Field(
        default=0, description="Least number of UTC days that the run has touched"
    )
    max_gap_seconds: Annotated[int, Field(strict=True, ge=30, le=3_600)] = Field(
        default=300, description="A longer time without a good sample of the bot ends the run"
    )


class Approvals(SpecModel):
    """Whose yes is needed."""

    required: Annotated[int, Field(strict=True, ge=0, le=5)] = Field(
        default=1, description="How many different people must approve; at least one for Live"
    )
    valid_seconds: Annotated[int, Field(strict=True, ge=60, le=2_592_000)] = Field(
        default=86_400, description="How long an approval counts, at most; an approval may say less"
    )


class GateGrant(SpecModel):
    """What is granted while the gate passes."""

    capital_quote: PositiveDecimalString = Field(
        description="Ceiling of the bot's capital and notional in the mode, in the quote asset; start small"
    )
    valid_seconds: Annotated[int, Field(strict=True, ge=60, le=604_800)] = Field(
        default=3_600, description="A grant that is not renewed ends after this time"
    )


def _named_once(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    # the API server's list-map refuses it by itself
    names = [check.name for check in checks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two checks have the same name: {', '.join(twice)}; rename one")
    return checks


class PromotionGateSpec(SpecModel):
    """Which evidence lets the bot take the step."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.from + '-' + self.to in ['Paper-Testnet', 'Paper-Live', 'Testnet-Live', 'Live-Live']",
            message="no such step: a gate leads from Paper to Testnet, from Paper or Testnet to Live, "
            "or from Live to Live (a capital raise)",
            holds=lambda spec: (spec.from_, spec.to) in _STEPS,
            field=".to",
        ),
        Rule(
            cel="self.checks.exists(check, check.enforcement == 'Enforce' && check.severity == 'Critical')",
            message="at least one check must be Critical and enforced: a gate of dry runs and warnings proves nothing",
            holds=lambda spec: any(check.blocks for check in spec.checks),
            field=".checks",
        ),
        Rule(
            cel=f"self.to != 'Live' || self.minLevel >= {LIVE_FLOOR_LEVEL}",
            message=f"a gate to Live needs minLevel {LIVE_FLOOR_LEVEL} or more: "
            "the paper soak with all seven KPIs is a floor",
            holds=lambda spec: spec.to is not Mode.LIVE or spec.min_level >= LIVE_FLOOR_LEVEL,
            field=".minLevel",
        ),
        Rule(
            cel="self.to != 'Live' || self.approvals.required >= 1",
            message="a gate to Live needs at least one approval: evidence alone never trades real money",
            holds=lambda spec: spec.to is not Mode.LIVE or spec.approvals.required >= 1,
            field=".approvals.required",
        ),
        Rule(
            cel="self.from != 'Live' || self.soak.minSeconds >= 432000",
            message="a capital raise needs soak.minSeconds of at least 432000: five days live",
            holds=lambda spec: spec.from_ is not Mode.LIVE or spec.soak.min_seconds >= 432_000,  # noqa: PLR2004  R-039
            field=".soak.minSeconds",
        ),
    )

    bot_ref: Annotated[ObjectRef, Immutable(message="the bot of a gate cannot change; make a new PromotionGate")] = (
        Field(description="The TradingBot this gate is about")
    )
    from_: Annotated[Mode, Immutable(message="the step of a gate cannot change; make a new PromotionGate")] = Field(
        alias="from", description="Mode in which the evidence is gathered: Paper, Testnet or Live"
    )
    to: Annotated[Mode, Immutable(message="the step of a gate cannot change; make a new PromotionGate")] = Field(
        description="Mode that is granted: Testnet or Live"
    )
    suspend: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="True stops the evaluation; a suspended gate grants nothing"
    )
    min_level: Annotated[int, Field(strict=True, ge=0, le=7)] = Field(
        default=LIVE_FLOOR_LEVEL, description="Rung of the validation ladder that the subject must have reached"
    )
    soak: Soak = Field(default_factory=Soak, description="How long the bot must have traded without a break")
    checks: Annotated[
        tuple[Check, ...],
        Field(
            min_length=1,
            max_length=MOST_CHECKS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
        AfterValidator(_named_once),
    ] = Field(description="The evidence")
    approvals: Approvals = Field(default_factory=Approvals, description="Whose yes is needed")
    grant: GateGrant = Field(description="What is granted while the gate passes")
    grace_seconds: Annotated[int, Field(strict=True, ge=0, le=3_600)] = Field(
        default=60,
        description="How long a grant outlives evidence that merely cannot be read; a failure ends it at once",
    )
    on_grant_lost: OnGrantLost = Field(
        default=OnGrantLost.HALT, description="What the bot does when it loses a grant that it held"
    )

    @property
    def is_capital_raise(self) -> bool:
        """Whether this gate raises the capital of a bot that is live."""
        return self.from_ is Mode.LIVE
