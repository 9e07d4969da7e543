"""Orders that rest in the market, best price first, and the one price that a book update is compared with."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from aviary_fillsim.orders import Order, Side

NO_BUYER = Decimal(-1)
"""Stands for "no resting buy": no ask price is at or below it."""
NO_SELLER = Decimal("Infinity")
"""Stands for "no resting sell": no bid price is at or above it."""


@dataclass(slots=True, eq=False)
class RestingOrder:
    """A resting order: what is left of it, and when it may next fill as a maker."""

    order: Order
    price: Decimal
    lots: int
    lots_left: int
    arrival: int
    not_before_ns: int
    rank: tuple[Decimal, int] = field(init=False)

    def __post_init__(self) -> None:
        """Fix the place in the queue: price first, then arrival."""
        # copy_negate, unlike unary minus, never rounds to the ambient context.
        price = self.price.copy_negate() if self.order.side is Side.BUY else self.price
        self.rank = (price, self.arrival)


class RestingSide:
    """The resting orders of one side. `best` is always the price of the first, or the side's empty mark."""

    __slots__ = ("_empty", "_orders", "best", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._empty = NO_BUYER if side is Side.BUY else NO_SELLER
        self._orders: list[RestingOrder] = []
        self.best = self._empty

    def add(self, resting: RestingOrder) -> None:
        """Queue the order behind those of the same price."""
        self._orders.insert(self._place(resting), resting)
        self.best = self._orders[0].price

    def remove(self, resting: RestingOrder) -> None:
        """Take the order out; it must be there."""
        del self._orders[self._place(resting)]
        self.best = self._orders[0].price if self._orders else self._empty

    def reached_by(self, price: Decimal) -> Iterator[RestingOrder]:
        """Yield the orders that a market at `price` has reached, best first. Safe against removal while iterating."""
        for resting in list(self._orders):
            if resting.price < price if self.side is Side.BUY else resting.price > price:
                return
            yield resting

    def __iter__(self) -> Iterator[RestingOrder]:
        return iter(list(self._orders))

    def _place(self, resting: RestingOrder) -> int:
        return bisect_left(self._orders, resting.rank, key=lambda other: other.rank)
