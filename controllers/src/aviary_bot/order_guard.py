"""The order guard's decision: whether an order may go out.

Pure: what is known about the account comes as arguments, nothing is read and nothing is remembered here. The same
checks run in every mode, so that paper meets the refusals that live would meet. Whatever is not known counts as "no".
Rules: the envelope of `spec.safety` (requirement rows R-074, R-076 and the design's layer 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from aviary_crds.botconfig import OrderLimits
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode

from aviary_bot.base_share import BaseMove, SpotHoldings, decide_base_share

ENFORCED: Final = (
    "maxOrderNotionalQuote",
    "maxNotionalQuote",
    "maxLeverage",
    "maxDailyLossBps",
    "maxDrawdownBps",
    "maxDailyTurnoverBps",
    "maxCancelsPerMinute",
    "minBaseShareBps",
    "maxBaseShareBps",
)
"""Fields of `spec.safety` that the guard enforces: on each order here, the others in `standing_guard`."""


class RefusalCode(StrEnum):
    """Why an order was refused; also the label of the refusal counter."""

    MODE_NO_TRADE = "ModeNoTrade"
    PAUSED = "Paused"
    KILLED = "Killed"
    INVALID_ORDER = "InvalidOrder"
    PAIR_NOT_ALLOWED = "PairNotAllowed"
    LEVERAGE = "Leverage"
    ORDER_NOTIONAL = "OrderNotional"
    TOTAL_NOTIONAL = "TotalNotional"
    BASE_SHARE = "BaseShare"


type Direction = Literal["Buy", "Sell"]
type Slot = Literal["Net", "Long", "Short"]
"""Which position an order works on: one per pair (spot, one-way), or one of two in hedge mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order as a strategy wants it. `price` is what its notional is counted with, see `valued_at`."""

    trading_pair: str
    direction: Direction
    quantity: Decimal
    price: Decimal | None
    slot: Slot = "Net"
    leverage: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An order that is out, or on its way: what of it may still fill."""

    trading_pair: str
    direction: Direction
    remaining: Decimal
    price: Decimal | None
    slot: Slot = "Net"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPosition:
    """A position: signed base quantity, below zero when short."""

    trading_pair: str
    quantity: Decimal
    slot: Slot = "Net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """All that an order is weighed against: positions, resting orders, and the prices that value them.

    `holdings` is what a spot account holds; None on perpetual contracts, which have no base share.
    """

    holdings: SpotHoldings | None
    positions: tuple[HeldPosition, ...] = ()
    resting: tuple[RestingOrder, ...] = ()
    mid_prices: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """The order must not go out. `message` says what was asked and what the limit is."""

    code: RefusalCode
    message: str


def valued_at(direction: Direction, *, limit: Decimal | None, market: Decimal | None) -> Decimal | None:
    """Return the price an order is valued at, or None when the market's is unknown: then no order goes out.

    Args:
        direction: which way it trades.
        limit: its limit price; None for a market order.
        market: the best price it could trade at now.

    A sell far below the market trades at the market: valued at its own limit it would look small.
    """
    if market is None or _known(market) is None:
        return None
    if limit is None:
        return market
    return limit if direction == "Buy" or _known(limit) is None else max(limit, market)


def decide_order(
    request: OrderRequest, *, mode: Mode, state: GuardState, limits: OrderLimits, exposure: Exposure
) -> Refused | None:
    """Return why the order is refused, or None when it may go out.

    An order that only reduces a position passes the total: it must always be possible to get out. It does not pass
    the other checks.
    """
    return (
        _refuse_state(mode, state)
        or _refuse_shape(request)
        or _refuse_pair(request, limits)
        or _refuse_leverage(request, limits)
        or _refuse_order_notional(request, limits)
        or _refuse_total(request, limits, exposure)
        or _refuse_base_share(request, limits, exposure)
    )


def is_reducing(request: OrderRequest, exposure: Exposure) -> bool:
    """Whether the order, with those already resting in its direction, can only make its position smaller."""
    held = sum(
        (
            position.quantity
            for position in exposure.positions
            if position.trading_pair == request.trading_pair and position.slot == request.slot
        ),
        Decimal(0),
    )
    against = request.direction == "Sell" if held > 0 else request.direction == "Buy"
    if held == 0 or not against:
        return False
    already = sum(
        (
            order.remaining
            for order in exposure.resting
            if order.trading_pair == request.trading_pair
            and order.direction == request.direction
            and order.slot == request.slot
        ),
        Decimal(0),
    )
    return already + request.quantity <= abs(held)


def total_notional(exposure: Exposure) -> Decimal | None:
    """Return the notional of positions and resting orders together; None when a price for any of it is unknown."""
    total = Decimal(0)
    for position in exposure.positions:
        price = _known(exposure.mid_prices.get(position.trading_pair))
        if price is None and position.quantity != 0:
            return None
        total += abs(position.quantity) * (price or Decimal(0))
    for order in exposure.resting:
        price = _known(order.price) or _known(exposure.mid_prices.get(order.trading_pair))
        if price is None:
            return None
        total += order.remaining * price
    return total


def _refuse_state(mode: Mode, state: GuardState) -> Refused | None:
    if mode in {Mode.NO_TRADE, Mode.DISABLED}:
        return Refused(RefusalCode.MODE_NO_TRADE, f"mode {mode} places no orders")
    if state == "HardStopped":
        return Refused(RefusalCode.KILLED, "the bot was killed; orders stay refused until the latch is taken off")
    if state == "SoftPaused":
        return Refused(RefusalCode.PAUSED, "the bot is paused; resume it to let orders out")
    return None


def _refuse_shape(request: OrderRequest) -> Refused | None:
    if _known(request.quantity) is None:
        return Refused(RefusalCode.INVALID_ORDER, f"quantity must be a number above 0, got {request.quantity}")
    if _known(request.price) is None:
        return Refused(
            RefusalCode.INVALID_ORDER,
            f"no price is known for {request.trading_pair} (got {request.price}), so its notional is unknown",
        )
    return None


def _refuse_pair(request: OrderRequest, limits: OrderLimits) -> Refused | None:
    if request.trading_pair in limits.allowed_pairs:
        return None
    allowed = ", ".join(limits.allowed_pairs)
    return Refused(RefusalCode.PAIR_NOT_ALLOWED, f"{request.trading_pair} is not among the allowed pairs: {allowed}")


def _refuse_leverage(request: OrderRequest, limits: OrderLimits) -> Refused | None:
    if request.leverage <= limits.max_leverage:
        return None
    message = f"leverage {request.leverage} of {request.trading_pair} is above maxLeverage {limits.max_leverage}"
    return Refused(RefusalCode.LEVERAGE, message)


def _refuse_order_notional(request: OrderRequest, limits: OrderLimits) -> Refused | None:
    notional = _notional(request)
    if notional <= limits.max_order_notional_quote:
        return None
    return Refused(
        RefusalCode.ORDER_NOTIONAL,
        f"order of {notional:.2f} is above maxOrderNotionalQuote {limits.max_order_notional_quote}",
    )


def _refuse_total(request: OrderRequest, limits: OrderLimits, exposure: Exposure) -> Refused | None:
    if is_reducing(request, exposure):
        return None
    standing = total_notional(exposure)
    if standing is None:
        return Refused(RefusalCode.INVALID_ORDER, "the exposure is unknown: a position or order has no price")
    total = standing + _notional(request)
    if total <= limits.max_notional_quote:
        return None
    return Refused(
        RefusalCode.TOTAL_NOTIONAL,
        f"order of {_notional(request):.2f} with {standing:.2f} standing is above "
        f"maxNotionalQuote {limits.max_notional_quote}",
    )


def _refuse_base_share(request: OrderRequest, limits: OrderLimits, exposure: Exposure) -> Refused | None:
    if exposure.holdings is None:
        return None
    move = _move_of_side(request, exposure)
    if move is None:
        return Refused(RefusalCode.BASE_SHARE, "the base share is unknown: the order or a resting one has no mid price")
    fault = decide_base_share(
        exposure.holdings,
        exposure.mid_prices,
        move,
        lowest=limits.min_base_share_bps,
        highest=limits.max_base_share_bps,
    )
    return None if fault is None else Refused(RefusalCode.BASE_SHARE, fault)


def _move_of_side(request: OrderRequest, exposure: Exposure) -> BaseMove | None:
    """Return what the order and all resting ones of its side move at most; None when a mid price is unknown."""
    orders = [(request.trading_pair, request.quantity, request.price)]
    orders += [
        (order.trading_pair, order.remaining, order.price)
        for order in exposure.resting
        if order.direction == request.direction
    ]
    move = BaseMove()
    for pair, quantity, limit in orders:
        mid = _known(exposure.mid_prices.get(pair))
        if mid is None:
            return None
        price = max(mid, _known(limit) or mid)
        move += BaseMove.buy(quantity, price) if request.direction == "Buy" else BaseMove.sell(quantity, price, mid)
    return move


def _notional(request: OrderRequest) -> Decimal:
    price = _known(request.price)
    if price is None:
        raise ValueError("the notional of an order without a price was asked for; check its shape first")
    return price * request.quantity


def _known(value: Decimal | None) -> Decimal | None:
    """Return the value when it is a finite number above zero, else None."""
    return value if value is not None and value.is_finite() and value > 0 else None
