"""Orders that rest and are reached by the market."""

from decimal import Decimal
from itertools import pairwise

import pytest
from aviary_fillsim import Engine, Event, Fill, Liquidity, Side

from .conftest import MS, MakeBook, MakeEngine, Send

START = ([("99.9", "5")], [("100.1", "5")])


@pytest.fixture
def engine(make_engine: MakeEngine, make_book: MakeBook) -> Engine:
    engine = make_engine()
    engine.on_book(make_book(*START), 0)
    return engine


def fills(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(e.order_id, str(e.price), str(e.quantity)) for e in events if isinstance(e, Fill)]


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([("99.9", "5")], [("100.1", "5")], []),
        ([("99.7", "5")], [("99.9", "5")], []),
        ([("99.6", "5")], [("99.8", "5")], [("a", "99.8", "1.00")]),
        ([("99.4", "5")], [("99.5", "5")], [("a", "99.8", "1.00")]),
        ([("99.4", "5")], [("99.5", "0.25")], [("a", "99.8", "0.25")]),
        ([("99.4", "5")], [("99.5", "0.25"), ("99.8", "0.5"), ("99.9", "9")], [("a", "99.8", "0.75")]),
        ([], [("99.8", "5")], [("a", "99.8", "1.00")]),
        ([("99.4", "5")], [], []),
    ],
)
def test_resting_buy_fills_at_its_own_price_when_the_asks_come_to_it(
    engine: Engine,
    send: Send,
    make_book: MakeBook,
    bids: list[tuple[str, str]],
    asks: list[tuple[str, str]],
    expected: list[tuple[str, str, str]],
) -> None:
    send(engine, "Buy", "1", "99.8")
    assert fills(engine.on_book(make_book(bids, asks), 1)) == expected


def test_resting_sell_fills_when_the_bids_come_to_it(engine: Engine, send: Send, make_book: MakeBook) -> None:
    send(engine, "Sell", "1", "100.3")
    assert engine.on_book(make_book([("100.2", "5")], [("100.4", "5")]), 1) == []
    (fill,) = engine.on_book(make_book([("100.5", "5")], [("100.6", "5")]), 2)
    assert isinstance(fill, Fill)
    assert (fill.price, fill.liquidity) == (Decimal("100.3"), Liquidity.MAKER)


def test_best_price_goes_first_then_first_come_first_served(engine: Engine, send: Send, make_book: MakeBook) -> None:
    for order_id, price in (("late", "99.7"), ("first", "99.8"), ("second", "99.8"), ("best", "99.9")):
        send(engine, "Buy", "1", price, order_id=order_id)
    events = engine.on_book(make_book([("99.0", "5")], [("99.5", "2.5")]), 1)
    assert fills(events) == [("best", "99.9", "1.00"), ("first", "99.8", "1.00"), ("second", "99.8", "0.50")]


@pytest.mark.parametrize(
    ("price", "quantity", "taker", "expected"),
    [
        ("99.8", "0.3", Side.SELL, [("a", "99.8", "0.30")]),
        ("99.5", "7", Side.SELL, [("a", "99.8", "1.00")]),
        ("99.9", "7", Side.SELL, []),
        ("99.8", "7", Side.BUY, []),
        ("99.8", "0.009", Side.SELL, []),
        ("NaN", "1", Side.SELL, []),
        ("99.8", "-1", Side.SELL, []),
        ("0", "1", Side.SELL, []),
    ],
)
def test_a_public_trade_fills_resting_orders_of_the_other_side(
    engine: Engine, send: Send, price: str, quantity: str, taker: Side, expected: list[tuple[str, str, str]]
) -> None:
    send(engine, "Buy", "1", "99.8")
    assert fills(engine.on_trade(Decimal(price), Decimal(quantity), taker, 1)) == expected


def test_orders_share_the_quantity_of_one_trade(engine: Engine, send: Send) -> None:
    send(engine, "Buy", "1", "99.8", order_id="a")
    send(engine, "Buy", "1", "99.8", order_id="b")
    events = engine.on_trade(Decimal("99.7"), Decimal("1.2"), Side.SELL, 1)
    assert fills(events) == [("a", "99.8", "1.00"), ("b", "99.8", "0.20")]


def test_participation_bounds_the_share_of_a_level_at_the_price(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(queue_participation_bps=1_000)
    engine.on_book(make_book(*START), 0)
    send(engine, "Buy", "100", "99.8")
    filled = Decimal(0)
    for step in range(1, 200):
        for event in engine.on_book(make_book([("99.7", "5")], [("99.8", "50")]), step):
            assert isinstance(event, Fill)
            filled += event.quantity
    # A tenth of 50, moved by up to a fifth: however often the same level is shown, it is the same liquidity.
    assert Decimal(4) <= filled <= Decimal(6)


def test_a_market_beyond_the_price_passed_the_whole_queue(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(queue_participation_bps=1, partial_min_bps=1, partial_max_bps=1)
    engine.on_book(make_book(*START), 0)
    send(engine, "Buy", "3", "99.8")
    assert fills(engine.on_book(make_book([("99.0", "5")], [("99.7", "5")]), 1)) == [("a", "99.8", "3.00")]


def test_partial_fills_take_a_bounded_part_of_the_order_and_finish_it(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(partial_min_bps=2_000, partial_max_bps=5_000)
    engine.on_book(make_book(*START), 0)
    send(engine, "Buy", "10", "99.8")
    parts = []
    for step in range(1, 10):
        parts += [
            f.quantity for f in engine.on_trade(Decimal("99.8"), Decimal(500), Side.SELL, step) if isinstance(f, Fill)
        ]
    assert sum(parts) == 10
    assert all(Decimal(2) <= part <= Decimal(5) for part in parts[:-1])
    assert 2 <= len(parts) <= 5


def test_maker_fills_of_one_order_keep_the_latency_between_them(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(latency_ms=150, partial_min_bps=1_000, partial_max_bps=1_000)
    engine.on_book(make_book(*START), 0)
    send(engine, "Buy", "10", "99.8")
    times = []
    for now_ms in range(150, 1_000, 10):
        times += [e.time_ns for e in engine.on_trade(Decimal("99.8"), Decimal(9), Side.SELL, now_ms * MS)]
    assert len(times) > 3
    assert all(later - earlier >= 150 * MS for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("99.8", "5")], [("99.7", "5")]),
        ([("99.7", "5")], [("99.7", "5")]),
        ([("99.0", "5")], [("99.7", "5"), ("99.6", "5")]),
        ([("99.0", "5")], [("99.7", "0")]),
        ([("99.0", "5")], [("99.7", "NaN")]),
        ([("99.0", "5")], [("NaN", "5")]),
        ([("99.0", "5")], [("-1", "5")]),
    ],
)
def test_nothing_fills_against_a_book_that_no_market_can_show(
    engine: Engine, send: Send, make_book: MakeBook, bids: list[tuple[str, str]], asks: list[tuple[str, str]]
) -> None:
    send(engine, "Buy", "1", "99.8")
    assert engine.on_book(make_book(bids, asks), 1) == []
    assert fills(engine.on_book(make_book([("99.0", "5")], [("99.7", "5")]), 2)) == [("a", "99.8", "1.00")]
