"""Bitget's names for products and symbols, and the markets they stand for."""

from aviary_services.sim_venue.bitget.envelope import unknown, wrong
from aviary_services.sim_venue.bitget.rest import RestCall
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import MarketId, Product

USDT_FUTURES = "USDT-FUTURES"
PRODUCT_TYPES = (USDT_FUTURES, "USDC-FUTURES", "COIN-FUTURES")
"""Every product type of the perpetual API; only the first has markets here."""

INST_TYPES = {"SPOT": Product.SPOT, USDT_FUTURES: Product.USDT_PERPETUAL}


def spot_market(exchange: Exchange, symbol: str) -> LiveMarket:
    """Return a spot market; raises BitgetError 40034."""
    market = exchange.markets.get(MarketId(Product.SPOT, symbol))
    if market is None:
        raise unknown(symbol)
    return market


def product_type(call: RestCall) -> str:
    """Return the product type of a request in capitals, as Bitget takes both; raises BitgetError."""
    value = call.need("productType").upper()
    if value not in PRODUCT_TYPES:
        raise wrong("productType")
    return value


def perpetual_market(exchange: Exchange, call: RestCall) -> LiveMarket:
    """Return the perpetual market that a request names; raises BitgetError."""
    symbol = call.need("symbol").upper()
    market = exchange.markets.get(MarketId(Product.USDT_PERPETUAL, symbol))
    if product_type(call) != USDT_FUTURES or market is None:
        raise unknown(symbol)
    return market
