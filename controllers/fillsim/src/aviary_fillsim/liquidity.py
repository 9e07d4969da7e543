"""How much of a book can still be traded: what it shows less what was taken from the same standing levels."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from aviary_fillsim.amounts import Grid
from aviary_fillsim.book import Book, is_market
from aviary_fillsim.orders import Side


class ShownLiquidity:
    """The last book, and the lots already taken from each of its levels.

    A public feed goes on showing a level that the simulation has traded with. The level is remembered as taken until
    it leaves the book; if it grows, only the growth can be traded anew. That is what keeps simulated fills from ever
    exceeding what the market showed.
    """

    __slots__ = ("_lots", "_reflects_fills", "_taken", "_usable", "book")

    def __init__(self, lot_size: Decimal, *, book_reflects_fills: bool) -> None:
        self._lots = Grid(lot_size)
        self._reflects_fills = book_reflects_fills
        self._taken: dict[Side, dict[Decimal, int]] = {Side.BUY: {}, Side.SELL: {}}
        self._usable: bool | None = False
        self.book: Book | None = None

    @property
    def is_usable(self) -> bool:
        """Whether there is a book, and one that a market can look like. Checked once per book, when first asked."""
        if self._usable is None:
            self._usable = self.book is not None and is_market(self.book)
        return self._usable

    @property
    def has_memory(self) -> bool:
        """Whether anything was taken from the standing levels."""
        return bool(self._taken[Side.BUY] or self._taken[Side.SELL])

    def forget(self) -> None:
        """Drop the book: until the next one nothing is known about the market."""
        self.book = None
        self._usable = False
        self._forget_taken()

    def show(self, book: Book) -> None:
        """Replace the book, and forget what was taken from levels that the new one no longer shows."""
        self.book = book
        self._usable = None
        if self.has_memory:
            if self._reflects_fills or not self.is_usable:
                self._forget_taken()
            else:
                self._settle(book)

    def _forget_taken(self) -> None:
        for taken in self._taken.values():
            taken.clear()

    def _settle(self, book: Book) -> None:
        for side, taken in self._taken.items():
            levels = book.against(side)
            shown = dict(levels)
            for price in list(taken):
                if price in shown:
                    taken[price] = min(taken[price], self._lots.floor(shown[price]))
                elif not levels or _covers(levels, price, side=side):
                    del taken[price]

    def levels(self, side: Side, limit: Decimal | None) -> Iterator[tuple[Decimal, int, int]]:
        """Yield (price, shown lots, lots left to take) as an order of `side` meets them, up to and with `limit`.

        Nothing, when the book is missing or unusable.
        """
        if self.book is None or not self.is_usable:
            return
        levels = self.book.against(side)
        taken = self._taken[side]
        for price, quantity in levels:
            if limit is not None and (price > limit if side is Side.BUY else price < limit):
                return
            shown = self._lots.floor(quantity)
            yield price, shown, max(0, shown - taken.get(price, 0))

    def taken_at(self, side: Side, price: Decimal) -> int:
        """Return the lots already taken from the standing level at `price`."""
        return self._taken[side].get(price, 0)

    def take(self, side: Side, price: Decimal, lots: int) -> None:
        """Remember that orders of `side` took `lots` from the level at `price`."""
        taken = self._taken[side]
        taken[price] = taken.get(price, 0) + lots


def _covers(levels: Sequence[tuple[Decimal, Decimal]], price: Decimal, *, side: Side) -> bool:
    """Whether a book would show `price` if it still existed: it is better than the worst level shown.

    With one level per side only, a price worse than it is out of sight and the memory of it is kept.
    """
    worst = levels[-1][0]
    return price < worst if side is Side.BUY else price > worst
