"""The venue's memory of what it showed: best prices and trades with nanosecond times, bounded.

A checker asks it whether a fill at some time and price was possible.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from aviary_fillsim import Side

from aviary_services.sim_venue.exchange.price_process import FeedStep


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask in force from `time_ns` until the next quote; 0 ticks and 0 lots for an empty side."""

    time_ns: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    time_ns: int
    ticks: int
    lots: int
    taker: Side


class _Columns:
    """Rows of whole numbers in time order, packed; the oldest eighth is dropped when `capacity` rows are reached."""

    def __init__(self, width: int, capacity: int) -> None:
        self._columns = [array("q") for _ in range(width)]
        self._capacity = capacity

    def append(self, *row: int) -> None:
        if len(self._columns[0]) >= self._capacity:
            for column in self._columns:
                del column[: self._capacity // 8]
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)

    def between(self, from_ns: int, to_ns: int, *, with_previous: bool) -> Iterator[tuple[int, ...]]:
        times = self._columns[0]
        start = bisect_left(times, from_ns)
        if with_previous and start > 0 and (start == len(times) or times[start] > from_ns):
            start -= 1
        for index in range(start, bisect_right(times, to_ns)):
            yield tuple(column[index] for column in self._columns)


class Tape:
    """Quotes and prints of one market, each holding the last `capacity` steps or up to an eighth less."""

    def __init__(self, capacity: int) -> None:
        self._quotes = _Columns(5, capacity)
        self._prints = _Columns(4, capacity)

    def record(self, time_ns: int, step: FeedStep) -> None:
        """Add one step of the market; times must not go back."""
        bid, bid_lots = step.ladder.bids[0] if step.ladder.bids else (0, 0)
        ask, ask_lots = step.ladder.asks[0] if step.ladder.asks else (0, 0)
        self._quotes.append(time_ns, bid, bid_lots, ask, ask_lots)
        for trade in step.trades:
            self._prints.append(time_ns, trade.price, trade.lots, 1 if trade.taker is Side.BUY else 0)

    def quotes(self, from_ns: int, to_ns: int) -> Iterator[Quote]:
        """Yield the quotes of the interval, beginning with the one in force at `from_ns`."""
        for row in self._quotes.between(from_ns, to_ns, with_previous=True):
            yield Quote(*row)

    def prints(self, from_ns: int, to_ns: int) -> Iterator[Print]:
        """Yield the trades of the interval."""
        for time_ns, ticks, lots, buy in self._prints.between(from_ns, to_ns, with_previous=False):
            yield Print(time_ns, ticks, lots, Side.BUY if buy else Side.SELL)
