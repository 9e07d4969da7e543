"""Playing a recording."""

import json
from pathlib import Path

import pytest
from aviary_fillsim import Side
from aviary_services.sim_venue.exchange.market import DEFAULT_MARKETS, MarketId, Product
from aviary_services.sim_venue.exchange.price_process import PublicTrade
from aviary_services.sim_venue.exchange.recorded_tape import load_recording
from aviary_services.sim_venue.service import build_exchange
from aviary_services.sim_venue.settings import SimVenueSettings

MARKETS = {DEFAULT_MARKETS[0].market_id: DEFAULT_MARKETS[0]}
BTC = MarketId(Product.SPOT, "BTCUSDT")
LINE: dict[str, object] = {
    "time_ns": 100,
    "product": "Spot",
    "symbol": "BTCUSDT",
    "bids": [["60000.00", "1"], ["59999.00", "0.0000001"]],
    "asks": [["60001.00", "2"]],
    "trades": [{"price": "60000.00", "quantity": "0.5", "side": "Sell"}],
}


def write(folder: Path, *lines: dict[str, object]) -> Path:
    path = folder / "tape.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_states_come_at_the_recorded_pace_with_all_trades_between(tmp_path: Path) -> None:
    lines = [
        LINE | {"time_ns": time_ns, "bids": [[f"600{time_ns}.00", "1"]], "asks": [["70000", "1"]]}
        for time_ns in (10, 20, 40)
    ]
    feed = load_recording(write(tmp_path, *lines), MARKETS)[BTC]
    first = feed.step(1_000)
    assert first is not None
    assert first.ladder.bids == ((6_001_000, 1_000_000),)
    assert feed.step(1_005) is None
    later = feed.step(1_030)
    assert later is not None
    assert later.ladder.bids == ((6_004_000, 1_000_000),)
    assert later.trades == (PublicTrade(6_000_000, 500_000, Side.SELL),) * 2


def test_a_recording_starts_again_when_it_has_ended(tmp_path: Path) -> None:
    lines = [LINE | {"time_ns": time_ns} for time_ns in (0, 10)]
    feed = load_recording(write(tmp_path, *lines), MARKETS)[BTC]
    assert sum(feed.step(now) is not None for now in range(0, 1_000, 5)) > 50


def test_quantities_below_a_lot_are_left_out(tmp_path: Path) -> None:
    step = load_recording(write(tmp_path, LINE), MARKETS)[BTC].step(0)
    assert step is not None
    assert len(step.ladder.bids) == 1


def test_a_recording_cannot_be_moved_but_can_be_held(tmp_path: Path) -> None:
    feed = load_recording(write(tmp_path, LINE), MARKETS)[BTC]
    assert not feed.set_price(1)
    feed.freeze(frozen=True)
    assert feed.step(0) is None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LINE | {"bids": [["60001.00", "1"]]}], "line 1: best bid"),
        ([LINE, LINE | {"time_ns": 99}], "line 2: time_ns 99"),
        ([LINE | {"symbol": "XUSDT"}], "line 1: Spot/XUSDT is not listed"),
        ([LINE | {"bids": []}], "line 1"),
        ([LINE | {"asks": [["NaN", "1"]]}], "line 1"),
        ([], "no state for Spot/BTCUSDT"),
    ],
)
def test_a_bad_recording_is_refused_with_line_and_reason(
    tmp_path: Path, lines: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        load_recording(write(tmp_path, *lines), MARKETS)


def test_the_venue_plays_a_recording_instead_of_the_walk(tmp_path: Path) -> None:
    markets = tmp_path / "markets.json"
    markets.write_text(json.dumps({"markets": [DEFAULT_MARKETS[0].model_dump(mode="json")]}))
    settings = SimVenueSettings(plain_port=0, markets_file=markets, tape_file=write(tmp_path, LINE))
    exchange = build_exchange(settings, first_id=1)
    assert not exchange.is_open
    exchange.step(1)
    assert exchange.is_open
    assert exchange.markets[BTC].ladder.asks == ((6_000_100, 2_000_000),)
