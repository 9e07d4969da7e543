"""Faults on demand, and what the venue tells about itself."""

import asyncio
import json
import time
from decimal import Decimal
from typing import cast

import aiohttp
import pytest

from .conftest import Body, RunningVenue, eventually
from .test_websocket import SPOT_PRIVATE, books

ORDER = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "size": "0.01", "price": "30000"}


async def test_a_ready_venue_says_so(venue: RunningVenue) -> None:
    assert await venue.ask("/readyz") == {"ok": True, "services": {"sim-venue": True}}
    assert await venue.ask("/livez") == {"ok": True, "services": {"sim-venue": True}}


async def test_planned_rejections_hit_the_next_orders_only(venue: RunningVenue) -> None:
    await venue.command("reject-next", count=2, message="not today")
    answers = [
        await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid=f"c{number}") for number in range(3)
    ]
    assert [(status, answer["code"]) for status, answer in answers] == [(400, "40015"), (400, "40015"), (200, "00000")]
    assert "not today" in cast("str", answers[0][1]["msg"])


@pytest.mark.parametrize("how", ["Abort", "Close"])
async def test_dropped_sockets_end_and_new_ones_work(venue: RunningVenue, how: str) -> None:
    async with venue.ann.socket() as public, venue.ann.private_socket() as private:
        await venue.command("drop-sockets", how=how, side="Private")
        with pytest.raises(ConnectionError):
            await private.receive()
        await public.send("ping")
        assert await public.receive() == "pong"
        await venue.command("drop-sockets", how=how)
        with pytest.raises(ConnectionError):
            await public.receive()
    async with venue.ann.private_socket() as again:
        await again.subscribe(SPOT_PRIVATE[0])


async def test_too_many_requests_get_429_until_the_limit_is_lifted(venue: RunningVenue) -> None:
    await venue.command("rate-limit", per_second=3)
    answers = [await venue.ann.get("/api/v2/public/time") for _ in range(12)]
    refused = [answer for status, answer in answers if status == 429]
    assert len(refused) >= 3
    assert {(answer["code"], answer["msg"]) for answer in refused} == {("429", "Too Many Requests")}
    await venue.command("rate-limit", per_second=0)
    assert {(await venue.ann.get("/api/v2/public/time"))[0] for _ in range(12)} == {200}


async def test_latency_delays_answers_and_pushes(venue: RunningVenue) -> None:
    async with venue.ann.private_socket() as socket:
        await socket.subscribe(SPOT_PRIVATE[2])
        await venue.command("latency", millis=300)
        started = time.monotonic()
        await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
        answered = time.monotonic()
        await socket.data("orders", clientOid="c1")
        assert answered - started >= 0.3
        assert time.monotonic() - started >= 0.6


