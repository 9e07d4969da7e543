"""Public data as Bitget writes it. Every number is a string, every time milliseconds."""

from collections.abc import Iterable
from decimal import Decimal
from zlib import crc32

from aviary_services.sim_venue.bitget.envelope import Json
from aviary_services.sim_venue.exchange.ladder import Ladder, Rung
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.price_process import PublicTrade
from aviary_services.sim_venue.exchange.scale import Scale

_CHECKSUM_LEVELS = 25
_BPS = Decimal(10_000)
FUNDING_HOURS = 8


def rate_text(bps: Decimal) -> str:
    """Return basis points as the decimal fraction that Bitget uses, e.g. 10 as "0.001"."""
    return f"{(bps / _BPS).normalize():f}"


def spot_symbol(live: LiveMarket) -> Json:
    """Return an item of /api/v2/spot/public/symbols."""
    market = live.market
    quantity_digits, price_digits = live.lots.digits, live.ticks.digits
    return {
        "symbol": market.symbol,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": rate_text(market.taker_fee_bps),
        "makerFeeRate": rate_text(market.maker_fee_bps),
        "pricePrecision": str(price_digits),
        "quantityPrecision": str(quantity_digits),
        "quotePrecision": str(price_digits + quantity_digits),
        "minTradeUSDT": f"{market.min_notional:f}",
        "status": "online",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "openTime": "0",
        "offTime": "",
    }


def contract(live: LiveMarket) -> Json:
    """Return an item of /api/v2/mix/market/contracts."""
    market = live.market
    lot = f"{market.lot_size:f}"
    return {
        "symbol": market.symbol,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": rate_text(market.maker_fee_bps),
        "takerFeeRate": rate_text(market.taker_fee_bps),
        "openCostUpRatio": "0.01",
        "supportMarginCoins": [market.quote],
        "minTradeNum": lot,
        "priceEndStep": "1",
        "volumePlace": str(live.lots.digits),
        "pricePlace": str(live.ticks.digits),
        "sizeMultiplier": lot,
        "symbolType": "perpetual",
        "minTradeUSDT": f"{market.min_notional:f}",
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": "1000",
        "maxPositionNum": "150",
        "symbolStatus": "normal",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "deliveryTime": "",
        "deliveryStartTime": "",
        "deliveryPeriod": "",
        "launchTime": "",
        "fundInterval": str(FUNDING_HOURS),
        "minLever": "1",
        "maxLever": str(market.max_leverage),
        "posLimit": "0.05",
        "maintainTime": "",
        "maxMarketOrderQty": f"{market.level_quantity * market.depth:f}",
        "maxOrderQty": f"{market.level_quantity * market.depth * 100:f}",
    }


def spot_ticker(live: LiveMarket) -> Json:
    """Return an item of /api/v2/spot/market/tickers."""
    return {**touch(live), "openUtc": _mid(live), "changeUtc24h": "0"}


def perpetual_ticker(live: LiveMarket, *, next_funding_ms: int) -> Json:
    """Return an item of /api/v2/mix/market/ticker, which is also the push of the ticker channel."""
    return {
        **touch(live),
        "indexPrice": _mid(live),
        "markPrice": _mid(live),
        "fundingRate": rate_text(live.market.funding_rate_bps),
        "nextFundingTime": str(next_funding_ms),
        "holdingAmount": "0",
        "openUtc": _mid(live),
        "changeUtc24h": "0",
        "instId": live.market.symbol,
        "symbolType": "1",
        "deliveryPrice": "0",
    }


def touch(live: LiveMarket) -> dict[str, Json]:
    """Return what tickers of both products share: last price, best prices, and a day without history."""
    (bid, bid_lots), (ask, ask_lots) = live.ladder.bids[0], live.ladder.asks[0]
    mid = _mid(live)
    return {
        "symbol": live.market.symbol,
        "lastPr": live.ticks.text(live.last_trade.price) if live.last_trade else mid,
        "askPr": live.ticks.text(ask),
        "bidPr": live.ticks.text(bid),
        "bidSz": live.lots.text(bid_lots),
        "askSz": live.lots.text(ask_lots),
        "high24h": mid,
        "low24h": mid,
        "open24h": mid,
        "open": mid,
        "change24h": "0",
        "baseVolume": "0",
        "quoteVolume": "0",
        "usdtVolume": "0",
        "ts": str(live.last_step_ns // 1_000_000),
    }


def _mid(live: LiveMarket) -> str:
    return live.ticks.text(live.ladder.mid_ticks)


def symbol_price(live: LiveMarket) -> Json:
    """Return an item of /api/v2/mix/market/symbol-price."""
    mid = _mid(live)
    return {
        "symbol": live.market.symbol,
        "price": live.ticks.text(live.last_trade.price) if live.last_trade else mid,
        "indexPrice": mid,
        "markPrice": mid,
        "ts": str(live.last_step_ns // 1_000_000),
    }


def funding_rate(live: LiveMarket, *, next_funding_ms: int) -> Json:
    """Return an item of /api/v2/mix/market/current-fund-rate."""
    return {
        "symbol": live.market.symbol,
        "fundingRate": rate_text(live.market.funding_rate_bps),
        "fundingRateInterval": str(FUNDING_HOURS),
        "nextUpdate": str(next_funding_ms),
        "minFundingRate": "-0.01",
        "maxFundingRate": "0.01",
    }


def levels(rungs: Iterable[Rung], ticks: Scale, lots: Scale) -> list[Json]:
    """Return [price, quantity] pairs; a quantity of "0" says that the level is gone."""
    return [[ticks.text(price), lots.text(quantity) if quantity else "0"] for price, quantity in rungs]


def book_side_limit(text: str) -> int:
    """Return how many levels a `limit` parameter asks for (Bitget: up to 150; "max" for perpetuals)."""
    return max(1, min(150, int(text))) if text.isdigit() else 150


def depth(live: LiveMarket, limit: int, *, now_ns: int) -> dict[str, Json]:
    """Return the data of an order book request or snapshot."""
    return {
        "asks": levels(live.ladder.asks[:limit], live.ticks, live.lots),
        "bids": levels(live.ladder.bids[:limit], live.ticks, live.lots),
        "ts": str(now_ns // 1_000_000),
    }


def checksum(ladder: Ladder, ticks: Scale, lots: Scale) -> int:
    """Return the checksum of the books channel: signed CRC-32 over 25 levels, bids and asks in turn."""
    parts: list[str] = []
    for index in range(_CHECKSUM_LEVELS):
        for side in (ladder.bids, ladder.asks):
            if index < len(side):
                price, quantity = side[index]
                parts.append(f"{ticks.text(price)}:{lots.text(quantity)}")
    unsigned = crc32(":".join(parts).encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


def public_trade(trade: PublicTrade, live: LiveMarket, *, trade_id: int, now_ns: int) -> Json:
    """Return an item of the trade channel."""
    return {
        "ts": str(now_ns // 1_000_000),
        "price": live.ticks.text(trade.price),
        "size": live.lots.text(trade.lots),
        "side": trade.taker.value.lower(),
        "tradeId": str(trade_id),
    }
