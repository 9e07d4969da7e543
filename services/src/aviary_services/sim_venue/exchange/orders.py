"""Users' orders as the venue keeps them."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from aviary_fillsim import Liquidity, OrderKind, Side

from aviary_services.sim_venue.exchange.market import MarketId

ZERO = Decimal(0)


class OrderStatus(StrEnum):
    """Where an order is in its life. The last two are final."""

    LIVE = "Live"
    PARTIALLY_FILLED = "PartiallyFilled"
    FILLED = "Filled"
    CANCELLED = "Cancelled"


class PositionEffect(StrEnum):
    """What an order does to positions: NET in spot and one-way mode, OPEN or CLOSE one side in hedge mode."""

    NET = "Net"
    OPEN = "Open"
    CLOSE = "Close"


class RefusalReason(StrEnum):
    """Why the venue did not take an order or a cancel."""

    BAD_QUANTITY = "BadQuantity"
    BAD_PRICE = "BadPrice"
    BELOW_MIN_NOTIONAL = "BelowMinNotional"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    DUPLICATE_CLIENT_ID = "DuplicateClientId"
    WRONG_POSITION_MODE = "WrongPositionMode"
    NO_POSITION = "NoPosition"
    TOO_MANY_ORDERS = "TooManyOrders"
    MARKET_CLOSED = "MarketClosed"
    UNKNOWN_ORDER = "UnknownOrder"
    INJECTED = "Injected"


class Refusal(Exception):  # noqa: N818  named for what it is
    """The venue does not take an order or a cancel."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order as its owner states it.

    `quantity` is in the base asset, or None for a spot market buy, which states `quote_amount` instead. `side` is the
    side it trades in the market, whatever a protocol calls it. `immediate` takes what is shown and cancels the rest.
    """

    market_id: MarketId
    client_id: str
    side: Side
    kind: OrderKind
    quantity: Decimal | None
    quote_amount: Decimal | None = None
    price: Decimal | None = None
    immediate: bool = False
    effect: PositionEffect = PositionEffect.NET
    reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFill:
    """One trade of an order. `fee` is what was charged in `fee_asset`; `profit` is realised by closing a position."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    time_ns: int
    profit: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class UserOrder:
    """An accepted order. `quantity` is its size in the base asset; `reserved` is what it still holds frozen (spot)."""

    order_id: str
    account: str
    request: OrderRequest
    quantity: Decimal
    created_ns: int
    updated_ns: int
    leverage: int = 1
    opening_quantity: Decimal = ZERO
    reserved: Decimal = ZERO
    status: OrderStatus = OrderStatus.LIVE
    filled: Decimal = ZERO
    filled_quote: Decimal = ZERO
    fills: list[OrderFill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in {OrderStatus.LIVE, OrderStatus.PARTIALLY_FILLED}

    @property
    def remaining(self) -> Decimal:
        """What is not filled, in the base asset."""
        return self.quantity - self.filled

    @property
    def average_price(self) -> Decimal | None:
        """The mean price of its fills, to twelve decimals, or None without any."""
        return (self.filled_quote / self.filled).quantize(Decimal("1E-12")) if self.filled else None

    @property
    def fees(self) -> Decimal:
        """All fees charged so far, in the fee asset."""
        return sum((fill.fee for fill in self.fills), ZERO)
