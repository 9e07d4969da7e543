"""Builders shared by the tests: a market in steps of 1, orders and books in few words."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from aviary_fillsim import Book, Engine, Event, Order, OrderKind, Side, SimConfig

MS = 1_000_000

type MakeEngine = Callable[..., Engine]
type MakeBook = Callable[[Sequence[tuple[str, str]], Sequence[tuple[str, str]]], Book]
type Send = Callable[..., list[Event]]


@pytest.fixture
def make_engine() -> MakeEngine:
    """Build an engine without latency, queue or partial fills; keyword arguments override."""

    def build(**overrides: object) -> Engine:
        defaults: dict[str, object] = {
            "tick_size": Decimal("0.1"),
            "lot_size": Decimal("0.01"),
            "maker_fee_bps": Decimal(2),
            "taker_fee_bps": Decimal(6),
            "latency_ms": 0,
            "queue_participation_bps": 10_000,
            "partial_min_bps": 10_000,
            "partial_max_bps": 10_000,
        }
        return Engine(SimConfig(**(defaults | overrides)))  # type: ignore[arg-type]  # names are checked by SimConfig

    return build


@pytest.fixture
def make_book() -> MakeBook:
    """Build a book from texts."""

    def build(bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> Book:
        return Book(
            bids=[(Decimal(price), Decimal(quantity)) for price, quantity in bids],
            asks=[(Decimal(price), Decimal(quantity)) for price, quantity in asks],
        )

    return build


@pytest.fixture
def send() -> Send:
    """Submit an order and let it arrive; returns what happened."""

    def submit(
        engine: Engine,
        side: str,
        quantity: str,
        price: str | None = None,
        *,
        kind: OrderKind | None = None,
        order_id: str = "a",
        now_ns: int = 0,
    ) -> list[Event]:
        order = Order(
            order_id=order_id,
            side=Side(side),
            kind=kind or (OrderKind.MARKET if price is None else OrderKind.LIMIT),
            quantity=Decimal(quantity),
            price=None if price is None else Decimal(price),
        )
        answer = engine.submit(order, now_ns)
        return [answer] if not hasattr(answer, "due_ns") else engine.advance(answer.due_ns)

    return submit
