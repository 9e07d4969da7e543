"""What a fill does to money: pay, receive, charge."""

from decimal import Decimal

from aviary_fillsim import Fill, Side

from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.market import Market, Product
from aviary_services.sim_venue.exchange.orders import ZERO, OrderFill, UserOrder


def settle_fill(market: Market, account: Account, order: UserOrder, fill: Fill, *, trade_id: str) -> OrderFill:
    """Move the money of one fill and return what was charged.

    Spot takes the fee from what is received: the base asset for buyers, the quote asset for sellers. Perpetuals take
    it in the quote asset.
    """
    if market.product is Product.SPOT:
        fee, fee_asset, profit = *_settle_spot(market, account, order, fill), ZERO
    else:
        fee, fee_asset = fill.fee_quote, market.quote
        profit = account.futures.settle(
            market.symbol,
            fill.side,
            order.request.effect,
            quantity=fill.quantity,
            price=fill.price,
            now_ns=fill.time_ns,
        )
        account.futures.charge(market.symbol, fee)
    return OrderFill(
        trade_id=trade_id,
        price=fill.price,
        quantity=fill.quantity,
        fee=fee,
        fee_asset=fee_asset,
        liquidity=fill.liquidity,
        time_ns=fill.time_ns,
        profit=profit,
    )


def _settle_spot(market: Market, account: Account, order: UserOrder, fill: Fill) -> tuple[Decimal, str]:
    cost = fill.price * fill.quantity
    if fill.side is Side.SELL:
        account.wallet.spend(market.base, fill.quantity)
        order.reserved -= fill.quantity
        account.wallet.receive(market.quote, cost - fill.fee_quote)
        return fill.fee_quote, market.quote
    account.wallet.spend(market.quote, cost)
    order.reserved -= cost
    account.wallet.receive(market.base, fill.quantity - fill.fee_base)
    if order.request.price is not None:
        # It was frozen at the limit price; what a better price saved is free at once.
        saved = (order.request.price - fill.price) * fill.quantity
        account.wallet.release(market.quote, saved)
        order.reserved -= saved
    return fill.fee_base, market.base


def release_reserve(market: Market, account: Account, order: UserOrder) -> None:
    """Make available what a finished spot order still holds frozen."""
    if market.product is Product.SPOT and order.reserved:
        asset = market.base if order.request.side is Side.SELL else market.quote
        account.wallet.release(asset, order.reserved)
        order.reserved = ZERO
