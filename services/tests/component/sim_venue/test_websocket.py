"""WebSocket over TLS: ping, login, subscriptions, pushes in the order that clients rely on."""

from decimal import Decimal
from itertools import pairwise
from typing import cast
from zlib import crc32

import pytest

from .conftest import Body, RunningVenue, Socket

SPOT_PRIVATE = (
    {"instType": "SPOT", "channel": "account", "coin": "default"},
    {"instType": "SPOT", "channel": "fill", "coin": "default"},
    {"instType": "SPOT", "channel": "orders", "instId": "BTCUSDT"},
)
MIX_PRIVATE = tuple(
    {"instType": "USDT-FUTURES", "channel": channel, "coin": "default"}
    for channel in ("account", "positions", "orders")
)


def books(product: str = "SPOT", channel: str = "books") -> dict[str, str]:
    return {"instType": product, "channel": channel, "instId": "BTCUSDT"}


async def test_ping_is_answered_with_pong(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await socket.send("ping")
        assert await socket.receive() == "pong"


async def test_a_book_subscription_starts_with_a_snapshot_and_goes_on_with_updates(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await socket.subscribe(books())
        messages = [await book_message(socket) for _ in range(6)]
        assert [message["action"] for message in messages] == ["snapshot"] + ["update"] * 5
        times = [int(cast("str", item(message)["ts"])) for message in messages]
        assert all(earlier < later for earlier, later in pairwise(times[1:]))
        assert times[0] <= times[1]
        check_that_updates_lead_to_the_checksum(messages)


async def book_message(socket: Socket) -> Body:
    return await socket.until(lambda message: "data" in message)


def item(message: Body) -> Body:
    return cast("list[Body]", message["data"])[0]


def check_that_updates_lead_to_the_checksum(messages: list[Body]) -> None:
    """Keep a book as a client does, and compare it with the checksum that the venue sends."""
    book: dict[str, dict[float, str]] = {"bids": {}, "asks": {}}
    for message in messages:
        data = item(message)
        for side, levels in book.items():
            for price, size in cast("list[list[str]]", data[side]):
                levels[float(price)] = f"{price}:{size}"
                if size == "0":
                    del levels[float(price)]
        bids = [text for _, text in sorted(book["bids"].items(), reverse=True)]
        asks = [text for _, text in sorted(book["asks"].items())]
        alternating = [text for pair in zip(bids[:25], asks[:25], strict=True) for text in pair]
        unsigned = crc32(":".join(alternating).encode())
        assert data["checksum"] == (unsigned - (1 << 32) if unsigned >> 31 else unsigned)


async def test_trades_and_tickers_are_pushed(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await socket.subscribe(books(channel="trade"), books("USDT-FUTURES", "ticker"))
        trade = await socket.data("trade")
        assert set(trade) == {"ts", "price", "size", "side", "tradeId"}
        assert cast("str", trade["tradeId"]).isdigit()
        ticker = await socket.data("ticker", symbol="BTCUSDT")
        assert {"indexPrice", "markPrice", "fundingRate", "nextFundingTime"} <= set(ticker)


async def test_nothing_is_pushed_after_unsubscribing(venue: RunningVenue) -> None:
    async with venue.ann.socket() as socket:
        await socket.subscribe(books(), books(channel="trade"))
        await socket.send({"op": "unsubscribe", "args": [books()]})
        await socket.until(lambda message: message.get("event") == "unsubscribe")
        for _ in range(3):
            message = await socket.until(lambda message: "data" in message)
            assert cast("Body", message["arg"])["channel"] == "trade"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"op": "subscribe", "args": [{"instType": "SPOT", "channel": "moon", "instId": "BTCUSDT"}]}, 30001),
        ({"op": "subscribe", "args": [books() | {"instId": "NOUSDT"}]}, 30001),
        ({"op": "dance", "args": []}, 30003),
        ({"op": "subscribe"}, 30002),
        ("hello", 30002),
        ({"op": "subscribe", "args": ["books"]}, 30002),
        ("[1]", 30002),
    ],
)
async def test_a_request_that_cannot_be_gets_bitgets_code(venue: RunningVenue, message: Body | str, code: int) -> None:
    async with venue.ann.socket() as socket:
        await socket.send(message)
        answer = await socket.receive()
        assert isinstance(answer, dict)
        assert (answer["event"], answer["code"]) == ("error", code)
        await socket.send("ping")
        assert await socket.receive() == "pong"


