"""Whether the exchange takes an order, and what taking it ties up. Decides, changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from aviary_fillsim import OrderKind, Side

from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import Product
from aviary_services.sim_venue.exchange.orders import (
    ZERO,
    OrderRequest,
    PositionEffect,
    Refusal,
    RefusalReason,
)
from aviary_services.sim_venue.exchange.positions import PositionMode

MAX_OPEN_ORDERS = 200
"""Open orders of one account in one market, as the real venue has it."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What an order will hold: `quantity` in the base asset, money frozen (spot), margin terms (perpetual)."""

    quantity: Decimal
    frozen_asset: str = ""
    frozen: Decimal = ZERO
    leverage: int = 1
    opening_quantity: Decimal = ZERO


def admit(
    live: LiveMarket,
    account: Account,
    request: OrderRequest,
    *,
    available_margin: Callable[[], Decimal],
    now_ns: int,
) -> Admission:
    """Return the terms on which the order is taken, or raise Refusal."""
    if not live.is_open:
        raise Refusal(RefusalReason.MARKET_CLOSED, f"{live.market.symbol} has no prices yet")
    if request.client_id and account.order(client_id=request.client_id) is not None:
        raise Refusal(RefusalReason.DUPLICATE_CLIENT_ID, f"client id {request.client_id} was used before")
    if len(account.open_orders(request.market_id)) >= MAX_OPEN_ORDERS:
        raise Refusal(RefusalReason.TOO_MANY_ORDERS, f"{MAX_OPEN_ORDERS} orders are open in {live.market.symbol}")
    _check_price(live, request)
    quantity = _quantity(live, request, now_ns)
    reference = request.price if request.price is not None else _touch_price(live, request.side)
    _check_notional(live, request, quantity, reference)
    if live.market.product is Product.SPOT:
        return _admit_spot(live, request, quantity)
    return _admit_perpetual(
        live, account, request, quantity=quantity, reference=reference, available_margin=available_margin
    )


def _check_price(live: LiveMarket, request: OrderRequest) -> None:
    price = request.price
    if request.kind is OrderKind.MARKET:
        return
    if price is None or not price.is_finite() or price <= 0 or not live.ticks.fits(price):
        raise Refusal(RefusalReason.BAD_PRICE, f"{price} is not a price in steps of {live.market.tick_size}")


def _quantity(live: LiveMarket, request: OrderRequest, now_ns: int) -> Decimal:
    stated = request.quantity if request.quote_amount is None else request.quote_amount
    if stated is None or not stated.is_finite() or stated <= 0:
        raise Refusal(RefusalReason.BAD_QUANTITY, f"{stated} is not a quantity")
    if request.quote_amount is not None:
        affordable = live.engine.affordable(stated, now_ns)
        if not affordable:
            raise Refusal(RefusalReason.BAD_QUANTITY, f"{stated} does not buy one lot of {live.market.lot_size}")
        return affordable
    if not live.lots.fits(stated):
        raise Refusal(RefusalReason.BAD_QUANTITY, f"{stated} is not in steps of {live.market.lot_size}")
    return stated


def _touch_price(live: LiveMarket, side: Side) -> Decimal:
    best = live.ladder.asks[0] if side is Side.BUY else live.ladder.bids[0]
    return live.ticks.value(best[0])


def _check_notional(live: LiveMarket, request: OrderRequest, quantity: Decimal, price: Decimal) -> None:
    notional = request.quote_amount if request.quote_amount is not None else quantity * price
    # What closes a position may be small: otherwise a remainder could never be closed.
    closing = request.reduce_only or request.effect is PositionEffect.CLOSE
    if notional < live.market.min_notional and not closing:
        market = live.market
        raise Refusal(RefusalReason.BELOW_MIN_NOTIONAL, f"{notional} is below {market.min_notional} {market.quote}")


def _admit_spot(live: LiveMarket, request: OrderRequest, quantity: Decimal) -> Admission:
    market = live.market
    if request.side is Side.SELL:
        return Admission(quantity, market.base, quantity)
    if request.quote_amount is not None:
        return Admission(quantity, market.quote, request.quote_amount)
    if request.price is None:
        raise Refusal(RefusalReason.BAD_QUANTITY, "a spot market buy states the amount of the quote asset to spend")
    return Admission(quantity, market.quote, quantity * request.price)


def _admit_perpetual(
    live: LiveMarket,
    account: Account,
    request: OrderRequest,
    *,
    quantity: Decimal,
    reference: Decimal,
    available_margin: Callable[[], Decimal],
) -> Admission:
    futures, symbol = account.futures, live.market.symbol
    if (futures.mode is PositionMode.HEDGE) != (request.effect is not PositionEffect.NET):
        raise Refusal(RefusalReason.WRONG_POSITION_MODE, f"the account is in {futures.mode} mode")
    closed = futures.closes(symbol, request.side, request.effect)
    closable = futures.held(symbol, closed) if closed else ZERO
    if request.reduce_only or request.effect is PositionEffect.CLOSE:
        free = closable - _already_closing(live, account, request)
        if quantity > free:
            raise Refusal(
                RefusalReason.NO_POSITION, f"{quantity} to close, {free} of {symbol} held and not closing yet"
            )
    leverage = futures.leverage(symbol)
    opening = max(ZERO, quantity - closable)
    needed = opening * reference / leverage + quantity * reference * live.market.taker_fee_bps / 10_000
    if opening and needed > (available := available_margin()):
        raise Refusal(RefusalReason.INSUFFICIENT_FUNDS, f"{needed} USDT margin needed, {available} USDT available")
    return Admission(quantity, leverage=leverage, opening_quantity=opening)


def _already_closing(live: LiveMarket, account: Account, request: OrderRequest) -> Decimal:
    orders = account.open_orders(live.market.market_id)
    return sum(
        (
            order.remaining
            for order in orders
            if order.request.side is request.side
            and (order.request.reduce_only or order.request.effect is PositionEffect.CLOSE)
        ),
        ZERO,
    )
