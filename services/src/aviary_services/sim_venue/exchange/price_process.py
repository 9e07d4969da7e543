"""Made-up prices: a seeded, mean-reverting walk per market, in whole numbers.

Whole numbers only, and only `getrandbits` of the generator: the same seed gives the same prices on every machine.
"""

from dataclasses import dataclass
from random import Random
from typing import Protocol

from aviary_fillsim import Side

from aviary_services.sim_venue.exchange.ladder import Ladder, Rung
from aviary_services.sim_venue.exchange.market import Market
from aviary_services.sim_venue.exchange.scale import Scale

_BELL_BITS = 24
_BELL_MEAN = _BELL_BITS // 2
_BELL_DEVIATION_E6 = 2_449_490
"""Standard deviation of the number of ones in 24 random bits (the square root of 6), times a million."""
_SIZES = 64


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade that others made: price in ticks, quantity in lots, and the side that took."""

    price: int
    lots: int
    taker: Side


@dataclass(frozen=True, slots=True)
class FeedStep:
    """What the market shows from now on, and what was traded in it since the last step."""

    ladder: Ladder
    trades: tuple[PublicTrade, ...]


class Feed(Protocol):
    """Where a market's prices come from."""

    def step(self, now_ns: int) -> FeedStep | None:
        """Return the next state of the market, or None when nothing changed."""

    def set_price(self, ticks: int) -> bool:
        """Move the mid price to `ticks` from the next step on; False when this feed cannot be moved."""

    def freeze(self, *, frozen: bool) -> None:
        """Hold the price where it is, or let it go on. Quantities and trades go on in any case."""


class WalkingFeed:
    """The walk. `set_price` also moves the price that the walk is drawn back to."""

    def __init__(self, market: Market, seed: int) -> None:
        self._market = market
        # Seeding with text goes through SHA-512: the same everywhere. Spot and perpetual of a symbol walk together.
        self._random = Random(f"{seed}/{market.symbol}")  # noqa: S311  repeatable, not secret
        self._home = self._mid = Scale(market.tick_size).floor(market.start_price)
        self._base_lots = Scale(market.lot_size).floor(market.level_quantity)
        self._frozen = False
        self._sizes = [self._base_lots * (5 + self._random.getrandbits(4)) // 10 for _ in range(_SIZES)]

    def step(self, now_ns: int) -> FeedStep:
        """Move the price once; always returns a state, because quantities change at every step."""
        del now_ns  # the walk knows steps, not time
        move = self._move()
        if not self._frozen:
            self._mid = max(2 * self._market.half_spread_ticks, self._mid + move)
        ladder = self._ladder()
        return FeedStep(ladder, (self._trade(ladder),))

    def set_price(self, ticks: int) -> bool:
        """Move mid price and home price."""
        self._home = self._mid = max(2 * self._market.half_spread_ticks, ticks)
        return True

    def freeze(self, *, frozen: bool) -> None:
        """Hold or release the price."""
        self._frozen = frozen

    def _move(self) -> int:
        market = self._market
        bell = self._random.getrandbits(_BELL_BITS).bit_count() - _BELL_MEAN
        noise = bell * self._mid * market.volatility_bps * 100 // _BELL_DEVIATION_E6
        return noise + (self._home - self._mid) * market.reversion_bps // 10_000

    def _ladder(self) -> Ladder:
        market = self._market
        bid, ask = self._mid - market.half_spread_ticks, self._mid + market.half_spread_ticks
        return Ladder(bids=self._side(bid, -1), asks=self._side(ask, 1))

    def _side(self, best: int, direction: int) -> tuple[Rung, ...]:
        # Levels behind the best stand on fixed prices with fixed quantities: a small move changes few of them.
        spacing = self._market.level_spacing_ticks
        rungs = [(best, self._base_lots * (8 + self._random.getrandbits(2)) // 10)]
        slot = best // spacing if direction < 0 else -(-best // spacing)
        if slot * spacing == best:
            slot += direction
        while len(rungs) < self._market.depth and slot > 0:
            rungs.append((slot * spacing, self._sizes[slot % _SIZES]))
            slot += direction
        return tuple(rungs)

    def _trade(self, ladder: Ladder) -> PublicTrade:
        taker = Side.BUY if self._random.getrandbits(1) else Side.SELL
        price, shown = ladder.asks[0] if taker is Side.BUY else ladder.bids[0]
        return PublicTrade(price, max(1, shown * (1 + self._random.getrandbits(5)) // 100), taker)