async def test_private_channels_need_a_login(venue: RunningVenue) -> None:
    async with venue.ann.socket("private") as socket:
        await socket.send({"op": "subscribe", "args": [SPOT_PRIVATE[0]]})
        answer = await socket.receive()
        assert isinstance(answer, dict)
        assert answer["code"] == 30004


async def test_a_wrong_login_is_refused(venue: RunningVenue) -> None:
    async with venue.ann.socket("private") as socket:
        login = cast("list[dict[str, str]]", venue.ann.login()["args"])[0]
        await socket.send({"op": "login", "args": [login | {"sign": "bm90IGl0"}]})
        answer = await socket.receive()
        assert isinstance(answer, dict)
        assert (answer["event"], answer["code"]) == ("error", 30015)


async def test_a_private_subscription_greets_with_the_balances(venue: RunningVenue) -> None:
    async with venue.ann.private_socket() as socket:
        await socket.send({"op": "subscribe", "args": [SPOT_PRIVATE[0]]})
        assert (await socket.data("account", coin="USDT"))["available"] == "10000"


async def test_a_spot_order_is_pushed_through_its_life(venue: RunningVenue) -> None:
    await venue.price("60000")
    async with venue.ann.private_socket() as socket:
        await socket.subscribe(*SPOT_PRIVATE)
        order = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "size": "0.01"}
        await venue.ann.post("/api/v2/spot/trade/place-order", **order, price="59000", clientOid="c1")
        assert (await socket.data("orders", clientOid="c1"))["status"] == "live"
        assert (await socket.data("account", coin="USDT"))["frozen"] == "590.00"
        await venue.price("58990")
        fill = await socket.data("fill", clientOid="c1")
        assert (fill["priceAvg"], fill["size"], fill["tradeScope"]) == ("59000", "0.010000", "maker")
        filled = await socket.data("orders", clientOid="c1")
        assert (filled["status"], filled["fillPrice"]) == ("filled", "59000")
        assert filled["tradeId"] == fill["tradeId"]
        assert Decimal(str((await socket.data("account", coin="BTC"))["available"])) == Decimal("1.00999")


async def test_a_perpetual_order_is_pushed_through_its_life(venue: RunningVenue) -> None:
    async with venue.ann.private_socket() as socket:
        await socket.subscribe(*MIX_PRIVATE)
        await venue.ann.post(
            "/api/v2/mix/order/place-order",
            symbol="BTCUSDT",
            productType="USDT-FUTURES",
            marginCoin="USDT",
            marginMode="crossed",
            side="sell",
            orderType="market",
            size="0.1",
            clientOid="p1",
        )
        live = await socket.data("orders", clientOid="p1")
        assert (live["status"], live["tradeSide"]) == ("live", "sell_single")
        filled = await socket.data("orders", clientOid="p1")
        assert (filled["status"], filled["baseVolume"]) == ("filled", "0.1000")
        assert cast("str", filled["fillFee"]).startswith("-")
        account = await socket.data("account", marginCoin="USDT")
        assert float(cast("str", account["equity"])) < 10_000
        position = await socket.data("positions", instId="BTCUSDT")
        assert (position["holdSide"], position["total"]) == ("short", "0.1000")


async def test_news_of_one_account_does_not_reach_another(venue: RunningVenue) -> None:
    order = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "size": "0.01", "price": "30000"}
    async with venue.ann.private_socket() as ann, venue.bob.private_socket() as bob:
        for socket in (ann, bob):
            await socket.subscribe(SPOT_PRIVATE[2])
        await venue.ann.post("/api/v2/spot/trade/place-order", **order, clientOid="of-ann")
        await venue.bob.post("/api/v2/spot/trade/place-order", **order, clientOid="of-bob")
        assert (await bob.data("orders"))["clientOid"] == "of-bob"
        assert (await ann.data("orders"))["clientOid"] == "of-ann"
