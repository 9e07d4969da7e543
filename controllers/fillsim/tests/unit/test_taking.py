"""Orders that take what is shown."""

from decimal import Decimal

import pytest
from aviary_fillsim import Cancelled, CancelReason, Engine, Fill, Liquidity, Opened, OrderKind, Rejected, RejectReason

from .conftest import MakeBook, MakeEngine, Send

BIDS = [("99.9", "1"), ("99.8", "2"), ("99.7", "3")]
ASKS = [("100.1", "1"), ("100.2", "2"), ("100.3", "3")]


@pytest.fixture
def engine(make_engine: MakeEngine, make_book: MakeBook) -> Engine:
    engine = make_engine()
    assert engine.on_book(make_book(BIDS, ASKS), 0) == []
    return engine


def trades(events: list[object]) -> list[tuple[str, str]]:
    return [(str(e.price), str(e.quantity)) for e in events if isinstance(e, Fill)]


@pytest.mark.parametrize(
    ("side", "quantity", "price", "expected"),
    [
        ("Buy", "0.5", None, [("100.1", "0.50")]),
        ("Buy", "2.5", None, [("100.1", "1.00"), ("100.2", "1.50")]),
        ("Sell", "6", None, [("99.9", "1.00"), ("99.8", "2.00"), ("99.7", "3.00")]),
        ("Buy", "2", "100.1", [("100.1", "1.00")]),
        ("Buy", "2", "100.2", [("100.1", "1.00"), ("100.2", "1.00")]),
        ("Sell", "9", "99.8", [("99.9", "1.00"), ("99.8", "2.00")]),
        ("Buy", "1", "100.0", []),
        ("Sell", "1", "100.0", []),
    ],
)
def test_taker_walks_the_levels_up_to_its_limit(
    engine: Engine, send: Send, side: str, quantity: str, price: str | None, expected: list[tuple[str, str]]
) -> None:
    assert trades(list(send(engine, side, quantity, price))) == expected


def test_market_order_gives_up_what_the_book_does_not_show(engine: Engine, send: Send) -> None:
    events = send(engine, "Buy", "10")
    assert events[-1] == Cancelled(
        order_id="a", remaining=Decimal("4.00"), reason=CancelReason.NOTHING_LEFT_TO_TAKE, time_ns=0
    )
    assert engine.order("a") is None


def test_limit_order_rests_with_what_it_could_not_take(engine: Engine, send: Send) -> None:
    send(engine, "Buy", "2.5", "100.1")
    state = engine.order("a")
    assert state is not None
    assert (state.is_open, state.filled, state.remaining) == (True, Decimal("1.00"), Decimal("1.50"))


def test_opened_comes_before_the_fills_of_an_order(engine: Engine, send: Send) -> None:
    events = send(engine, "Buy", "1")
    assert isinstance(events[0], Opened)
    assert isinstance(events[1], Fill)
    assert events[1].liquidity is Liquidity.TAKER


@pytest.mark.parametrize(("side", "price"), [("Buy", "100.1"), ("Buy", "105"), ("Sell", "99.9"), ("Sell", "50")])
def test_maker_only_is_rejected_when_it_would_take(engine: Engine, send: Send, side: str, price: str) -> None:
    events = send(engine, side, "1", price, kind=OrderKind.MAKER_ONLY)
    assert len(events) == 1
    assert isinstance(events[0], Rejected)
    assert events[0].reason is RejectReason.WOULD_TAKE
    assert price in events[0].message


@pytest.mark.parametrize(("side", "price"), [("Buy", "100.0"), ("Sell", "100.0"), ("Buy", "99.9")])
def test_maker_only_rests_when_it_does_not_take(engine: Engine, send: Send, side: str, price: str) -> None:
    assert [type(e) for e in send(engine, side, "1", price, kind=OrderKind.MAKER_ONLY)] == [Opened]


def test_two_takers_share_one_book(engine: Engine, send: Send) -> None:
    assert trades(list(send(engine, "Buy", "1", order_id="a"))) == [("100.1", "1.00")]
    assert trades(list(send(engine, "Buy", "1", order_id="b"))) == [("100.2", "1.00")]


def test_a_public_level_stays_taken_while_it_stands_and_its_growth_is_new(
    engine: Engine, send: Send, make_book: MakeBook
) -> None:
    send(engine, "Buy", "1", order_id="a")
    engine.on_book(make_book(BIDS, ASKS), 1)
    assert trades(list(send(engine, "Buy", "1", "100.1", order_id="b", now_ns=1))) == []
    engine.cancel("b", 1)
    engine.on_book(make_book(BIDS, [("100.1", "1.5"), ("100.2", "2")]), 2)
    assert trades(list(send(engine, "Buy", "1", order_id="c", now_ns=2))) == [("100.1", "0.50"), ("100.2", "0.50")]


def test_a_level_that_left_the_book_is_new_when_it_comes_back(engine: Engine, send: Send, make_book: MakeBook) -> None:
    send(engine, "Buy", "1", order_id="a")
    engine.on_book(make_book(BIDS, ASKS[1:]), 1)
    engine.on_book(make_book(BIDS, ASKS), 2)
    assert trades(list(send(engine, "Buy", "1", order_id="b", now_ns=2))) == [("100.1", "1.00")]


def test_memory_of_a_level_out_of_sight_is_kept(engine: Engine, send: Send, make_book: MakeBook) -> None:
    send(engine, "Buy", "1", order_id="a")
    engine.on_book(make_book(BIDS[:1], [("100.0", "1")]), 1)
    engine.on_book(make_book(BIDS[:1], ASKS[:1]), 2)
    assert trades(list(send(engine, "Buy", "1", order_id="b", now_ns=2))) == []


def test_a_venue_that_shows_its_own_book_offers_every_level_anew(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(book_reflects_fills=True)
    engine.on_book(make_book(BIDS, ASKS), 0)
    send(engine, "Buy", "1", order_id="a")
    assert trades(list(send(engine, "Buy", "1", "100.1", order_id="b"))) == []
    engine.cancel("b", 0)
    engine.on_book(make_book(BIDS, ASKS), 1)
    assert trades(list(send(engine, "Buy", "1", order_id="c", now_ns=1))) == [("100.1", "1.00")]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [("100.1", "1.00"), ("50.05", "0.50"), ("100", "0.99"), ("300.5", "3.00"), ("1", "0.00"), ("1000000", "6.00")],
)
def test_affordable_is_what_a_budget_buys_from_the_book(engine: Engine, budget: str, expected: str) -> None:
    assert engine.affordable(Decimal(budget), 0) == Decimal(expected)


def test_nothing_is_affordable_without_a_book(make_engine: MakeEngine) -> None:
    assert make_engine().affordable(Decimal(1000), 0) == 0
