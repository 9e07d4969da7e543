"""REST endpoints of a spot account."""

from aviary_services.sim_venue.bitget.envelope import Json, missing
from aviary_services.sim_venue.bitget.market_lookup import spot_market
from aviary_services.sim_venue.bitget.order_requests import spot_order_request
from aviary_services.sim_venue.bitget.private_payloads import PrivatePayloads
from aviary_services.sim_venue.bitget.refusals import bitget_error
from aviary_services.sim_venue.bitget.rest import Endpoint, RestCall
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.market import MarketId, Product
from aviary_services.sim_venue.exchange.orders import Refusal, RefusalReason, UserOrder


class SpotRest:
    """Balances and orders."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._payloads = PrivatePayloads(exchange)

    def endpoints(self) -> list[Endpoint]:
        """Return what it answers."""
        return [
            Endpoint("GET", "/api/v2/spot/account/assets", self._assets, signed=True),
            Endpoint("POST", "/api/v2/spot/trade/place-order", self._place, signed=True),
            Endpoint("POST", "/api/v2/spot/trade/cancel-order", self._cancel, signed=True),
            Endpoint("POST", "/api/v2/spot/trade/cancel-symbol-order", self._cancel_symbol, signed=True),
            Endpoint("GET", "/api/v2/spot/trade/orderInfo", self._order_info, signed=True),
            Endpoint("GET", "/api/v2/spot/trade/unfilled-orders", self._open_orders, signed=True),
            Endpoint("GET", "/api/v2/spot/trade/fills", self._fills, signed=True),
        ]

    def _assets(self, call: RestCall) -> Json:
        coin = call.values.get("coin", "")
        balances = self._payloads.spot_balances(call.account)
        return [item for item in balances if isinstance(item, dict) and (not coin or item["coin"] == coin)]

    def _place(self, call: RestCall) -> Json:
        market = spot_market(self._exchange, call.need("symbol").upper()).market
        request = spot_order_request(call, market.market_id)
        try:
            order = self._exchange.place(call.account, request, call.now_ns)
        except Refusal as refusal:
            raise bitget_error(refusal, Product.SPOT) from refusal
        return order_ids(order)

    def _cancel(self, call: RestCall) -> Json:
        order = self._order(call)
        if order is None:
            raise bitget_error(Refusal(RefusalReason.UNKNOWN_ORDER, "no such order"), Product.SPOT)
        try:
            self._exchange.cancel(call.account, order, call.now_ns)
        except Refusal as refusal:
            raise bitget_error(refusal, Product.SPOT) from refusal
        return order_ids(order)

    def _cancel_symbol(self, call: RestCall) -> Json:
        market_id = spot_market(self._exchange, call.need("symbol").upper()).market.market_id
        for order in call.account.open_orders(market_id):
            self._exchange.cancel(call.account, order, call.now_ns)
        return {"symbol": market_id.symbol}

    def _order_info(self, call: RestCall) -> Json:
        order = self._order(call)
        return [] if order is None else [self._payloads.spot_order_info(order)]

    def _open_orders(self, call: RestCall) -> Json:
        symbol = call.values.get("symbol", "").upper()
        orders = call.account.open_orders(MarketId(Product.SPOT, symbol) if symbol else None)
        return [self._payloads.spot_order_info(o) for o in orders if o.request.market_id.product is Product.SPOT]

    def _fills(self, call: RestCall) -> Json:
        order_id, symbol = call.values.get("orderId", ""), call.values.get("symbol", "").upper()
        return [
            self._payloads.fill(order, fill)
            for order in orders_for_fills(call, Product.SPOT, order_id=order_id, symbol=symbol)
            for fill in order.fills
        ]

    def _order(self, call: RestCall) -> UserOrder | None:
        order_id, client_id = call.values.get("orderId", ""), call.values.get("clientOid", "")
        if not order_id and not client_id:
            raise missing("orderId")
        order = call.account.order(order_id=order_id, client_id=client_id)
        return order if order is not None and order.request.market_id.product is Product.SPOT else None


def order_ids(order: UserOrder) -> Json:
    """Return the answer to a placed or cancelled order."""
    return {"orderId": order.order_id, "clientOid": order.request.client_id}


def orders_for_fills(call: RestCall, product: Product, *, order_id: str, symbol: str) -> list[UserOrder]:
    """Return the orders whose fills a request asks for: one order, one symbol, or all of the product."""
    return [
        order
        for order in call.account.orders()
        if order.request.market_id.product is product
        and order_id in {"", order.order_id}
        and symbol in {"", order.request.market_id.symbol}
    ]
