"""What goes over the wire, endpoint by endpoint, against answers written down in golden/.

The golden files were compared field by field with Bitget's API documentation (v2). A difference is a change of the
protocol: where it is meant, the golden file is edited by hand and the commit says why.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from aviary_fillsim import Side
from aviary_services.sim_venue.bitget.channels import parse_subscription
from aviary_services.sim_venue.bitget.envelope import BitgetError, Json, failure, success
from aviary_services.sim_venue.bitget.mix_rest import MixRest
from aviary_services.sim_venue.bitget.private_payloads import PrivatePayloads
from aviary_services.sim_venue.bitget.public_payloads import checksum
from aviary_services.sim_venue.bitget.public_rest import PublicRest
from aviary_services.sim_venue.bitget.rest import Endpoint, RestCall
from aviary_services.sim_venue.bitget.spot_rest import SpotRest
from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.market import Product
from aviary_services.sim_venue.exchange.orders import UserOrder
from aviary_services.sim_venue.exchange.positions import PositionMode
from aviary_services.sim_venue.exchange.scale import Scale

from .conftest import SPOT, Venue

GOLDEN = Path(__file__).parent / "golden"
FUTURES = {"productType": "USDT-FUTURES", "symbol": "BTCUSDT", "marginCoin": "USDT"}

type Call = Callable[..., Json]


@pytest.fixture
def call(venue: Venue) -> Call:
    """Answer a request of ann's as the endpoint would; a list of dicts is what clients read."""
    endpoints: dict[str, Endpoint] = {
        endpoint.path: endpoint
        for source in (PublicRest(venue.exchange), SpotRest(venue.exchange), MixRest(venue.exchange))
        for endpoint in source.endpoints()
    }

    def answer(path: str, **values: str) -> Json:
        return endpoints[path].answer(RestCall(values, venue.ann, venue.now_ns))

    return answer


def golden(name: str, value: Json) -> None:
    written = json.loads((GOLDEN / f"{name}.json").read_text())
    assert json.loads(json.dumps(value)) == written


def place_spot(call: Call, **changes: str) -> str:
    order = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "size": "2", "price": "90"}
    placed = cast("dict[str, str]", call("/api/v2/spot/trade/place-order", **(order | {"clientOid": "s1"} | changes)))
    return placed["orderId"]


def place_perpetual(call: Call, **changes: str) -> str:
    order = {"side": "buy", "orderType": "limit", "force": "gtc", "size": "2", "price": "90", "marginMode": "crossed"}
    placed = cast(
        "dict[str, str]", call("/api/v2/mix/order/place-order", **(FUTURES | order | {"clientOid": "p1"} | changes))
    )
    return placed["orderId"]


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [
        ("public_time", "/api/v2/public/time", {}),
        ("spot_symbols", "/api/v2/spot/public/symbols", {}),
        ("spot_orderbook", "/api/v2/spot/market/orderbook", {"symbol": "BTCUSDT", "limit": "100"}),
        ("spot_tickers", "/api/v2/spot/market/tickers", {"symbol": "BTCUSDT"}),
        ("mix_contracts", "/api/v2/mix/market/contracts", {"productType": "USDT-FUTURES"}),
        ("mix_contracts_coin", "/api/v2/mix/market/contracts", {"productType": "COIN-FUTURES"}),
        ("mix_ticker", "/api/v2/mix/market/ticker", FUTURES),
        ("mix_merge_depth", "/api/v2/mix/market/merge-depth", FUTURES | {"limit": "100"}),
        ("mix_symbol_price", "/api/v2/mix/market/symbol-price", FUTURES),
        ("mix_current_fund_rate", "/api/v2/mix/market/current-fund-rate", FUTURES),
        ("mix_funding_time", "/api/v2/mix/market/funding-time", FUTURES),
        ("spot_assets", "/api/v2/spot/account/assets", {}),
        ("mix_account", "/api/v2/mix/account/account", FUTURES),
        ("mix_accounts", "/api/v2/mix/account/accounts", {"productType": "USDT-FUTURES"}),
        ("mix_bill_empty", "/api/v2/mix/account/bill", {"productType": "USDT-FUTURES"}),
        ("mix_positions_empty", "/api/v2/mix/position/all-position", {"productType": "USDT-FUTURES"}),
        ("mix_set_leverage", "/api/v2/mix/account/set-leverage", FUTURES | {"leverage": "5"}),
        ("mix_set_margin_mode", "/api/v2/mix/account/set-margin-mode", FUTURES | {"marginMode": "crossed"}),
        (
            "mix_set_position_mode",
            "/api/v2/mix/account/set-position-mode",
            {"productType": "USDT-FUTURES", "posMode": "hedge_mode"},
        ),
    ],
)
def test_answer_is_as_written_down(call: Call, name: str, path: str, values: dict[str, str]) -> None:
    golden(name, call(path, **values))


