"""What happens between an owner and the market: latency, cancels, rejections, lost feeds, clocks."""

from decimal import Decimal

import pytest
from aviary_fillsim import (
    Accepted,
    Cancelled,
    CancelReason,
    CancelRefused,
    Engine,
    Fill,
    Opened,
    Order,
    OrderKind,
    Rejected,
    RejectReason,
    Side,
)

from .conftest import MS, MakeBook, MakeEngine, Send

BOOK = ([("99.9", "5")], [("100.1", "5")])


@pytest.fixture
def engine(make_engine: MakeEngine, make_book: MakeBook) -> Engine:
    engine = make_engine(latency_ms=150)
    engine.on_book(make_book(*BOOK), 0)
    return engine


def buy(price: str | None = None, quantity: str = "1", order_id: str = "a") -> Order:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    limit = None if price is None else Decimal(price)
    return Order(order_id=order_id, side=Side.BUY, kind=kind, quantity=Decimal(quantity), price=limit)


def test_an_order_reaches_the_market_one_latency_after_it_was_sent(engine: Engine) -> None:
    assert engine.submit(buy(), 10) == Accepted("a", 10 + 150 * MS)
    assert engine.advance(9 + 150 * MS) == []
    opened, fill = engine.advance(10 + 150 * MS)
    assert isinstance(opened, Opened)
    assert isinstance(fill, Fill)
    assert fill.time_ns == 10 + 150 * MS


def test_an_order_meets_the_book_that_stands_when_it_arrives(engine: Engine, make_book: MakeBook) -> None:
    engine.submit(buy(), 0)
    engine.on_book(make_book([("104.9", "5")], [("105.1", "5")]), 100 * MS)
    events = engine.on_book(make_book([("109.9", "5")], [("110.1", "5")]), 200 * MS)
    assert [str(e.price) for e in events if isinstance(e, Fill)] == ["105.1"]


def test_an_order_on_its_way_is_known_but_not_open(engine: Engine) -> None:
    engine.submit(buy("99"), 0)
    state = engine.order("a")
    assert state is not None
    assert not state.is_open
    assert engine.open_orders() == []
    engine.advance(150 * MS)
    assert [state.order.order_id for state in engine.open_orders()] == ["a"]


def test_an_order_may_fill_while_its_cancel_is_on_the_way(engine: Engine, make_book: MakeBook) -> None:
    engine.submit(buy("99"), 0)
    engine.advance(200 * MS)
    assert engine.cancel("a", 200 * MS) == 350 * MS
    events = engine.on_book(make_book([("98", "5")], [("98.5", "5")]), 300 * MS)
    assert [type(e) for e in events] == [Fill]
    assert engine.advance(350 * MS) == [CancelRefused(order_id="a", time_ns=350 * MS)]


def test_a_cancel_sent_after_an_order_arrives_after_it(engine: Engine) -> None:
    engine.submit(buy("99"), 0)
    engine.cancel("a", 0)
    opened, cancelled = engine.advance(150 * MS)
    assert opened == Opened(order_id="a", time_ns=150 * MS)
    assert cancelled == Cancelled(order_id="a", remaining=Decimal(1), reason=CancelReason.REQUESTED, time_ns=150 * MS)


def test_a_cancel_of_an_unknown_order_is_refused(engine: Engine) -> None:
    engine.cancel("ghost", 0)
    assert engine.advance(150 * MS) == [CancelRefused(order_id="ghost", time_ns=150 * MS)]


@pytest.mark.parametrize(
    ("order", "reason", "named"),
    [
        (buy("99", "0"), RejectReason.BAD_QUANTITY, "0"),
        (buy("99", "-1"), RejectReason.BAD_QUANTITY, "-1"),
        (buy("99", "0.005"), RejectReason.BAD_QUANTITY, "0.01"),
        (buy("99", "NaN"), RejectReason.BAD_QUANTITY, "NaN"),
        (buy("99", "Infinity"), RejectReason.BAD_QUANTITY, "Infinity"),
        (buy("99.05"), RejectReason.BAD_PRICE, "0.1"),
        (buy("-99"), RejectReason.BAD_PRICE, "-99"),
        (buy("NaN"), RejectReason.BAD_PRICE, "NaN"),
        (
            Order(order_id="a", side=Side.BUY, kind=OrderKind.LIMIT, quantity=Decimal(1)),
            RejectReason.BAD_PRICE,
            "None",
        ),
        (
            Order(order_id="a", side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal(1), price=Decimal(99)),
            RejectReason.BAD_PRICE,
            "99",
        ),
    ],
)
def test_a_malformed_order_is_rejected_at_once_and_told_why(
    engine: Engine, order: Order, reason: RejectReason, named: str
) -> None:
    answer = engine.submit(order, 5)
    assert isinstance(answer, Rejected)
    assert answer.reason is reason
    assert named in answer.message
    assert engine.order("a") is None


@pytest.mark.parametrize("arrived", [True, False])
def test_an_order_id_in_use_is_rejected(engine: Engine, *, arrived: bool) -> None:
    engine.submit(buy("99"), 0)
    if arrived:
        engine.advance(150 * MS)
    answer = engine.submit(buy("98"), 200 * MS)
    assert isinstance(answer, Rejected)
    assert answer.reason is RejectReason.DUPLICATE_ID


@pytest.mark.parametrize("order", [buy(), buy("99")])
def test_no_order_enters_a_market_that_was_never_seen(make_engine: MakeEngine, order: Order) -> None:
    engine = make_engine()
    engine.submit(order, 0)
    (event,) = engine.advance(0)
    assert isinstance(event, Rejected)
    assert event.reason is RejectReason.NO_BOOK


def test_a_lost_feed_rejects_new_orders_and_fills_nothing_until_the_next_book(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine()
    engine.on_book(make_book(*BOOK), 0)
    send(engine, "Buy", "1", "99", order_id="before")
    engine.forget_book()
    (event,) = send(engine, "Buy", "1", "99", order_id="during")
    assert isinstance(event, Rejected)
    engine.on_book(make_book(*BOOK), 1)
    assert [type(e) for e in send(engine, "Buy", "1", "99", order_id="after", now_ns=1)] == [Opened]
    assert [state.order.order_id for state in engine.open_orders()] == ["before", "after"]


def test_a_crossed_book_takes_no_orders(make_engine: MakeEngine, make_book: MakeBook, send: Send) -> None:
    engine = make_engine()
    engine.on_book(make_book([("100", "1")], [("99", "1")]), 0)
    (event,) = send(engine, "Buy", "1")
    assert isinstance(event, Rejected)
    assert event.reason is RejectReason.NO_BOOK


def test_a_clock_set_back_does_not_reorder_the_past(engine: Engine, make_book: MakeBook) -> None:
    engine.on_book(make_book(*BOOK), 500 * MS)
    assert engine.submit(buy(), 100 * MS) == Accepted("a", 650 * MS)
    assert engine.advance(200 * MS) == []
    assert len(engine.advance(650 * MS)) == 2
