"""The markets file."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_services.sim_venue.exchange.market import DEFAULT_MARKETS, Market, MarketId, Product, load_markets

GOOD = {
    "symbol": "ADAUSDT",
    "product": "Spot",
    "base": "ADA",
    "quote": "USDT",
    "start_price": "0.5",
    "tick_size": "0.0001",
    "lot_size": "0.01",
    "min_notional": "1",
    "maker_fee_bps": "10",
    "taker_fee_bps": "10",
    "half_spread_ticks": 2,
    "level_spacing_ticks": 5,
    "level_quantity": "5000",
}


def write(folder: Path, *markets: dict[str, object]) -> Path:
    path = folder / "markets.json"
    path.write_text(json.dumps({"markets": markets}))
    return path


def test_a_markets_file_is_read_without_rounding(tmp_path: Path) -> None:
    (market,) = load_markets(write(tmp_path, GOOD))
    assert market.market_id == MarketId(Product.SPOT, "ADAUSDT")
    assert market.tick_size == Decimal("0.0001")


def test_without_a_file_three_symbols_are_listed_as_both_products() -> None:
    assert load_markets(None) is DEFAULT_MARKETS
    assert {market.market_id for market in DEFAULT_MARKETS} == {
        MarketId(product, symbol) for product in Product for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    }


def test_built_in_markets_pass_their_own_checks() -> None:
    for market in DEFAULT_MARKETS:
        assert Market.model_validate(market.model_dump()) == market


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbol": "BTCUSDT"}, "ADAUSDT"),
        ({"product": "Futures"}, "product"),
        ({"product": "UsdtPerpetual", "quote": "EUR", "symbol": "ADAEUR"}, "quoted in USDT"),
        ({"start_price": "0.50005"}, "multiple of 0.0001"),
        ({"start_price": "0.0004"}, "half_spread_ticks"),
        ({"start_price": "-1"}, "start_price"),
        ({"start_price": "NaN"}, "start_price"),
        ({"lot_size": "0"}, "lot_size"),
        ({"level_quantity": "0.05"}, "ten lots"),
        ({"taker_fee_bps": "5000"}, "taker_fee_bps"),
        ({"volatility_bps": 1.5}, "volatility_bps"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_market_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        load_markets(write(tmp_path, GOOD | change))


def test_a_market_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than once"):
        load_markets(write(tmp_path, GOOD, GOOD))
