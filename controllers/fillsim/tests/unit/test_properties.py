"""What holds for every order in every market."""

from collections import defaultdict
from decimal import Decimal

import hypothesis.strategies as st
from aviary_fillsim import (
    Accepted,
    Book,
    Cancelled,
    Engine,
    Event,
    Fill,
    Liquidity,
    Order,
    OrderKind,
    Rejected,
    Side,
    SimConfig,
)
from hypothesis import given, settings

MS = 1_000_000
LOT = Decimal("0.01")

type Step = tuple[int, Book | Order | tuple[Decimal, Decimal, Side] | int]
"""Milliseconds to wait, then: a book, an order, a public trade, or a cancel of all orders with that number."""


@st.composite
def books(draw: st.DrawFn) -> Book:
    mid = draw(st.integers(980, 1020))
    sizes = st.lists(st.integers(1, 300), min_size=1, max_size=4)
    bids = [(Decimal(mid - 1 - i), s * LOT) for i, s in enumerate(draw(sizes))]
    asks = [(Decimal(mid + 1 + i), s * LOT) for i, s in enumerate(draw(sizes))]
    return Book(bids=bids, asks=asks)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from(OrderKind))
    return Order(
        order_id=str(draw(st.integers(0, 15))),
        side=draw(st.sampled_from(Side)),
        kind=kind,
        quantity=draw(st.integers(1, 500)) * LOT,
        price=None if kind is OrderKind.MARKET else Decimal(draw(st.integers(980, 1020))),
    )


trades = st.tuples(
    st.integers(980, 1020).map(Decimal), st.integers(1, 300).map(lambda n: n * LOT), st.sampled_from(Side)
)
actions = st.lists(
    st.tuples(st.integers(0, 200), st.one_of(books(), orders(), trades, st.integers(0, 15))), min_size=1, max_size=60
)
configs = st.builds(
    SimConfig,
    tick_size=st.just(Decimal(1)),
    lot_size=st.just(LOT),
    maker_fee_bps=st.just(Decimal(2)),
    taker_fee_bps=st.just(Decimal(6)),
    latency_ms=st.sampled_from([0, 1, 150]),
    queue_participation_bps=st.sampled_from([1_000, 3_500, 10_000]),
    partial_min_bps=st.sampled_from([1_500, 10_000]),
    partial_max_bps=st.just(10_000),
    seed=st.integers(0, 5),
    book_reflects_fills=st.booleans(),
)


class Run:
    """Plays actions against an engine and remembers what was accepted, shown and said."""

    def __init__(self, config: SimConfig, steps: list[Step]) -> None:
        self.engine = Engine(config)
        self.sent: list[tuple[Order, int]] = []
        self.events: list[Event] = []
        self.traded: list[tuple[Decimal, Decimal]] = []
        now = 0
        for pause, action in steps:
            now += pause * MS
            if isinstance(action, Book):
                self.events += self.engine.on_book(action, now)
            elif isinstance(action, Order):
                # Events of before must be read first: ids are used again.
                self.events += self.engine.advance(now)
                unique = Order(
                    order_id=f"{action.order_id}/{len(self.sent)}",
                    side=action.side,
                    kind=action.kind,
                    quantity=action.quantity,
                    price=action.price,
                )
                answer = self.engine.submit(unique, now)
                assert isinstance(answer, Accepted)
                self.sent.append((unique, answer.due_ns))
                self.events += self.engine.advance(now)
            elif isinstance(action, tuple):
                before = self.engine.advance(now)
                fills = self.engine.on_trade(*action, now)
                assert sum(e.quantity for e in fills if isinstance(e, Fill)) <= action[1]
                self.events += before + fills
            else:
                for order, _ in self.sent:
                    if order.order_id.startswith(f"{action}/"):
                        self.engine.cancel(order.order_id, now)
        self.events += self.engine.advance(now + 1_000 * MS)

    def fills(self) -> dict[str, list[Fill]]:
        by_order: dict[str, list[Fill]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, Fill):
                by_order[event.order_id].append(event)
        return by_order


@settings(deadline=None, max_examples=300)
@given(config=configs, steps=actions)
def test_fills_stay_within_limit_quantity_and_latency_and_nothing_is_lost(config: SimConfig, steps: list[Step]) -> None:
    run = Run(config, steps)
    fills = run.fills()
    gone = {e.order_id: e for e in run.events if isinstance(e, Cancelled)}
    rejected = {e.order_id for e in run.events if isinstance(e, Rejected)}
    for order, due_ns in run.sent:
        mine = fills.get(order.order_id, [])
        filled = sum((fill.quantity for fill in mine), Decimal(0))
        for fill in mine:
            assert fill.time_ns >= due_ns
            assert fill.quantity > 0
            if order.price is not None:
                assert fill.price <= order.price if order.side is Side.BUY else fill.price >= order.price
            if order.kind is OrderKind.MAKER_ONLY:
                assert fill.liquidity is Liquidity.MAKER
        state = run.engine.order(order.order_id)
        if order.order_id in rejected:
            assert not mine
        elif order.order_id in gone:
            assert filled + gone[order.order_id].remaining == order.quantity
        elif state is not None:
            assert state.filled == filled
            assert filled + state.remaining == order.quantity
        else:
            assert filled == order.quantity
        remaining = order.quantity
        for fill in mine:
            remaining -= fill.quantity
            assert fill.remaining == remaining


@settings(deadline=None, max_examples=200)
@given(config=configs, steps=actions)
def test_the_same_inputs_give_the_same_events(config: SimConfig, steps: list[Step]) -> None:
    assert Run(config, steps).events == Run(config, steps).events


@settings(deadline=None, max_examples=200)
@given(config=configs, shown=books(), arrivals=st.lists(orders(), min_size=1, max_size=12))
def test_one_standing_book_never_gives_more_than_it_shows(
    config: SimConfig, shown: Book, arrivals: list[Order]
) -> None:
    repeated: list[Step] = [(0, shown)]
    for order in arrivals:
        repeated += [(200, order)] if config.book_reflects_fills else [(200, order), (200, shown)]
    run = Run(config, repeated)
    for side in Side:
        offered = sum((quantity for _, quantity in shown.against(side)), Decimal(0))
        taken = sum((e.quantity for e in run.events if isinstance(e, Fill) and e.side is side), Decimal(0))
        assert taken <= offered


@settings(deadline=None, max_examples=200)
@given(config=configs, steps=actions)
def test_every_fee_is_its_rate_of_the_notional(config: SimConfig, steps: list[Step]) -> None:
    for fill in (e for e in Run(config, steps).events if isinstance(e, Fill)):
        rate = config.maker_fee_bps if fill.liquidity is Liquidity.MAKER else config.taker_fee_bps
        assert fill.fee_quote * 10_000 == fill.price * fill.quantity * rate
        assert fill.fee_base * 10_000 == fill.quantity * rate
