"""REST endpoints of a perpetual account. Bitget calls the product "mix"."""

from aviary_services.sim_venue.bitget.envelope import BitgetError, Json, missing, wrong
from aviary_services.sim_venue.bitget.market_lookup import USDT_FUTURES, perpetual_market, product_type
from aviary_services.sim_venue.bitget.order_requests import perpetual_order_request
from aviary_services.sim_venue.bitget.private_payloads import PrivatePayloads, milliseconds, number, position_mode
from aviary_services.sim_venue.bitget.refusals import bitget_error
from aviary_services.sim_venue.bitget.rest import Endpoint, RestCall
from aviary_services.sim_venue.bitget.spot_rest import order_ids, orders_for_fills
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.market import Product
from aviary_services.sim_venue.exchange.orders import Refusal, RefusalReason, UserOrder
from aviary_services.sim_venue.exchange.positions import PositionMode

_MODES = {"one_way_mode": PositionMode.ONE_WAY, "hedge_mode": PositionMode.HEDGE}


class MixRest:
    """Margin account, positions and orders of USDT perpetuals; the other product types exist and are empty."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._payloads = PrivatePayloads(exchange)

    def endpoints(self) -> list[Endpoint]:
        """Return what it answers."""
        return [
            Endpoint("GET", "/api/v2/mix/account/account", self._account, signed=True),
            Endpoint("GET", "/api/v2/mix/account/accounts", self._accounts, signed=True),
            Endpoint("GET", "/api/v2/mix/account/bill", self._bills, signed=True),
            Endpoint("POST", "/api/v2/mix/account/set-leverage", self._set_leverage, signed=True),
            Endpoint("POST", "/api/v2/mix/account/set-margin-mode", self._set_margin_mode, signed=True),
            Endpoint("POST", "/api/v2/mix/account/set-position-mode", self._set_position_mode, signed=True),
            Endpoint("GET", "/api/v2/mix/position/all-position", self._positions, signed=True),
            Endpoint("POST", "/api/v2/mix/order/place-order", self._place, signed=True),
            Endpoint("POST", "/api/v2/mix/order/cancel-order", self._cancel, signed=True),
            Endpoint("POST", "/api/v2/mix/order/cancel-all-orders", self._cancel_all, signed=True),
            Endpoint("GET", "/api/v2/mix/order/detail", self._detail, signed=True),
            Endpoint("GET", "/api/v2/mix/order/orders-pending", self._open_orders, signed=True),
            Endpoint("GET", "/api/v2/mix/order/fills", self._fills, signed=True),
        ]

    # -- account -----------------------------------------------------------------------------------------------------

    def _account(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        return self._payloads.margin_account(call.account, live.market.symbol)

    def _accounts(self, call: RestCall) -> Json:
        return [self._payloads.margin_account(call.account, None)] if product_type(call) == USDT_FUTURES else []

    def _bills(self, call: RestCall) -> Json:
        kind = call.values.get("businessType", "")
        bills = call.account.futures.bills if product_type(call) == USDT_FUTURES else []
        return {
            "bills": [
                {
                    "billId": bill.bill_id,
                    "symbol": bill.symbol,
                    "amount": number(bill.amount),
                    "fee": "0",
                    "feeByCoupon": "",
                    "businessType": "contract_settle_fee",
                    "coin": "USDT",
                    "balance": number(call.account.futures.wallet),
                    "cTime": milliseconds(bill.time_ns),
                }
                for bill in bills
                if kind in {"", "contract_settle_fee"}
            ],
            "endId": bills[-1].bill_id if bills else "",
        }

    def _set_leverage(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        text = call.need("leverage")
        leverage = int(text) if text.isdigit() else 0
        if not 1 <= leverage <= live.market.max_leverage:
            raise BitgetError("40797", "Exceeded the maximum settable leverage")
        call.account.futures.set_leverage(live.market.symbol, leverage)
        return {
            "symbol": live.market.symbol,
            "marginCoin": "USDT",
            "longLeverage": str(leverage),
            "shortLeverage": str(leverage),
            "crossMarginLeverage": str(leverage),
            "marginMode": "crossed",
        }

    def _set_margin_mode(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        if call.need("marginMode") != "crossed":
            # Isolated margin is not simulated, and pretending would give wrong liquidation and margin figures.
            raise wrong("marginMode")
        leverage = str(call.account.futures.leverage(live.market.symbol))
        return {
            "symbol": live.market.symbol,
            "marginCoin": "USDT",
            "longLeverage": leverage,
            "shortLeverage": leverage,
            "marginMode": "crossed",
        }

    def _set_position_mode(self, call: RestCall) -> Json:
        product_type(call)
        mode = _MODES.get(call.need("posMode"))
        if mode is None:
            raise wrong("posMode")
        futures = call.account.futures
        busy = any(futures) or any(
            order.request.market_id.product is Product.USDT_PERPETUAL for order in call.account.open_orders()
        )
        if busy and mode is not futures.mode:
            raise BitgetError("40920", "Position or order exists, the position mode cannot be switched")
        futures.mode = mode
        return {"posMode": position_mode(mode)}

    def _positions(self, call: RestCall) -> Json:
        return self._payloads.rest_positions(call.account) if product_type(call) == USDT_FUTURES else []

    # -- orders ------------------------------------------------------------------------------------------------------

    def _place(self, call: RestCall) -> Json:
        market = perpetual_market(self._exchange, call).market
        request = perpetual_order_request(call, market.market_id, call.account.futures.mode)
        try:
            order = self._exchange.place(call.account, request, call.now_ns)
        except Refusal as refusal:
            raise bitget_error(refusal, Product.USDT_PERPETUAL) from refusal
        return order_ids(order)

    def _cancel(self, call: RestCall) -> Json:
        order = self._order(call)
        try:
            self._exchange.cancel(call.account, order, call.now_ns)
        except Refusal as refusal:
            raise bitget_error(refusal, Product.USDT_PERPETUAL) from refusal
        return order_ids(order)

    def _cancel_all(self, call: RestCall) -> Json:
        symbol = call.values.get("symbol", "").upper()
        cancelled: list[Json] = []
        for order in self._orders(call, symbol):
            if order.is_open:
                self._exchange.cancel(call.account, order, call.now_ns)
                cancelled.append(order_ids(order))
        return {"successList": cancelled, "failureList": []}

    def _detail(self, call: RestCall) -> Json:
        return self._payloads.perpetual_order_detail(self._order(call))

    def _open_orders(self, call: RestCall) -> Json:
        orders = self._orders(call, call.values.get("symbol", "").upper())
        pending: list[Json] = []
        for order in orders:
            detail = self._payloads.perpetual_order_detail(order)
            detail["status"] = detail.pop("state")
            pending.append(detail)
        return {"entrustedList": pending or None, "endId": orders[0].order_id if orders else None}

    def _fills(self, call: RestCall) -> Json:
        if product_type(call) != USDT_FUTURES:
            return {"fillList": [], "endId": None}
        order_id, symbol = call.values.get("orderId", ""), call.values.get("symbol", "").upper()
        fills = [
            self._payloads.fill(order, fill)
            for order in orders_for_fills(call, Product.USDT_PERPETUAL, order_id=order_id, symbol=symbol)
            for fill in order.fills
        ]
        return {"fillList": fills, "endId": None}

    def _orders(self, call: RestCall, symbol: str) -> list[UserOrder]:
        product_type(call)
        return [
            order
            for order in call.account.open_orders()
            if order.request.market_id.product is Product.USDT_PERPETUAL
            and symbol in {"", order.request.market_id.symbol}
        ]

    def _order(self, call: RestCall) -> UserOrder:
        product_type(call)
        order_id, client_id = call.values.get("orderId", ""), call.values.get("clientOid", "")
        if not order_id and not client_id:
            raise missing("orderId")
        order = call.account.order(order_id=order_id, client_id=client_id)
        if order is None or order.request.market_id.product is not Product.USDT_PERPETUAL:
            refusal = Refusal(RefusalReason.UNKNOWN_ORDER, "no such order")
            raise bitget_error(refusal, Product.USDT_PERPETUAL)
        return order
