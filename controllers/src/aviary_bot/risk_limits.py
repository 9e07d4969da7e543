"""Loss, drawdown and turnover: what they are now, and whether one is beyond its limit (row R-063).

Pure. Equity comes from the account: on spot the assets at their mid prices, on perpetual contracts the collateral with
open profit and loss. A figure that cannot be known is None; who waits for it, and how long, is the standing guard's.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from aviary_crds.botconfig import OrderLimits

from aviary_bot.risk_ledger import RiskLedger

BPS: Final = Decimal(10_000)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLook:
    """One look at the account. `lacking` says for people what an unknown equity waits for."""

    equity_quote: Decimal | None
    volume_quote: Decimal | None
    lacking: str = ""

    @property
    def known(self) -> tuple[Decimal, Decimal] | None:
        """Equity and traded notional since the bot was made; None while either is not a finite number."""
        equity, volume = self.equity_quote, self.volume_quote
        if equity is None or volume is None or not equity.is_finite() or not volume.is_finite():
            return None
        return equity, volume


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigures:
    """What the limits are compared with: basis points of the capital, the drawdown of the peak."""

    day_loss_bps: Decimal | None = None
    drawdown_bps: Decimal | None = None
    day_turnover_bps: Decimal | None = None


def measure(ledger: RiskLedger, account: AccountLook, *, capital_quote: Decimal) -> RiskFigures:
    """Return the figures of an account that the ledger has seen.

    Args:
        ledger: what the day began with, and the peak.
        account: how it stands now.
        capital_quote: `totalAmountQuote`.
    """
    opening, known = ledger.opening, account.known
    if known is None:
        return RiskFigures()
    equity, volume = known
    return RiskFigures(
        day_loss_bps=None if opening is None else max(_ZERO, opening.equity_quote - equity) * BPS / capital_quote,
        drawdown_bps=None if ledger.peak_equity_quote is None else _drawdown(ledger.peak_equity_quote, equity),
        day_turnover_bps=None if opening is None else max(_ZERO, volume - opening.volume_quote) * BPS / capital_quote,
    )


def decide_breach(figures: RiskFigures, limits: OrderLimits) -> str | None:
    """Return which limits are exceeded, with figure and limit, or None. A figure exactly at its limit is within it."""
    compared = (
        ("daily loss", figures.day_loss_bps, "of the capital", "maxDailyLossBps", limits.max_daily_loss_bps),
        ("drawdown", figures.drawdown_bps, "of the peak", "maxDrawdownBps", limits.max_drawdown_bps),
        (
            "turnover since 00:00 UTC",
            figures.day_turnover_bps,
            "of the capital",
            "maxDailyTurnoverBps",
            limits.max_daily_turnover_bps,
        ),
    )
    found = [
        f"{name} {figure:.2f} bps {of} is above {field} {limit}"
        for name, figure, of, field, limit in compared
        if figure is not None and figure > limit
    ]
    return "; ".join(found) or None


def is_inventory_in_band(
    limits: OrderLimits,
    *,
    is_perpetual: bool,
    base_share: Decimal | None,
    positions_notional_quote: Decimal | None,
) -> bool | None:
    """Return whether what is held is within its bounds; None when that is unknown.

    Args:
        limits: the envelope.
        is_perpetual: perpetual contracts have a notional, spot has a share.
        base_share: share of the equity in base assets, 0 to 1.
        positions_notional_quote: what the positions are worth together.
    """
    if is_perpetual:
        return None if positions_notional_quote is None else positions_notional_quote <= limits.max_notional_quote
    if base_share is None:
        return None
    return limits.min_base_share_bps <= base_share * BPS <= limits.max_base_share_bps


def as_share(bps: Decimal | None) -> Decimal | None:
    """Return basis points as a share: 10000 is 1."""
    return None if bps is None else bps / BPS


def _drawdown(peak: Decimal, equity: Decimal) -> Decimal:
    # An account that never was worth anything has nothing left to lose: that is no room to trade in.
    return max(_ZERO, peak - equity) * BPS / peak if peak > 0 else BPS
