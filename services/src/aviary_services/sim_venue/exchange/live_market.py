"""One market while the venue runs: its feed, its book of users' orders, and what it last showed."""

from aviary_fillsim import Engine, Event, SimConfig

from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.market import Market
from aviary_services.sim_venue.exchange.price_process import Feed, FeedStep, PublicTrade
from aviary_services.sim_venue.exchange.scale import Scale
from aviary_services.sim_venue.exchange.tape import Tape

_NO_LADDER = Ladder(bids=(), asks=())


class LiveMarket:
    """Steps the feed and shows every step to the matching engine and to the tape.

    The engine has no latency, no queue and no partial fills of its own: this is the exchange, and users' orders get
    what the made-up market shows. Users' orders do not meet each other and are not part of the public book.
    """

    def __init__(self, market: Market, feed: Feed, *, tape_capacity: int) -> None:
        self.market = market
        self.feed = feed
        self.ticks = Scale(market.tick_size)
        self.lots = Scale(market.lot_size)
        self.tape = Tape(tape_capacity)
        self.ladder: Ladder = _NO_LADDER
        self.last_trade: PublicTrade | None = None
        self.last_step_ns = 0
        self.sequence = 0
        self.trades = 0
        self._engine_is_behind = False
        self._engine = Engine(
            SimConfig(
                tick_size=market.tick_size,
                lot_size=market.lot_size,
                maker_fee_bps=market.maker_fee_bps,
                taker_fee_bps=market.taker_fee_bps,
                latency_ms=0,
                queue_participation_bps=10_000,
                partial_min_bps=10_000,
                partial_max_bps=10_000,
                book_reflects_fills=True,
            )
        )

    @property
    def engine(self) -> Engine:
        """The engine, with the market's present book shown to it."""
        if self._engine_is_behind:
            self._engine_is_behind = False
            self._engine.on_book(self.ladder.as_book(self.ticks, self.lots), self.last_step_ns)
        return self._engine

    @property
    def is_open(self) -> bool:
        """Whether the market has shown a book."""
        return bool(self.ladder.bids and self.ladder.asks)

    def step(self, now_ns: int) -> tuple[FeedStep, list[Event]] | None:
        """Advance the feed; return what it showed and what that did to users' orders, or None if nothing changed."""
        step = self.feed.step(now_ns)
        if step is None:
            return None
        self.ladder = step.ladder
        self.last_step_ns = now_ns
        self.sequence += 1
        self.tape.record(now_ns, step)
        self.trades += len(step.trades)
        self.last_trade = step.trades[-1] if step.trades else self.last_trade
        if self._engine.open_count == 0:
            # Most markets have no orders most of the time: the engine sees their book when one comes.
            self._engine_is_behind = True
            return step, []
        return step, self._show(step, now_ns)

    def _show(self, step: FeedStep, now_ns: int) -> list[Event]:
        events = self._engine.on_book(step.ladder.as_book(self.ticks, self.lots), now_ns)
        for trade in step.trades:
            price, quantity = self.ticks.value(trade.price), self.lots.value(trade.lots)
            events.extend(self._engine.on_trade(price, quantity, trade.taker, now_ns))
        return events
