"""What happens to orders: the engine's only output."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from aviary_fillsim.orders import Side


class Liquidity(StrEnum):
    """Whether a fill gave liquidity (MAKER) or took it (TAKER)."""

    MAKER = "Maker"
    TAKER = "Taker"


class RejectReason(StrEnum):
    """Why an order never became part of the market."""

    DUPLICATE_ID = "DuplicateId"
    BAD_QUANTITY = "BadQuantity"
    BAD_PRICE = "BadPrice"
    WOULD_TAKE = "WouldTake"
    NO_BOOK = "NoBook"


class CancelReason(StrEnum):
    """Why an order that was in the market left it unfilled or partly filled."""

    REQUESTED = "Requested"
    NOTHING_LEFT_TO_TAKE = "NothingLeftToTake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The order did not enter the market. `message` says what was wrong with which value."""

    order_id: str
    reason: RejectReason
    message: str
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The order reached the market. Fills of the part that takes follow at the same time."""

    order_id: str
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A trade of one order.

    `fee_quote` and `fee_base` say the same fee in the quote asset and in the base asset, exactly; which of the two a
    venue takes is the venue's rule (spot venues commonly take the base asset from buyers and the quote asset from
    sellers, perpetual venues always the quote asset). Negative is a rebate. `trade_id` counts from 1 within an engine.
    """

    order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    remaining: Decimal
    fee_bps: Decimal
    fee_quote: Decimal
    fee_base: Decimal
    liquidity: Liquidity
    trade_id: int
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The order left the market with `remaining` unfilled."""

    order_id: str
    remaining: Decimal
    reason: CancelReason
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRefused:
    """A cancel arrived for an order that is not in the market: finished before, or never known."""

    order_id: str
    time_ns: int


type Event = Opened | Rejected | Fill | Cancelled | CancelRefused
