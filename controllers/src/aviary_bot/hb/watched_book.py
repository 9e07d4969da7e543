"""Hummingbot's order book as the simulation needs it: it says when it changed, how old it is, and its best levels."""

import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, override

from aviary_fillsim import Book
from hummingbot.core.data_type.order_book import OrderBook

BOOK_LEVELS = 20
"""Levels per side that the simulation sees."""

BOOK_FRESH_SECONDS = 30.0
"""An order book that did not change for longer counts as lost: nothing fills, orders are refused, not ready."""


class WatchedOrderBook(OrderBook):
    """Hummingbot's order book, which says when it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.changed_at = time.monotonic()
        self.on_change: Callable[[], None] | None = None

    @override
    def apply_diffs(self, bids: Any, asks: Any, update_id: int) -> None:
        super().apply_diffs(bids, asks, update_id)
        self._tell()

    @override
    def apply_snapshot(self, bids: Any, asks: Any, update_id: int) -> None:
        super().apply_snapshot(bids, asks, update_id)
        self._tell()

    def _tell(self) -> None:
        self.changed_at = time.monotonic()
        if self.on_change is not None:
            self.on_change()

    @property
    def age_seconds(self) -> float:
        """Seconds since the last change."""
        return time.monotonic() - self.changed_at

    def mid_price(self) -> Decimal | None:
        """Return the mid price; None when a side is empty or the book is stale."""
        if self.age_seconds > BOOK_FRESH_SECONDS:
            return None
        bid = next(iter(self.bid_entries()), None)
        ask = next(iter(self.ask_entries()), None)
        if bid is None or ask is None:
            return None
        return (exact(bid.price) + exact(ask.price)) / 2

    def best(self, *, is_buy: bool) -> Decimal | None:
        """Return the price a market order of that side would get first; None when unknown."""
        if self.age_seconds > BOOK_FRESH_SECONDS:
            return None
        row = next(iter(self.ask_entries() if is_buy else self.bid_entries()), None)
        return None if row is None else exact(row.price)

    def levels(self) -> Book:
        """Return the best levels of both sides as the simulation reads them."""
        return Book(bids=_levels(self.bid_entries()), asks=_levels(self.ask_entries()))


def _levels(rows: Iterable[Any]) -> list[tuple[Decimal, Decimal]]:
    return [(exact(row.price), exact(row.amount)) for row in islice(rows, BOOK_LEVELS)]


def exact(number: float) -> Decimal:
    """Return a number of Hummingbot's, which are doubles, as the venue sent it: their shortest text."""
    return Decimal(repr(number))
