"""REST over TLS, with signatures."""

from dataclasses import replace
from typing import cast

import pytest

from .conftest import Body, RunningVenue

ORDER = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "size": "0.01", "price": "30000"}


async def test_public_data_needs_no_key(venue: RunningVenue) -> None:
    status, answer = await venue.ann.get("/api/v2/spot/market/orderbook", symbol="BTCUSDT", limit="5")
    book = cast("Body", answer["data"])
    assert (status, answer["code"]) == (200, "00000")
    assert len(cast("list[object]", book["bids"])) == 5


async def test_money_needs_a_key(venue: RunningVenue) -> None:
    status, answer = await venue.ann.get("/api/v2/spot/account/assets")
    assert (status, answer["code"]) == (400, "40001")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"wrong_secret": True}, "40009"),
        ({"skew_ms": -31_000}, "40008"),
        ({"skew_ms": 31_000}, "40008"),
        ({"name": "eve"}, "40006"),
    ],
)
async def test_a_bad_signature_is_refused(venue: RunningVenue, changes: dict[str, object], code: str) -> None:
    client = replace(venue.ann, **changes)  # type: ignore[arg-type]  # a table of fields
    status, answer = await client.get("/api/v2/spot/account/assets", signed=True)
    assert (status, answer["code"]) == (400, code)


async def test_signatures_cover_query_and_body(venue: RunningVenue) -> None:
    status, answer = await venue.ann.get("/api/v2/spot/account/assets", signed=True, coin="USDT")
    assert (status, [item["coin"] for item in cast("list[Body]", answer["data"])]) == (200, ["USDT"])
    status, _ = await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
    assert status == 200


async def test_an_order_lives_and_dies(venue: RunningVenue) -> None:
    _, placed = await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
    order_id = cast("dict[str, str]", placed["data"])["orderId"]
    _, info = await venue.ann.get("/api/v2/spot/trade/orderInfo", signed=True, clientOid="c1")
    assert cast("list[Body]", info["data"])[0]["status"] == "live"
    _, cancelled = await venue.ann.post("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="c1")
    assert cancelled["data"] == {"orderId": order_id, "clientOid": "c1"}
    status, again = await venue.ann.post("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="c1")
    assert (status, again["code"]) == (400, "43001")


async def test_an_unknown_order_cannot_be_cancelled(venue: RunningVenue) -> None:
    status, answer = await venue.ann.post("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="ghost")
    assert (status, answer["code"]) == (400, "43001")


async def test_accounts_do_not_see_each_other(venue: RunningVenue) -> None:
    await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
    _, info = await venue.bob.get("/api/v2/spot/trade/orderInfo", signed=True, clientOid="c1")
    assert info["data"] == []
    _, assets = await venue.bob.get("/api/v2/spot/account/assets", signed=True)
    assert {item["frozen"] for item in cast("list[Body]", assets["data"])} == {"0"}
    status, answer = await venue.bob.post("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="c1")
    assert (status, answer["code"]) == (400, "43001")


@pytest.mark.parametrize("path", ["/api/v2/spot/market/candles", "/", "/v2/ws/nowhere"])
async def test_an_unknown_path_is_bitgets_404_and_is_counted(venue: RunningVenue, path: str) -> None:
    status, answer = await venue.ann.get(path)
    assert (status, answer["code"]) == (404, "40404")
    requests = cast("dict[str, Body]", (await venue.ask("/_venue/state"))["requests"])
    assert requests["unknown_paths"] == {f"GET {path}": 1}


async def test_a_body_that_is_not_json_is_refused(venue: RunningVenue) -> None:
    status, answer = await venue.ann._request("POST", "/api/v2/spot/trade/place-order", "size=1", signed=True)
    assert (status, answer["code"]) == (400, "40017")


async def test_a_fault_of_the_venue_itself_is_bitgets_500(venue: RunningVenue, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(venue.service.exchange, "place", fail)
    status, answer = await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
    assert (status, answer["code"]) == (500, "40015")
    assert "fire" not in str(answer)


async def test_perpetual_position_is_opened_and_closed(venue: RunningVenue) -> None:
    futures = {"productType": "USDT-FUTURES", "symbol": "BTCUSDT", "marginCoin": "USDT", "marginMode": "crossed"}
    await venue.ann.post("/api/v2/mix/account/set-leverage", **futures, leverage="5")
    order = {"side": "buy", "orderType": "market", "size": "0.1", "force": "gtc"}
    status, _ = await venue.ann.post("/api/v2/mix/order/place-order", **futures, **order, clientOid="open")
    assert status == 200
    _, held = await venue.ann.get("/api/v2/mix/position/all-position", signed=True, productType="USDT-FUTURES")
    (position,) = cast("list[Body]", held["data"])
    assert (position["holdSide"], position["total"], position["leverage"]) == ("long", "0.1000", "5")
    closing = order | {"side": "sell", "reduceOnly": "YES"}
    await venue.ann.post("/api/v2/mix/order/place-order", **futures, **closing, clientOid="close")
    _, held = await venue.ann.get("/api/v2/mix/position/all-position", signed=True, productType="USDT-FUTURES")
    assert held["data"] == []
