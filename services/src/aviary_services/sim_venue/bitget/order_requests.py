"""Orders as clients of Bitget send them, read into the exchange's own words."""

from decimal import Decimal, InvalidOperation

from aviary_fillsim import OrderKind, Side

from aviary_services.sim_venue.bitget.envelope import wrong
from aviary_services.sim_venue.bitget.rest import RestCall
from aviary_services.sim_venue.exchange.market import MarketId, Product
from aviary_services.sim_venue.exchange.orders import OrderRequest, PositionEffect
from aviary_services.sim_venue.exchange.positions import PositionMode

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_EFFECTS = {"open": PositionEffect.OPEN, "close": PositionEffect.CLOSE}
_MAX_CLIENT_ID = 64


def spot_order_request(call: RestCall, market_id: MarketId) -> OrderRequest:
    """Read a spot order. The `size` of a market buy is in the quote asset."""
    side, kind = _side(call), _kind(call)
    size = decimal(call, "size")
    spends_quote = kind is OrderKind.MARKET and side is Side.BUY
    return OrderRequest(
        market_id=market_id,
        client_id=_client_id(call),
        side=side,
        kind=kind,
        quantity=None if spends_quote else size,
        quote_amount=size if spends_quote else None,
        price=None if kind is OrderKind.MARKET else decimal(call, "price"),
        immediate=call.values.get("force") == "ioc",
    )


def perpetual_order_request(call: RestCall, market_id: MarketId, mode: PositionMode) -> OrderRequest:
    """Read a perpetual order. A hedge-mode close carries the side of its position and trades the other way.

    In one-way mode `tradeSide` is ignored, as Bitget does.
    """
    if call.need("marginMode") != "crossed":
        raise wrong("marginMode")
    side, kind = _side(call), _kind(call)
    effect = PositionEffect.NET
    if mode is PositionMode.HEDGE:
        trade_side = call.values.get("tradeSide", "")
        if trade_side and trade_side not in _EFFECTS:
            raise wrong("tradeSide")
        effect = _EFFECTS.get(trade_side, PositionEffect.NET)
    closing = effect is PositionEffect.CLOSE
    return OrderRequest(
        market_id=MarketId(Product.USDT_PERPETUAL, market_id.symbol),
        client_id=_client_id(call),
        side=side.opposite if closing else side,
        kind=kind,
        quantity=decimal(call, "size"),
        price=None if kind is OrderKind.MARKET else decimal(call, "price"),
        immediate=call.values.get("force") == "ioc",
        effect=effect,
        reduce_only=effect is PositionEffect.NET and call.values.get("reduceOnly", "NO").upper() == "YES",
    )


def decimal(call: RestCall, name: str) -> Decimal:
    """Return a parameter as a finite decimal; raises BitgetError."""
    try:
        value = Decimal(call.need(name))
    except InvalidOperation as error:
        raise wrong(name) from error
    if not value.is_finite():
        raise wrong(name)
    return value


def _side(call: RestCall) -> Side:
    side = _SIDES.get(call.need("side").lower())
    if side is None:
        raise wrong("side")
    return side


def _kind(call: RestCall) -> OrderKind:
    kind = call.need("orderType").lower()
    if kind == "market":
        return OrderKind.MARKET
    if kind != "limit":
        raise wrong("orderType")
    force = call.values.get("force", "") or "gtc"
    if force not in {"gtc", "post_only", "ioc"}:
        raise wrong("force")
    return OrderKind.MAKER_ONLY if force == "post_only" else OrderKind.LIMIT


def _client_id(call: RestCall) -> str:
    client_id = call.values.get("clientOid", "")
    if len(client_id) > _MAX_CLIENT_ID:
        raise wrong("clientOid")
    return client_id