def test_spot_order_life_is_as_written_down(call: Call, venue: Venue) -> None:
    order_id = place_spot(call)
    golden("spot_order_info_live", call("/api/v2/spot/trade/orderInfo", clientOid="s1"))
    golden("spot_unfilled_orders", call("/api/v2/spot/trade/unfilled-orders"))
    venue.quote("89.8", "89.9", ask_quantity="1.5")
    golden("spot_order_info_partial", call("/api/v2/spot/trade/orderInfo", orderId=order_id))
    golden("spot_fills", call("/api/v2/spot/trade/fills", orderId=order_id))
    golden("spot_cancel", call("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="s1"))
    golden("spot_order_info_cancelled", call("/api/v2/spot/trade/orderInfo", clientOid="s1"))
    assert call("/api/v2/spot/trade/unfilled-orders") == []


def test_perpetual_order_life_is_as_written_down(call: Call, venue: Venue) -> None:
    order_id = place_perpetual(call)
    golden("mix_order_detail_live", call("/api/v2/mix/order/detail", **FUTURES, orderId=order_id))
    golden("mix_orders_pending", call("/api/v2/mix/order/orders-pending", **FUTURES))
    venue.quote("89.8", "89.9", ask_quantity="1.5")
    golden("mix_order_detail_partial", call("/api/v2/mix/order/detail", **FUTURES, clientOid="p1"))
    golden("mix_fills", call("/api/v2/mix/order/fills", **FUTURES, orderId=order_id))
    golden("mix_positions", call("/api/v2/mix/position/all-position", productType="USDT-FUTURES"))
    golden("mix_cancel", call("/api/v2/mix/order/cancel-order", **FUTURES, orderId=order_id))
    golden("mix_order_detail_cancelled", call("/api/v2/mix/order/detail", **FUTURES, orderId=order_id))
    golden("mix_orders_pending_empty", call("/api/v2/mix/order/orders-pending", **FUTURES))


def test_pushes_of_an_order_are_as_written_down(call: Call, venue: Venue) -> None:
    payloads = PrivatePayloads(venue.exchange)
    spot = order_of(venue, place_spot(call, price="100.1"))
    golden("push_spot_order_filled", payloads.order(spot, spot.fills[0]))
    golden("push_spot_fill", payloads.fill(spot, spot.fills[0]))
    golden("push_spot_account", payloads.balances(venue.ann, Product.SPOT))
    perpetual = order_of(venue, place_perpetual(call, price="100.1"))
    golden("push_mix_order_filled", payloads.order(perpetual, perpetual.fills[0]))
    golden("push_mix_account", payloads.balances(venue.ann, Product.USDT_PERPETUAL))
    golden("push_mix_positions", payloads.positions(venue.ann))


def order_of(venue: Venue, order_id: str) -> UserOrder:
    order = venue.ann.order(order_id=order_id)
    assert order is not None
    return order


def test_an_order_that_did_not_trade_carries_no_trade(call: Call, venue: Venue) -> None:
    perpetual = order_of(venue, place_perpetual(call))
    pushed = cast("dict[str, Json]", PrivatePayloads(venue.exchange).order(perpetual, None))
    assert "tradeId" not in pushed
    assert pushed["price"] == "90"


@pytest.mark.parametrize(
    ("trade_side", "side", "market_side", "pos_side"),
    [
        ("open", "buy", Side.BUY, "long"),
        ("close", "buy", Side.SELL, "long"),
        ("open", "sell", Side.SELL, "short"),
        ("close", "sell", Side.BUY, "short"),
    ],
)
def test_a_hedge_mode_close_carries_the_side_of_its_position(
    call: Call, venue: Venue, trade_side: str, side: str, market_side: Side, pos_side: str
) -> None:
    venue.ann.futures.mode = PositionMode.HEDGE
    if trade_side == "close":
        place_perpetual(call, side=side, tradeSide="open", orderType="market", clientOid="open", size="3")
    order = order_of(venue, place_perpetual(call, side=side, tradeSide=trade_side, orderType="market"))
    pushed = cast("dict[str, Json]", PrivatePayloads(venue.exchange).order(order, order.fills[0]))
    assert order.request.side is market_side
    assert (pushed["side"], pushed["tradeSide"], pushed["posSide"]) == (side, trade_side, pos_side)


@pytest.mark.parametrize(
    ("path", "values", "code"),
    [
        ("/api/v2/spot/market/orderbook", {}, "40019"),
        ("/api/v2/spot/market/orderbook", {"symbol": "NOUSDT"}, "40034"),
        ("/api/v2/mix/market/ticker", {"symbol": "BTCUSDT"}, "40019"),
        ("/api/v2/mix/market/ticker", {"symbol": "BTCUSDT", "productType": "FISH"}, "40020"),
        ("/api/v2/mix/market/ticker", {"symbol": "BTCUSD", "productType": "COIN-FUTURES"}, "40034"),
        ("/api/v2/spot/trade/cancel-order", {"symbol": "BTCUSDT", "clientOid": "ghost"}, "43001"),
        ("/api/v2/spot/trade/cancel-order", {"symbol": "BTCUSDT"}, "40019"),
        ("/api/v2/mix/order/cancel-order", FUTURES | {"orderId": "1"}, "40768"),
        ("/api/v2/mix/order/detail", FUTURES | {"orderId": "1"}, "40768"),
        ("/api/v2/mix/account/set-leverage", FUTURES | {"leverage": "51"}, "40797"),
        ("/api/v2/mix/account/set-leverage", FUTURES | {"leverage": "ten"}, "40797"),
        ("/api/v2/mix/account/set-margin-mode", FUTURES | {"marginMode": "isolated"}, "40020"),
        ("/api/v2/mix/account/set-position-mode", FUTURES | {"posMode": "sideways"}, "40020"),
    ],
)
def test_a_request_that_cannot_be_gets_bitgets_code(call: Call, path: str, values: dict[str, str], code: str) -> None:
    with pytest.raises(BitgetError) as refused:
        call(path, **values)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": "hold"}, "40020"),
        ({"orderType": "stop"}, "40020"),
        ({"force": "fok"}, "40020"),
        ({"size": "two"}, "40020"),
        ({"size": "NaN"}, "40020"),
        ({"size": ""}, "40019"),
        ({"price": ""}, "40019"),
        ({"price": "90.05"}, "40808"),
        ({"size": "0.0001"}, "40808"),
        ({"size": "0.01"}, "45110"),
        ({"size": "50"}, "43012"),
        ({"clientOid": "x" * 65}, "40020"),
    ],
)
def test_a_spot_order_that_cannot_be_gets_bitgets_code(call: Call, changes: dict[str, str], code: str) -> None:
    with pytest.raises(BitgetError) as refused:
        place_spot(call, **changes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"marginMode": "isolated"}, "40020"),
        ({"marginMode": ""}, "40019"),
        ({"size": "900"}, "40762"),
        ({"reduceOnly": "YES"}, "22002"),
        ({"productType": "USDC-FUTURES"}, "40034"),
    ],
)
def test_a_perpetual_order_that_cannot_be_gets_bitgets_code(call: Call, changes: dict[str, str], code: str) -> None:
    with pytest.raises(BitgetError) as refused:
        place_perpetual(call, **changes)
    assert refused.value.code == code


