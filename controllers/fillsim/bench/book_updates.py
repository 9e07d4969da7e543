"""Book updates per second with 20 resting orders: `python controllers/fillsim/bench/book_updates.py`.

Prints medians of several rounds; a benchmark is not a test, so nothing here fails. Three cases: the market stays
away from every order (the common one), the same with 20 levels a side, and a market that walks through the orders.
"""

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from decimal import Decimal

from aviary_fillsim import Book, Engine, Order, OrderKind, Side, SimConfig

ROUNDS = 7
UPDATES = 100_000
RESTING = 20
CONFIG = SimConfig(
    tick_size=Decimal("0.01"), lot_size=Decimal("0.0001"), maker_fee_bps=Decimal(10), taker_fee_bps=Decimal(10)
)
MID = Decimal(60_000)
TICK = Decimal("0.01")


def book_at(mid: Decimal, levels: int) -> Book:
    size = Decimal("0.5")
    return Book(
        bids=[(mid - TICK * (50 + i), size) for i in range(levels)],
        asks=[(mid + TICK * (50 + i), size) for i in range(levels)],
    )


def engine_with_orders(offset: Decimal) -> Engine:
    engine = Engine(CONFIG)
    engine.on_book(book_at(MID, 1), 0)
    for i in range(RESTING):
        side = Side.BUY if i % 2 else Side.SELL
        price = MID + (offset + i) * (-1 if side is Side.BUY else 1)
        engine.submit(Order(order_id=f"o{i}", side=side, kind=OrderKind.LIMIT, quantity=Decimal(1_000), price=price), 0)
    engine.advance(CONFIG.latency_ms * 1_000_000)
    if len(engine.open_orders()) != RESTING:
        raise AssertionError("the benchmark needs its resting orders")
    return engine


def rate(offset: Decimal, books: Sequence[Book]) -> tuple[float, int]:
    engine = engine_with_orders(offset)
    on_book: Callable[[Book, int], list[object]] = engine.on_book  # type: ignore[assignment]  # only counted here
    now, fills = 1_000_000_000, 0
    started = time.perf_counter()
    for index in range(UPDATES):
        now += 1_000_000
        events = on_book(books[index % len(books)], now)
        if events:
            fills += len(events)
    return UPDATES / (time.perf_counter() - started), fills


def main() -> None:
    wave = [Decimal(abs(i - 50) - 25) for i in range(100)]
    far = Decimal(100)
    cases: list[tuple[str, Decimal, list[Book]]] = [
        ("no order touched, 1 level", far, [book_at(MID + w / 10, 1) for w in wave]),
        ("no order touched, 20 levels", far, [book_at(MID + w / 10, 20) for w in wave]),
        ("market walks through the orders, 5 levels", Decimal(5), [book_at(MID + w, 5) for w in wave]),
    ]
    cpu = platform.processor() or platform.machine()
    print(f"machine {platform.node()} ({cpu}), Python {platform.python_version()}, {RESTING} resting orders")
    print(f"{'case':<44}{'updates/s (median)':>20}{'worst':>12}{'fills':>8}")
    for name, offset, books in cases:
        results = [rate(offset, books) for _ in range(ROUNDS)]
        rates = [result[0] for result in results]
        print(f"{name:<44}{statistics.median(rates):>20,.0f}{min(rates):>12,.0f}{results[0][1]:>8}")


if __name__ == "__main__":
    main()
