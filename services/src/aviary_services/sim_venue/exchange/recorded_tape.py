"""Prices from a recording: JSON lines, one state of one market each, played at the recorded pace, over and over.

A line: `{"time_ns": 1, "product": "Spot", "symbol": "BTCUSDT", "bids": [["60000", "1"]], "asks": [["60001", "2"]],
"trades": [{"price": "60000", "quantity": "0.1", "side": "Sell"}]}`. Times count from any origin and must not go back
within a market.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from aviary_fillsim import Side
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.market import Market, MarketId, PositiveDecimal, Product
from aviary_services.sim_venue.exchange.price_process import FeedStep, PublicTrade
from aviary_services.sim_venue.exchange.scale import Scale

MAX_LINES = 500_000
"""A recording is held in memory; a longer one is refused rather than cut."""


class _RecordedTrade(BaseModel):
    model_config = ConfigDict(extra="forbid")

    price: PositiveDecimal
    quantity: PositiveDecimal
    side: Side


class _RecordedState(BaseModel):
    model_config = ConfigDict(extra="forbid")

    time_ns: int = Field(ge=0)
    product: Product
    symbol: str
    bids: list[tuple[PositiveDecimal, PositiveDecimal]] = Field(min_length=1)
    asks: list[tuple[PositiveDecimal, PositiveDecimal]] = Field(min_length=1)
    trades: list[_RecordedTrade] = Field(default_factory=list)


class RecordedFeed:
    """Plays the states of one market. The recording starts at the first step and repeats when it has ended."""

    def __init__(self, states: Sequence[tuple[int, FeedStep]]) -> None:
        """Take (time in ns, state) pairs in time order; raises ValueError when there are none."""
        if not states:
            raise ValueError("a recording without states cannot be played")
        first = states[0][0]
        self._states = [(time_ns - first, step) for time_ns, step in states]
        # One median pause after the last state, then the first again.
        self._length = self._states[-1][0] + max(1, self._states[-1][0] // max(1, len(states) - 1))
        self._origin_ns: int | None = None
        self._next = 0
        self._frozen = False

    def step(self, now_ns: int) -> FeedStep | None:
        """Return the state due by now, with all trades since the last call, or None when none is due."""
        if self._origin_ns is None:
            self._origin_ns = now_ns
        if self._frozen:
            return None
        due: FeedStep | None = None
        trades: list[PublicTrade] = []
        while self._origin_ns + self._states[self._next][0] <= now_ns:
            due = self._states[self._next][1]
            trades.extend(due.trades)
            self._next += 1
            if self._next == len(self._states):
                self._next = 0
                self._origin_ns += self._length
        return None if due is None else FeedStep(due.ladder, tuple(trades))

    def set_price(self, ticks: int) -> bool:
        """Do nothing: a recording cannot be moved."""
        del ticks
        return False

    def freeze(self, *, frozen: bool) -> None:
        """Hold or go on; what was due meanwhile is played at once on release."""
        self._frozen = frozen


def load_recording(path: Path, markets: Mapping[MarketId, Market]) -> dict[MarketId, RecordedFeed]:
    """Read a recording. Raises ValueError naming the line that is wrong, or a market that has no line."""
    states: dict[MarketId, list[tuple[int, FeedStep]]] = {market_id: [] for market_id in markets}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if number > MAX_LINES:
                raise ValueError(f"{path} has more than {MAX_LINES} lines: record fewer markets or less time")
            if line.strip():
                _add(states, markets, line, where=f"{path} line {number}")
    silent = [f"{m.product}/{m.symbol}" for m, recorded in states.items() if not recorded]
    if silent:
        raise ValueError(f"{path} has no state for {', '.join(silent)}: add it, or list fewer markets")
    return {market_id: RecordedFeed(recorded) for market_id, recorded in states.items()}


def _add(
    states: Mapping[MarketId, list[tuple[int, FeedStep]]], markets: Mapping[MarketId, Market], line: str, *, where: str
) -> None:
    try:
        state = _RecordedState.model_validate_json(line)
    except ValidationError as error:
        raise ValueError(f"{where}: {error}") from error
    market_id = MarketId(state.product, state.symbol)
    recorded = states.get(market_id)
    if recorded is None:
        raise ValueError(f"{where}: {state.product}/{state.symbol} is not listed in the markets file")
    if recorded and state.time_ns < recorded[-1][0]:
        raise ValueError(f"{where}: time_ns {state.time_ns} is before the line above of the same market")
    if state.bids[0][0] >= state.asks[0][0]:
        raise ValueError(f"{where}: best bid {state.bids[0][0]} is not below best ask {state.asks[0][0]}")
    recorded.append((state.time_ns, _feed_step(state, markets[market_id])))


def _feed_step(state: _RecordedState, market: Market) -> FeedStep:
    ticks, lots = Scale(market.tick_size), Scale(market.lot_size)

    def rungs(levels: list[tuple[Decimal, Decimal]]) -> tuple[tuple[int, int], ...]:
        return tuple((ticks.floor(price), quantity) for price, q in levels if (quantity := lots.floor(q)))

    trades = tuple(
        PublicTrade(ticks.floor(trade.price), quantity, trade.side)
        for trade in state.trades
        if (quantity := lots.floor(trade.quantity))
    )
    return FeedStep(Ladder(rungs(state.bids), rungs(state.asks)), trades)
