"""How fills and fees are simulated in Paper."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from aviary_crds.quantities import AssetAmounts
from aviary_crds.rules import Rule
from aviary_crds.v1alpha1.base import SpecModel


class Paper(SpecModel):
    """How fills are simulated in Paper. The same seed and the same market give the same fills."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.partialMinBps <= self.partialMaxBps",
            message="partialMinBps must not be above partialMaxBps",
            holds=lambda paper: paper.partial_min_bps <= paper.partial_max_bps,
            field=".partialMinBps",
        ),
    )

    seed: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)] = Field(
        default=7, description="Seed of all randomness"
    )
    latency_millis: Annotated[int, Field(strict=True, ge=0, le=60_000)] = Field(
        default=150, description="Time until an order or a cancel takes effect"
    )
    queue_participation_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=3_500, description="Share of the volume traded at its price that a resting order gets"
    )
    partial_min_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=1_500, description="Smallest share of the rest that one fill takes"
    )
    partial_max_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=8_500, description="Largest share of the rest that one fill takes"
    )
    start_balances: AssetAmounts = Field(
        default_factory=dict,
        description="Balances at the first start, by asset; empty means capital.totalAmountQuote of the quote asset, "
        "and on spot as much again of the base asset",
    )


class FeeMode(StrEnum):
    """Where the fees of simulated fills come from."""

    AUTO = "Auto"
    MANUAL = "Manual"


def _complete_when_manual(fees: "Fees") -> bool:
    return fees.mode is not FeeMode.MANUAL or (fees.maker_bps is not None and fees.taker_bps is not None)


def _absent_unless_manual(fees: "Fees") -> bool:
    return fees.mode is FeeMode.MANUAL or (fees.maker_bps is None and fees.taker_bps is None)


class Fees(SpecModel):
    """Fees of simulated fills."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.mode != 'Manual' || (has(self.makerBps) && has(self.takerBps))",
            message="fees.mode Manual needs makerBps and takerBps",
            holds=_complete_when_manual,
        ),
        Rule(
            cel="self.mode == 'Manual' || (!has(self.makerBps) && !has(self.takerBps))",
            message="makerBps and takerBps count only with fees.mode: Manual; set it, or take them out",
            holds=_absent_unless_manual,
        ),
    )

    mode: FeeMode = Field(
        default=FeeMode.AUTO, description="Auto: the connector's published fees. Manual: as given here"
    )
    maker_bps: Annotated[int, Field(strict=True, ge=0, le=1_000)] | None = Field(
        default=None, description="Maker fee in basis points, with mode Manual"
    )
    taker_bps: Annotated[int, Field(strict=True, ge=0, le=1_000)] | None = Field(
        default=None, description="Taker fee in basis points, with mode Manual"
    )
