"""A simulated spot account: balances, and the stock of each base asset from which a position is counted.

A spot bot needs some of the base asset to sell before it has bought any. That stock is no position: the position of
a pair is what the bot holds above or below it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aviary_bot.base_share import SpotHoldings
from aviary_bot.order_guard import Direction, HeldPosition, RestingOrder
from aviary_bot.paper_fill import PaperFill, split_pair

ZERO = Decimal(0)


class SpotAccount(BaseModel):
    """Balances by asset, and the stock by pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["Spot"] = "Spot"
    balances: dict[str, Decimal] = Field(default_factory=dict)
    stock: dict[str, Decimal] = Field(default_factory=dict)

    def with_pair(self, trading_pair: str) -> "SpotAccount":
        """Return the account with the stock of a pair fixed at what is held now; unchanged when it is fixed already."""
        if trading_pair in self.stock:
            return self
        base, _ = split_pair(trading_pair)
        return self.model_copy(update={"stock": {**self.stock, trading_pair: self.balances.get(base, ZERO)}})

    def settle(self, fill: PaperFill) -> "SpotAccount":
        """Return the account after a fill. Buyers pay the fee in the base asset, sellers in the quote asset."""
        balances = dict(self.balances)
        cost = fill.price * fill.quantity
        if fill.direction == "Buy":
            changes = {fill.base: fill.quantity - fill.fee_base, fill.quote: -cost}
        else:
            changes = {fill.base: -fill.quantity, fill.quote: cost - fill.fee_quote}
        for asset, change in changes.items():
            balances[asset] = balances.get(asset, ZERO) + change
        return self.model_copy(update={"balances": balances})

    def positions(self) -> tuple[HeldPosition, ...]:
        """Return what each pair holds above or below its stock."""
        return tuple(
            HeldPosition(trading_pair=pair, quantity=self.balances.get(split_pair(pair)[0], ZERO) - stock)
            for pair, stock in self.stock.items()
        )

    def holdings(self) -> SpotHoldings:
        """Return what of the pairs' assets is held, whatever part of it is stock."""
        base: dict[str, Decimal] = {}
        for pair in self.stock:
            asset, _ = split_pair(pair)
            if not any(split_pair(known)[0] == asset for known in base):
                base[pair] = self.balances.get(asset, ZERO)
        quotes = {split_pair(pair)[1] for pair in self.stock}
        return SpotHoldings(base=base, quote=sum((self.balances.get(quote, ZERO) for quote in quotes), ZERO))

    def available(self, resting: Iterable[RestingOrder]) -> dict[str, Decimal]:
        """Return the balances less what resting orders have reserved."""
        available = dict(self.balances)
        for order in resting:
            asset, amount = reservation(order.trading_pair, order.direction, order.remaining, order.price or ZERO)
            available[asset] = available.get(asset, ZERO) - amount
        return available

    def equity(self, mid_prices: Mapping[str, Decimal | None]) -> Decimal | None:
        """Return the value of the pairs' assets in the quote asset; None when a price is unknown, or any pair is."""
        if not self.stock:
            return None
        valued = {split_pair(pair)[1] for pair in self.stock}
        total = sum((self.balances.get(quote, ZERO) for quote in valued), ZERO)
        for pair in self.stock:
            base, _ = split_pair(pair)
            if base in valued:
                continue
            valued.add(base)
            price, held = mid_prices.get(pair), self.balances.get(base, ZERO)
            if price is None and held != 0:
                return None
            total += held * (price or ZERO)
        return total


def reservation(trading_pair: str, direction: Direction, quantity: Decimal, price: Decimal) -> tuple[str, Decimal]:
    """Return which asset an order reserves, and how much of it."""
    base, quote = split_pair(trading_pair)
    return (quote, quantity * price) if direction == "Buy" else (base, quantity)
