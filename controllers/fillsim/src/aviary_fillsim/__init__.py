"""Deterministic, seeded matching of orders against a public order book.

One engine, three users: the paper connector, the simulated venue and backtests. It is pure Python without
dependencies, does no I/O, reads no clock and keeps no thread: time is an argument, so that the same inputs give the
same fills on every machine (requirement rows R-105 to R-112).
"""

from aviary_fillsim.book import Book, Level
from aviary_fillsim.config import SimConfig
from aviary_fillsim.engine import Engine
from aviary_fillsim.events import (
    Cancelled,
    CancelReason,
    CancelRefused,
    Event,
    Fill,
    Liquidity,
    Opened,
    Rejected,
    RejectReason,
)
from aviary_fillsim.orders import Accepted, Order, OrderKind, OrderState, Side

__all__ = [
    "Accepted",
    "Book",
    "CancelReason",
    "CancelRefused",
    "Cancelled",
    "Engine",
    "Event",
    "Fill",
    "Level",
    "Liquidity",
    "Opened",
    "Order",
    "OrderKind",
    "OrderState",
    "RejectReason",
    "Rejected",
    "Side",
    "SimConfig",
]
