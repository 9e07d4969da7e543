"""How much a bot works with, and what it must never exceed."""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from aviary_crds.quantities import Bps, PositiveDecimalString
from aviary_crds.rules import Rule
from aviary_crds.v1alpha1.base import SpecModel


class Capital(SpecModel):
    """How much the bot works with."""

    total_amount_quote: PositiveDecimalString = Field(
        description="Capital in the quote asset, divided evenly over the trading pairs"
    )


class Safety(SpecModel):
    """The envelope: what the bot must never exceed, whatever its strategy wants.

    Enforced on every order by the order guard in the bot. ``status`` tells in EnvelopeEnforced which fields the
    running bot enforces; no mode above Paper is granted while one is not.
    """

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.minBaseShareBps <= self.maxBaseShareBps",
            message="minBaseShareBps must not be above maxBaseShareBps",
            holds=lambda safety: safety.min_base_share_bps <= safety.max_base_share_bps,
            field=".minBaseShareBps",
        ),
    )

    max_order_notional_quote: PositiveDecimalString = Field(
        default=Decimal(250), description="Largest notional of one order, in the quote asset"
    )
    max_notional_quote: PositiveDecimalString | None = Field(
        default=None,
        description="Largest notional of positions and resting orders together, in the quote asset; "
        "mandatory for Live, otherwise capital.totalAmountQuote",
    )
    max_leverage: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(
        default=5, description="Largest leverage; market.leverage must not exceed it"
    )
    max_daily_loss_bps: Bps = Field(default=300, description="Loss since 00:00 UTC, in basis points of the capital")
    max_drawdown_bps: Bps = Field(default=500, description="Fall from the equity's peak, in basis points")
    max_daily_turnover_bps: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] = Field(
        default=30_000,
        description="Traded notional since 00:00 UTC, in basis points of the capital; 30000 is three times",
    )
    max_cancels_per_minute: Annotated[int, Field(strict=True, ge=1, le=6_000)] = Field(
        default=50,
        description="Cancels in 60 seconds; beyond it the bot pauses, and stops when it happens again and again",
    )
    min_base_share_bps: Bps = Field(
        default=0, description="Least share of the equity to hold in base assets, basis points; spot only"
    )
    max_base_share_bps: Bps = Field(
        default=9_000, description="Largest share of the equity to hold in base assets, basis points; spot only"
    )