async def test_silence_stops_market_data_and_nothing_else(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await socket.subscribe(books())
        await venue.command("silence", on=True)
        sent = await pushes(venue)
        steps = await steps_of(venue)

        async def stepped() -> bool:
            return await steps_of(venue) > steps + 5

        await eventually(stepped)
        assert await pushes(venue) == sent
        await socket.send("ping")
        while await socket.receive() != "pong":
            continue
        await venue.command("silence", on=False)
        # Differences were missed meanwhile: a client must be given the whole book again.
        assert (await socket.until(lambda message: "data" in message))["action"] == "snapshot"
        assert (await socket.until(lambda message: "data" in message))["action"] == "update"


async def pushes(venue: RunningVenue) -> int:
    return cast("dict[str, int]", (await venue.ask("/_venue/state"))["sockets"])["pushes"]


async def steps_of(venue: RunningVenue) -> int:
    return cast("list[dict[str, int]]", (await venue.ask("/_venue/state"))["markets"])[0]["steps"]


async def test_an_unavailable_venue_answers_503_and_closes_sockets(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await venue.command("outage", mode="Unavailable")
        with pytest.raises(ConnectionError):
            await socket.receive()
    status, answer = await venue.ann.get("/api/v2/public/time")
    assert (status, answer["code"]) == (503, "40200")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await venue.session.ws_connect(f"{venue.ann.base}/v2/ws/public")
    await venue.command("heal")
    assert (await venue.ann.get("/api/v2/public/time"))[0] == 200


async def test_a_refusing_venue_accepts_no_connection_and_can_still_be_healed(venue: RunningVenue) -> None:
    await venue.command("outage", mode="Refused")
    port = int(venue.ann.base.rsplit(":", 1)[1])
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    # A pod that is not ready loses its Service, and with it the way to end the outage.
    assert (await venue.ask("/readyz"))["ok"]
    await venue.command("heal")
    assert (await venue.ann.get("/api/v2/public/time"))[0] == 200


async def test_the_tape_tells_whether_a_fill_was_possible(venue: RunningVenue) -> None:
    await venue.price("61000")
    await venue.ann.post("/api/v2/spot/trade/place-order", **(ORDER | {"price": "62000"}), clientOid="c1")
    async with venue.session.get(f"{venue.admin}/_venue/orders") as response:
        events = [json.loads(line) for line in (await response.text()).splitlines()]
    (fill,) = [event for event in events if event["event"] == "Filled"]
    tape = await venue.ask(f"/_venue/tape?symbol=BTCUSDT&from_ns={fill['time_ns']}&to_ns={fill['time_ns']}")
    (quote,) = [row for row in cast("list[Body]", tape["rows"]) if "ask" in row]
    ask_price, ask_quantity = cast("list[str]", quote["ask"])
    assert Decimal(fill["fill_price"]) == Decimal(ask_price)
    assert Decimal(fill["fill_quantity"]) <= Decimal(ask_quantity)


async def test_state_counts_requests_by_path_and_account(venue: RunningVenue) -> None:
    await venue.ann.get("/api/v2/spot/account/assets", signed=True)
    await venue.bob.post("/api/v2/spot/trade/cancel-order", symbol="BTCUSDT", clientOid="ghost")
    await venue.ann.post("/api/v2/spot/trade/place-order", **ORDER, clientOid="c1")
    state = await venue.ask("/_venue/state")
    requests = cast("dict[str, Body]", state["requests"])
    assert requests["by_account"] == {"ann": 2, "bob": 1}
    assert requests["failures"] == {"43001": 1}
    accounts = {account["name"]: account for account in cast("list[dict[str, list[Body]]]", state["accounts"])}
    assert [order["client_id"] for order in accounts["ann"]["open_orders"]] == ["c1"]  # type: ignore[index]  # by name


@pytest.mark.parametrize(
    ("command", "body", "named"),
    [
        ("price", {"product": "Spot", "symbol": "NOUSDT", "price": "1"}, "listed are Spot/BTCUSDT"),
        ("price", {"product": "Spot", "symbol": "BTCUSDT", "price": "-1"}, "price"),
        ("latency", {"millis": 1_000_000}, "millis"),
        ("latency", {"milis": 5}, "milis"),
        ("outage", {"mode": "Sometimes"}, "mode"),
    ],
)
async def test_a_wrong_command_says_what_is_wrong(venue: RunningVenue, command: str, body: Body, named: str) -> None:
    async with venue.session.post(f"{venue.admin}/_venue/{command}", json=body) as response:
        assert response.status == 400
        assert named in (await response.json())["error"]


async def test_metrics_tell_orders_fills_and_requests(venue: RunningVenue) -> None:
    await venue.ann.post("/api/v2/spot/trade/place-order", **(ORDER | {"price": "90000"}), clientOid="c1")
    async with venue.session.get(f"{venue.admin}/metrics") as response:
        text = await response.text()
    assert 'sim_venue_fills_total{liquidity="Taker",product="Spot",symbol="BTCUSDT"} 1.0' in text
    assert 'sim_venue_requests_total{code="00000",path="/api/v2/spot/trade/place-order"} 1.0' in text
    assert "sim_venue_step_seconds_count" in text
