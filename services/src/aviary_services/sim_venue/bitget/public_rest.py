"""REST endpoints that need no key."""

from decimal import Decimal

from aviary_services.sim_venue.bitget import public_payloads as payloads
from aviary_services.sim_venue.bitget.envelope import Json
from aviary_services.sim_venue.bitget.market_lookup import USDT_FUTURES, perpetual_market, product_type, spot_market
from aviary_services.sim_venue.bitget.rest import Endpoint, RestCall
from aviary_services.sim_venue.exchange.exchange import Exchange, next_funding_ns
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import Product


class PublicRest:
    """Market data of both products."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def endpoints(self) -> list[Endpoint]:
        """Return what it answers."""
        return [
            Endpoint("GET", "/api/v2/public/time", self._time),
            Endpoint("GET", "/api/v2/spot/public/symbols", self._symbols),
            Endpoint("GET", "/api/v2/spot/market/orderbook", self._spot_book),
            Endpoint("GET", "/api/v2/spot/market/tickers", self._spot_tickers),
            Endpoint("GET", "/api/v2/mix/market/contracts", self._contracts),
            Endpoint("GET", "/api/v2/mix/market/ticker", self._perpetual_ticker),
            Endpoint("GET", "/api/v2/mix/market/tickers", self._perpetual_tickers),
            Endpoint("GET", "/api/v2/mix/market/merge-depth", self._perpetual_book),
            Endpoint("GET", "/api/v2/mix/market/symbol-price", self._symbol_price),
            Endpoint("GET", "/api/v2/mix/market/current-fund-rate", self._funding_rate),
            Endpoint("GET", "/api/v2/mix/market/funding-time", self._funding_time),
            Endpoint("GET", "/api/v2/mix/market/open-interest", self._open_interest),
        ]

    def _time(self, call: RestCall) -> Json:
        return {"serverTime": str(call.now_ns // 1_000_000)}

    def _symbols(self, call: RestCall) -> Json:
        return [payloads.spot_symbol(live) for live in self._spot(call)]

    def _spot_book(self, call: RestCall) -> Json:
        live = spot_market(self._exchange, call.need("symbol").upper())
        return payloads.depth(live, payloads.book_side_limit(call.values.get("limit", "")), now_ns=call.now_ns)

    def _spot_tickers(self, call: RestCall) -> Json:
        return [payloads.spot_ticker(live) for live in self._spot(call) if live.is_open]

    def _contracts(self, call: RestCall) -> Json:
        return [payloads.contract(live) for live in self._perpetuals(call)]

    def _perpetual_ticker(self, call: RestCall) -> Json:
        return [self._ticker(perpetual_market(self._exchange, call), call)]

    def _perpetual_tickers(self, call: RestCall) -> Json:
        return [self._ticker(live, call) for live in self._perpetuals(call) if live.is_open]

    def _ticker(self, live: LiveMarket, call: RestCall) -> Json:
        return payloads.perpetual_ticker(live, next_funding_ms=next_funding_ns(call.now_ns) // 1_000_000)

    def _perpetual_book(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        limit = payloads.book_side_limit(call.values.get("limit", ""))
        depth = payloads.depth(live, limit, now_ns=call.now_ns)
        return {**depth, "scale": f"{live.market.tick_size:f}", "precision": "scale0", "isMaxPrecision": "NO"}

    def _symbol_price(self, call: RestCall) -> Json:
        return [payloads.symbol_price(perpetual_market(self._exchange, call))]

    def _funding_rate(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        return [payloads.funding_rate(live, next_funding_ms=next_funding_ns(call.now_ns) // 1_000_000)]

    def _funding_time(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        next_ms = str(next_funding_ns(call.now_ns) // 1_000_000)
        hours = str(payloads.FUNDING_HOURS)
        return [{"symbol": live.market.symbol, "nextFundingTime": next_ms, "ratePeriod": hours}]

    def _open_interest(self, call: RestCall) -> Json:
        live = perpetual_market(self._exchange, call)
        held = sum(
            (
                p.quantity
                for account in self._exchange.accounts
                for p in account.futures
                if p.symbol == live.market.symbol
            ),
            Decimal(0),
        )
        interest = [{"symbol": live.market.symbol, "size": f"{held:f}"}]
        return {"openInterestList": interest, "ts": str(call.now_ns // 1_000_000)}

    def _spot(self, call: RestCall) -> list[LiveMarket]:
        symbol = call.values.get("symbol", "").upper()
        if symbol:
            return [spot_market(self._exchange, symbol)]
        return [live for live in self._exchange.markets.values() if live.market.product is Product.SPOT]

    def _perpetuals(self, call: RestCall) -> list[LiveMarket]:
        kind = product_type(call)
        if call.values.get("symbol"):
            return [perpetual_market(self._exchange, call)]
        if kind != USDT_FUTURES:
            return []
        return [live for live in self._exchange.markets.values() if live.market.product is Product.USDT_PERPETUAL]
