"""The share of a spot account that may be in base assets (row R-065).

An order may not take the share out of its band, counted as if it and all orders of its side filled. Buys are held
against the upper bound only and sells against the lower, so an order towards the band always passes. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_BPS: Final = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotHoldings:
    """What a spot account holds: each base asset once, under a pair that prices it, and the quote asset."""

    base: Mapping[str, Decimal]
    quote: Decimal


@dataclass(frozen=True, slots=True)
class BaseMove:
    """What orders of one side do to the account at most: to the worth of its base assets, and to its equity.

    A buy below the mid price counts at the mid: it may fill there. A sell above it takes base worth the mid away and
    brings its price, so the equity grows by the difference and the share falls the more.
    """

    base_worth: Decimal = Decimal(0)
    gain: Decimal = Decimal(0)

    @classmethod
    def buy(cls, quantity: Decimal, price: Decimal) -> "BaseMove":
        """Return the move of a buy at a price not below the mid."""
        return cls(quantity * price)

    @classmethod
    def sell(cls, quantity: Decimal, price: Decimal, mid_price: Decimal) -> "BaseMove":
        """Return the move of a sell at a price not below the mid."""
        return cls(-quantity * mid_price, quantity * (price - mid_price))

    def __add__(self, other: "BaseMove") -> "BaseMove":
        return BaseMove(self.base_worth + other.base_worth, self.gain + other.gain)


def base_share(holdings: SpotHoldings, mid_prices: Mapping[str, Decimal | None]) -> Decimal | None:
    """Return the share of the equity in base assets, 0 to 1; None while a price, or any worth, is unknown."""
    value, complete = _base_value(holdings, mid_prices)
    equity = holdings.quote + value
    return value / equity if complete and equity > 0 else None


def decide_base_share(
    holdings: SpotHoldings, mid_prices: Mapping[str, Decimal | None], move: BaseMove, *, lowest: int, highest: int
) -> str | None:
    """Return why an order would leave the band, or None.

    Args:
        holdings: the account.
        mid_prices: by pair.
        move: what the order and all resting ones of its side do when they fill.
        lowest: `minBaseShareBps`.
        highest: `maxBaseShareBps`.

    While the equity is unknown only a sell passes of which it is certain that it comes nearer: whatever the assets
    without a price are worth, the share is at least what it is without them.
    """
    value, complete = _base_value(holdings, mid_prices)
    equity = holdings.quote + value
    sells = move.base_worth < 0
    if equity <= 0 or not (complete or (sells and value * _BPS / equity > highest)):
        return "the equity is unknown, so the base share is; only a sell that certainly lowers it to the band may go"
    after = (value + move.base_worth) * _BPS / (equity + move.gain)
    if not sells and after > highest:
        return f"the base share could become {after:.0f} bps, above maxBaseShareBps {highest}"
    if sells and after < lowest:
        return f"the base share could become {after:.0f} bps, below minBaseShareBps {lowest}"
    return None


def _base_value(holdings: SpotHoldings, mid_prices: Mapping[str, Decimal | None]) -> tuple[Decimal, bool]:
    """Return what the base assets of a known price are worth, and whether these are all."""
    value, complete = Decimal(0), True
    for pair, quantity in holdings.base.items():
        price = mid_prices.get(pair)
        if price is not None and price.is_finite() and price > 0:
            value += quantity * price
        elif quantity != 0:
            complete = False
    return value, complete
