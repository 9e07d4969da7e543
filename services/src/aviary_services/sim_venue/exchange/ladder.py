"""The public order book of one market at one moment, in ticks and lots, and how two of them differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from aviary_fillsim import Book

from aviary_services.sim_venue.exchange.scale import Scale

type Rung = tuple[int, int]
"""Price in ticks, quantity in lots."""


@dataclass(frozen=True)
class Ladder:
    """Bids and asks, best first, bids strictly below asks."""

    bids: tuple[Rung, ...]
    asks: tuple[Rung, ...]

    @cached_property
    def bid_lots(self) -> Mapping[int, int]:
        """Quantities of the bids by price."""
        return MappingProxyType(dict(self.bids))

    @cached_property
    def ask_lots(self) -> Mapping[int, int]:
        """Quantities of the asks by price."""
        return MappingProxyType(dict(self.asks))

    @property
    def mid_ticks(self) -> int:
        """The middle of best bid and best ask, rounded down to a tick; the one side's price when the other is empty."""
        if self.bids and self.asks:
            return (self.bids[0][0] + self.asks[0][0]) // 2
        return (self.bids or self.asks)[0][0]

    def as_book(self, ticks: Scale, lots: Scale) -> Book:
        """Return the same levels for the matching engine."""
        return Book(
            bids=[(ticks.value(price), lots.value(quantity)) for price, quantity in self.bids],
            asks=[(ticks.value(price), lots.value(quantity)) for price, quantity in self.asks],
        )


def changed_rungs(old: Mapping[int, int], new: Mapping[int, int]) -> list[Rung]:
    """Return the levels of `new` that differ from `old`, and those gone with a quantity of 0."""
    changed = [(price, lots) for price, lots in new.items() if old.get(price) != lots]
    changed.extend((price, 0) for price in old if price not in new)
    return changed