def test_hedge_mode_needs_a_trade_side_and_one_way_mode_ignores_it(call: Call, venue: Venue) -> None:
    assert place_perpetual(call, tradeSide="open", clientOid="ignored")
    call("/api/v2/mix/order/cancel-all-orders", **FUTURES)
    venue.ann.futures.mode = PositionMode.HEDGE
    with pytest.raises(BitgetError) as refused:
        place_perpetual(call)
    assert refused.value.code == "40774"


def test_the_position_mode_cannot_change_under_an_order(call: Call) -> None:
    place_perpetual(call)
    mode = {"productType": "USDT-FUTURES"}
    call("/api/v2/mix/account/set-position-mode", **mode, posMode="one_way_mode")
    with pytest.raises(BitgetError) as refused:
        call("/api/v2/mix/account/set-position-mode", **mode, posMode="hedge_mode")
    assert refused.value.code == "40920"


def test_a_duplicate_client_id_gets_bitgets_code(call: Call) -> None:
    place_spot(call)
    with pytest.raises(BitgetError) as refused:
        place_spot(call)
    assert refused.value.code == "40786"


def test_an_order_that_nobody_knows_is_an_empty_list_for_spot(call: Call) -> None:
    assert call("/api/v2/spot/trade/orderInfo", clientOid="ghost") == []


def test_spot_orders_cannot_be_reached_as_perpetual_ones(call: Call) -> None:
    order_id = place_spot(call)
    with pytest.raises(BitgetError) as refused:
        call("/api/v2/mix/order/cancel-order", **FUTURES, orderId=order_id)
    assert refused.value.code == "40768"


def test_envelopes_are_those_of_bitget() -> None:
    assert json.loads(success({"a": "1"}, 1_700_000_000_123_456_789)) == {
        "code": "00000",
        "msg": "success",
        "requestTime": 1_700_000_000_123,
        "data": {"a": "1"},
    }
    assert json.loads(failure(BitgetError("43001", "no"), 1_700_000_000_123_456_789)) == {
        "code": "43001",
        "msg": "no",
        "requestTime": 1_700_000_000_123,
        "data": None,
    }


def test_the_checksum_takes_bids_and_asks_in_turn() -> None:
    # crc32("100.0:1.0:101.0:2.0:99.0:3.0") as a signed 32-bit number.
    ladder = Ladder(bids=((1000, 10), (990, 30)), asks=((1010, 20),))
    scale = Scale(Decimal("0.1"))
    assert checksum(ladder, scale, scale) == 1_788_277_378


def test_every_endpoint_of_the_connectors_is_there(venue: Venue) -> None:
    sources = (PublicRest(venue.exchange), SpotRest(venue.exchange), MixRest(venue.exchange))
    known = {endpoint.path for source in sources for endpoint in source.endpoints()}
    wanted = json.loads((GOLDEN / "connector_paths.json").read_text())
    assert set(wanted) <= known


def test_subscriptions_to_a_symbol_name_its_market() -> None:
    arg = {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}
    assert parse_subscription(arg, private=False).market_id == SPOT
