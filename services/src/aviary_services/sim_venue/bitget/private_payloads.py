"""Orders, fills, balances and positions as Bitget writes them.

Three quirks are Bitget's own: a hedge-mode order that closes carries the side of the position, not of the trade; the
final state is "cancelled" for spot and "canceled" for perpetuals; fees are negative numbers.
"""

from decimal import Decimal

from aviary_fillsim import Liquidity, OrderKind, Side

from aviary_services.sim_venue.bitget.envelope import Json
from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.exchange import Exchange, order_margin
from aviary_services.sim_venue.exchange.market import Market, Product
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderStatus, PositionEffect, UserOrder
from aviary_services.sim_venue.exchange.positions import HoldSide, Position, PositionMode

_MONEY = Decimal("1E-8")
_STATUS = {
    OrderStatus.LIVE: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}


def number(value: Decimal) -> str:
    """Return a decimal in full, never in scientific notation."""
    return f"{value:f}"


def money(value: Decimal) -> str:
    """Return a figure that was divided, to eight decimals."""
    return f"{value.quantize(_MONEY):f}"


def negated(value: Decimal) -> str:
    """Return a charge as Bitget shows it: with the sign turned, zero without one."""
    return f"{-value if value else value:f}"


def milliseconds(time_ns: int) -> str:
    """Return a time as Bitget writes it."""
    return str(time_ns // 1_000_000)


def wire_side(order: UserOrder) -> str:
    """Return the side as sent: of the position for hedge-mode closes, of the trade otherwise."""
    side = order.request.side
    if order.request.effect is PositionEffect.CLOSE:
        side = side.opposite
    return side.value.lower()


def trade_side(order: UserOrder) -> str:
    """Return `tradeSide`: open or close in hedge mode, buy_single or sell_single in one-way mode."""
    effect = order.request.effect
    if effect is PositionEffect.NET:
        return f"{order.request.side.value.lower()}_single"
    return effect.value.lower()


def position_mode(mode: PositionMode) -> str:
    """Return `posMode`."""
    return "hedge_mode" if mode is PositionMode.HEDGE else "one_way_mode"


def order_type(order: UserOrder) -> str:
    """Return `orderType`."""
    return "market" if order.request.kind is OrderKind.MARKET else "limit"


def force(order: UserOrder) -> str:
    """Return `force`, the time in force."""
    if order.request.kind is OrderKind.MAKER_ONLY:
        return "post_only"
    return "ioc" if order.request.immediate else "gtc"


def status(order: UserOrder) -> str:
    """Return `status` (perpetual details call it `state`)."""
    if order.status is OrderStatus.CANCELLED:
        return "cancelled" if order.request.market_id.product is Product.SPOT else "canceled"
    return _STATUS[order.status]


class PrivatePayloads:
    """Builds them; needs the exchange for markets and mark prices."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def _market(self, order: UserOrder) -> Market:
        return self._exchange.markets[order.request.market_id].market

    def _fee_asset(self, order: UserOrder) -> str:
        market = self._market(order)
        buys_spot = market.product is Product.SPOT and order.request.side is Side.BUY
        return market.base if buys_spot else market.quote

    # -- WebSocket ---------------------------------------------------------------------------------------------------

    def order(self, order: UserOrder, fill: OrderFill | None) -> Json:
        """Return an item of the orders channel; with `fill` it reports that trade."""
        spot = order.request.market_id.product is Product.SPOT
        item = {**self._order_head(order), **(self._spot_order(order) if spot else self._perpetual_order(order))}
        if fill is not None:
            item |= {
                "fillPrice": number(fill.price),
                "tradeId": fill.trade_id,
                "baseVolume": number(fill.quantity),
                "fillTime": milliseconds(fill.time_ns),
                "fillFee": negated(fill.fee),
                "fillFeeCoin": fill.fee_asset,
                "tradeScope": "M" if fill.liquidity is Liquidity.MAKER else "T",
            }
            if not spot:
                item |= {"fillNotionalUsd": number(fill.price * fill.quantity), "pnl": number(fill.profit)}
        if order.status is OrderStatus.CANCELLED:
            item["cancelReason"] = "normal_cancel"
        return item

    def _order_head(self, order: UserOrder) -> dict[str, Json]:
        request = order.request
        average = order.average_price
        return {
            "instId": request.market_id.symbol,
            "orderId": order.order_id,
            "clientOid": request.client_id,
            "price": number(request.price or Decimal(0)),
            "orderType": order_type(order),
            "force": force(order),
            "side": wire_side(order),
            "status": status(order),
            "accBaseVolume": number(order.filled),
            "priceAvg": money(average) if average else "0",
            "feeDetail": [{"feeCoin": self._fee_asset(order), "fee": negated(order.fees)}],
            "enterPointSource": "API",
            "stpMode": "none",
            "cTime": milliseconds(order.created_ns),
            "uTime": milliseconds(order.updated_ns),
        }

    def _spot_order(self, order: UserOrder) -> dict[str, Json]:
        request = order.request
        budget = request.quote_amount
        notional = budget if budget is not None else order.quantity * (request.price or Decimal(0))
        size = number(budget if budget is not None else order.quantity)
        return {"size": size, "newSize": size, "notional": number(notional)}

    def _perpetual_order(self, order: UserOrder) -> dict[str, Json]:
        market, request = self._market(order), order.request
        mode = PositionMode.ONE_WAY if request.effect is PositionEffect.NET else PositionMode.HEDGE
        return {
            "size": number(order.quantity),
            "marginCoin": market.quote,
            "marginMode": "crossed",
            "leverage": str(order.leverage),
            "notionalUsd": number(order.quantity * (request.price or order.average_price or Decimal(0))),
            "posMode": position_mode(mode),
            "posSide": position_side(order),
            "reduceOnly": "yes" if request.reduce_only else "no",
            "tradeSide": trade_side(order),
            "totalProfits": number(sum((fill.profit for fill in order.fills), Decimal(0))),
        }

    def balances(self, account: Account, product: Product) -> list[Json]:
        """Return the items of the account channel."""
        return self.spot_balances(account) if product is Product.SPOT else [self._margin_push(account)]

    def spot_balances(self, account: Account) -> list[Json]:
        """Return all spot balances; the same in a push and in a REST answer."""
        return [
            {
                "coin": asset,
                "available": number(balance.available),
                "frozen": number(balance.frozen),
                "locked": "0",
                "limitAvailable": "0",
                "uTime": "0",
            }
            for asset, balance in account.wallet
        ]

    def _margin_push(self, account: Account) -> Json:
        available = money(self._exchange.available_margin(account))
        equity = money(account.futures.equity(self._exchange.mark_price))
        return {
            "marginCoin": "USDT",
            "frozen": money(order_margin(account)),
            "available": available,
            "maxOpenPosAvailable": available,
            "maxTransferOut": available,
            "equity": equity,
            "usdtEquity": equity,
            "crossedRiskRate": "0",
            "unrealizedPL": money(account.futures.unrealised(self._exchange.mark_price)),
        }

    def positions(self, account: Account) -> list[Json]:
        """Return the items of the positions channel: all that is held; what is missing is closed."""
        return [
            {
                **self._position(account, position),
                "posId": f"{position.symbol}-{position.hold_side}",
                "instId": position.symbol,
                "frozen": number(self._closing(account, position)),
            }
            for position in account.futures
        ]

    # -- REST --------------------------------------------------------------------------------------------------------

    def fill(self, order: UserOrder, fill: OrderFill) -> Json:
        """Return a trade: item of spot fills, of perpetual fills, and of the fill channel of both."""
        scope = "maker" if fill.liquidity is Liquidity.MAKER else "taker"
        head: dict[str, Json] = {
            "orderId": order.order_id,
            "clientOid": order.request.client_id,
            "tradeId": fill.trade_id,
            "symbol": order.request.market_id.symbol,
            "orderType": order_type(order),
            "side": wire_side(order),
            "tradeScope": scope,
            "feeDetail": [
                {
                    "deduction": "no",
                    "feeCoin": fill.fee_asset,
                    "totalDeductionFee": "0",
                    "totalFee": negated(fill.fee),
                }
            ],
            "cTime": milliseconds(fill.time_ns),
            "uTime": milliseconds(fill.time_ns),
        }
        value = number(fill.price * fill.quantity)
        if order.request.market_id.product is Product.SPOT:
            return {**head, "priceAvg": number(fill.price), "size": number(fill.quantity), "amount": value}
        mode = PositionMode.ONE_WAY if order.request.effect is PositionEffect.NET else PositionMode.HEDGE
        return {
            **head,
            "price": number(fill.price),
            "baseVolume": number(fill.quantity),
            "quoteVolume": value,
            "profit": number(fill.profit),
            "tradeSide": trade_side(order),
            "posMode": position_mode(mode),
            "enterPointSource": "api",
        }

    def spot_order_info(self, order: UserOrder) -> Json:
        """Return an item of spot orderInfo and unfilled-orders."""
        size = order.request.quote_amount if order.request.quote_amount is not None else order.quantity
        return {
            "symbol": order.request.market_id.symbol,
            "orderId": order.order_id,
            "clientOid": order.request.client_id,
            "price": number(order.request.price or Decimal(0)),
            "size": number(size),
            "orderType": order_type(order),
            "force": force(order),
            "side": wire_side(order),
            "status": status(order),
            "priceAvg": money(order.average_price or Decimal(0)),
            "basePrice": money(order.average_price or Decimal(0)),
            "baseVolume": number(order.filled),
            "quoteVolume": number(order.filled_quote),
            "enterPointSource": "API",
            "orderSource": "market" if order.request.kind is OrderKind.MARKET else "normal",
            "feeDetail": "",
            "cTime": milliseconds(order.created_ns),
            "uTime": milliseconds(order.updated_ns),
        }

    def perpetual_order_detail(self, order: UserOrder) -> dict[str, Json]:
        """Return the data of mix order detail; orders-pending calls `state` `status`."""
        head = self._order_head(order)
        del head["instId"], head["status"], head["accBaseVolume"], head["feeDetail"], head["stpMode"]
        return {
            **head,
            **self._perpetual_order(order),
            "symbol": order.request.market_id.symbol,
            "state": status(order),
            "baseVolume": number(order.filled),
            "quoteVolume": number(order.filled_quote),
            "fee": negated(order.fees),
            "orderSource": "market" if order.request.kind is OrderKind.MARKET else "normal",
            "reduceOnly": "YES" if order.request.reduce_only else "NO",
        }

    def margin_account(self, account: Account, symbol: str | None) -> dict[str, Json]:
        """Return the data of mix account/account, or without `symbol` an item of account/accounts."""
        push = self._margin_push(account)
        if not isinstance(push, dict):
            raise TypeError("a margin push is an object")
        item: dict[str, Json] = {
            "marginCoin": "USDT",
            "locked": push["frozen"],
            "available": push["available"],
            "crossedMaxAvailable": push["available"],
            "isolatedMaxAvailable": push["available"],
            "maxTransferOut": push["available"],
            "accountEquity": push["equity"],
            "usdtEquity": push["equity"],
            "btcEquity": "0",
            "crossedRiskRate": "0",
            "unrealizedPL": push["unrealizedPL"],
            "coupon": "0",
            "crossedUnrealizedPL": push["unrealizedPL"],
            "isolatedUnrealizedPL": "",
            "assetMode": "single",
        }
        if symbol is not None:
            leverage = account.futures.leverage(symbol)
            item |= {
                "crossedMarginLeverage": leverage,
                "isolatedLongLever": leverage,
                "isolatedShortLever": leverage,
                "marginMode": "crossed",
                "posMode": position_mode(account.futures.mode),
            }
        return item

    def rest_positions(self, account: Account) -> list[Json]:
        """Return the data of mix position/all-position."""
        return [self._position(account, position) for position in account.futures]

    def _position(self, account: Account, position: Position) -> dict[str, Json]:
        mark = self._exchange.mark_price(position.symbol)
        leverage = account.futures.leverage(position.symbol)
        closing = self._closing(account, position)
        return {
            "symbol": position.symbol,
            "marginCoin": "USDT",
            "holdSide": position.hold_side.value.lower(),
            "openDelegateSize": "0",
            "marginSize": money(position.cost / leverage),
            "available": number(position.quantity - closing),
            "locked": number(closing),
            "total": number(position.quantity),
            "leverage": str(leverage),
            "achievedProfits": number(position.realised),
            "openPriceAvg": money(position.entry_price),
            "marginMode": "crossed",
            "posMode": position_mode(account.futures.mode),
            "unrealizedPL": money(position.unrealised(mark)),
            "liquidationPrice": "0",
            "keepMarginRate": "0.004",
            "markPrice": number(mark),
            "marginRatio": "0",
            "breakEvenPrice": money(position.entry_price),
            "totalFee": number(position.funding),
            "deductedFee": number(position.fees),
            "assetMode": "single",
            "autoMargin": "off",
            "cTime": milliseconds(position.opened_ns),
            "uTime": milliseconds(position.updated_ns),
        }

    def _closing(self, account: Account, position: Position) -> Decimal:
        orders = account.open_orders()
        closing = sum(
            (
                order.remaining
                for order in orders
                if order.request.market_id.product is Product.USDT_PERPETUAL
                and order.request.market_id.symbol == position.symbol
                and order.request.side is position.hold_side.opened_by.opposite
                and (order.request.reduce_only or order.request.effect is PositionEffect.CLOSE)
            ),
            Decimal(0),
        )
        return min(closing, position.quantity)


def position_side(order: UserOrder) -> str:
    """Return `posSide`: net in one-way mode, else the position that the order opens or closes."""
    effect = order.request.effect
    if effect is PositionEffect.NET:
        return "net"
    buys = order.request.side is Side.BUY
    hold = HoldSide.LONG if buys == (effect is PositionEffect.OPEN) else HoldSide.SHORT
    return hold.value.lower()
