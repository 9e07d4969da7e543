"""A public order book as the engine is shown it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from aviary_fillsim.amounts import is_positive
from aviary_fillsim.orders import Side


class Level(NamedTuple):
    """A price and the quantity of the base asset shown there."""

    price: Decimal
    quantity: Decimal


class Book(NamedTuple):
    """Levels best first. A side may be empty; one level per side is enough, more let takers walk.

    Plain tuples of (price, quantity) do as levels. Making a Book checks nothing, because most books touch no order;
    the engine asks `is_market` before it trades against one.
    """

    bids: Sequence[tuple[Decimal, Decimal]]
    asks: Sequence[tuple[Decimal, Decimal]]

    def against(self, side: Side) -> Sequence[tuple[Decimal, Decimal]]:
        """Return the levels that an order of `side` trades against, best first."""
        return self.asks if side is Side.BUY else self.bids


def is_market(book: Book) -> bool:
    """Whether a market can look like this: finite numbers above zero, levels in order, best bid below best ask.

    NaN, a crossed book or levels out of order mean a broken feed, and nothing may fill against that.
    """
    return (
        _in_order(book.asks, side=Side.BUY)
        and _in_order(book.bids, side=Side.SELL)
        and not (book.bids and book.asks and book.bids[0][0] >= book.asks[0][0])
    )


def _in_order(levels: Sequence[tuple[Decimal, Decimal]], *, side: Side) -> bool:
    previous: Decimal | None = None
    for price, quantity in levels:
        if not is_positive(price) or not is_positive(quantity):
            return False
        if previous is not None and (price <= previous if side is Side.BUY else price >= previous):
            return False
        previous = price
    return True
