"""A simulated account for perpetual contracts: wallets by collateral asset, and positions.

One-way mode keeps one position per pair (slot Net), hedge mode a long and a short one. Funding payments are not
simulated: over days a real account pays or receives them, this one does not.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aviary_bot.order_guard import Direction, HeldPosition, RestingOrder, Slot
from aviary_bot.paper_fill import PaperFill, split_pair

ZERO = Decimal(0)


class PerpetualPosition(BaseModel):
    """A position: signed base quantity, and the mean price it was entered at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trading_pair: str
    slot: Slot
    quantity: Decimal
    entry_price: Decimal

    def unrealized(self, mid_price: Decimal) -> Decimal:
        """Return the profit or loss at a price, in the quote asset."""
        return (mid_price - self.entry_price) * self.quantity


class PerpetualAccount(BaseModel):
    """Wallets and positions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["Perpetual"] = "Perpetual"
    wallets: dict[str, Decimal] = Field(default_factory=dict)
    held: tuple[PerpetualPosition, ...] = ()

    def position(self, trading_pair: str, slot: Slot) -> PerpetualPosition:
        """Return the position of a pair and slot; an empty one when there is none."""
        for position in self.held:
            if position.trading_pair == trading_pair and position.slot == slot:
                return position
        return PerpetualPosition(trading_pair=trading_pair, slot=slot, quantity=ZERO, entry_price=ZERO)

    def settle(self, fill: PaperFill) -> "PerpetualAccount":
        """Return the account after a fill: the closed part realises its profit or loss, the fee is in quote."""
        before = self.position(fill.trading_pair, fill.slot)
        after, realized = _traded(before, fill)
        others = tuple(
            position
            for position in self.held
            if (position.trading_pair, position.slot) != (fill.trading_pair, fill.slot)
        )
        wallet = self.wallets.get(fill.quote, ZERO) + realized - fill.fee_quote
        return self.model_copy(
            update={
                "wallets": {**self.wallets, fill.quote: wallet},
                "held": (*others, after) if after.quantity != 0 else others,
            }
        )

    def positions(self) -> tuple[HeldPosition, ...]:
        """Return the positions as the order guard counts them."""
        return tuple(
            HeldPosition(trading_pair=held.trading_pair, quantity=held.quantity, slot=held.slot) for held in self.held
        )

    def available(
        self,
        resting: Iterable[RestingOrder],
        *,
        mid_prices: Mapping[str, Decimal | None],
        leverage: Mapping[str, int],
    ) -> dict[str, Decimal]:
        """Return the wallets with open profit and loss, less the margin of positions and of resting orders.

        An unknown price counts an open position's profit as nothing.
        """
        available = dict(self.wallets)
        for held in self.held:
            _, quote = split_pair(held.trading_pair)
            price = mid_prices.get(held.trading_pair)
            margin = abs(held.quantity) * held.entry_price / leverage.get(held.trading_pair, 1)
            profit = held.unrealized(price) if price is not None else ZERO
            available[quote] = available.get(quote, ZERO) + profit - margin
        for order in resting:
            _, quote = split_pair(order.trading_pair)
            margin = self.margin_needed(
                order.trading_pair,
                order.direction,
                order.slot,
                quantity=order.remaining,
                price=order.price or ZERO,
                leverage=leverage.get(order.trading_pair, 1),
            )
            available[quote] = available.get(quote, ZERO) - margin
        return available

    def margin_needed(
        self,
        trading_pair: str,
        direction: Direction,
        slot: Slot,
        *,
        quantity: Decimal,
        price: Decimal,
        leverage: int,
    ) -> Decimal:
        """Return the margin an order needs: for the part of it that opens, not for the part that closes."""
        held = self.position(trading_pair, slot).quantity
        closes = abs(held) if (held > 0) == (direction == "Sell") else ZERO
        return max(ZERO, quantity - closes) * price / leverage

    def equity(self, mid_prices: Mapping[str, Decimal | None]) -> Decimal | None:
        """Return the collateral plus open profit and loss in the quote asset.

        Only wallets of the pairs' quote asset count: another asset's amount is no amount of it. None when the price of
        a position is unknown, or no pair is known yet: an account that is not looked at is not worth nothing.
        """
        quotes = {split_pair(pair)[1] for pair in (*mid_prices, *(held.trading_pair for held in self.held))}
        if not quotes:
            return None
        total = sum((self.wallets.get(quote, ZERO) for quote in quotes), ZERO)
        for held in self.held:
            price = mid_prices.get(held.trading_pair)
            if price is None:
                return None
            total += held.unrealized(price)
        return total


def _traded(before: PerpetualPosition, fill: PaperFill) -> tuple[PerpetualPosition, Decimal]:
    change = fill.signed_quantity
    quantity = before.quantity + change
    if before.quantity == 0 or (before.quantity > 0) == (change > 0):
        entry = (abs(before.quantity) * before.entry_price + fill.quantity * fill.price) / abs(quantity)
        return before.model_copy(update={"quantity": quantity, "entry_price": entry}), ZERO
    closed = min(abs(before.quantity), fill.quantity)
    sign = 1 if before.quantity > 0 else -1
    realized = (fill.price - before.entry_price) * closed * sign
    turned = quantity != 0 and (quantity > 0) != (before.quantity > 0)
    entry = fill.price if turned else before.entry_price
    return before.model_copy(update={"quantity": quantity, "entry_price": entry}), realized
