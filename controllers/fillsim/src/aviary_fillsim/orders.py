"""What a caller sends to the engine, and what it may ask about it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def opposite(self) -> "Side":
        """The side that such an order trades against."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    """How an order may trade.

    LIMIT takes what is shown at its price or better and rests with the remainder. MARKET takes what is shown and
    gives up the remainder. MAKER_ONLY rests, and is rejected when it would take.
    """

    LIMIT = "Limit"
    MARKET = "Market"
    MAKER_ONLY = "MakerOnly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as its owner states it. `quantity` is in the base asset; `price` is None for MARKET and only then."""

    order_id: str
    side: Side
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order is well-formed and on its way; it reaches the market at `due_ns`."""

    order_id: str
    due_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """An order that is not finished: on its way (`is_open` False) or resting in the market (`is_open` True)."""

    order: Order
    is_open: bool
    filled: Decimal
    remaining: Decimal
