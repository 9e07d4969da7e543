"""A running venue on loopback, with TLS, and a client that speaks the protocol by hand."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import aiohttp
import pytest
from aviary_services.kit.admin_server import AdminServer
from aviary_services.kit.service import ServiceContext
from aviary_services.sim_venue.service import SimVenueService
from aviary_services.sim_venue.settings import SimVenueSettings
from prometheus_client import CollectorRegistry

ACCOUNTS = {
    "accounts": [
        {
            "name": name,
            "api_key": f"key-{name}",
            "secret": f"secret-{name}",
            "passphrase": f"pass-{name}",
            "spot": {"USDT": "10000", "BTC": "1"},
            "usdt_futures": "10000",
        }
        for name in ("ann", "bob")
    ]
}
DEADLINE_S = 10.0

type Body = dict[str, object]


def sign(secret: str, message: str) -> str:
    """Sign as Bitget's documentation says; on purpose not with the venue's own code."""
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()).decode()


@dataclass
class Socket:
    """A WebSocket client with deadlines."""

    raw: aiohttp.ClientWebSocketResponse

    async def send(self, message: Body | str) -> None:
        await (self.raw.send_str(message) if isinstance(message, str) else self.raw.send_json(message))

    async def subscribe(self, *args: dict[str, str]) -> None:
        """Subscribe and read the answers; data that comes between them is left out."""
        await self.send({"op": "subscribe", "args": list(args)})
        expected = [{"event": "subscribe", "arg": arg} for arg in args]
        while expected:
            answer = await self.until(lambda message: "event" in message)
            assert answer == expected.pop(0)

    async def receive(self) -> Body | str:
        async with asyncio.timeout(DEADLINE_S):
            message = await self.raw.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"the socket ended: {message.type.name} {message.data}")
        return cast("Body", json.loads(message.data)) if message.data.startswith("{") else str(message.data)

    async def until(self, wanted: Callable[[Body], bool]) -> Body:
        """Return the first message that is wanted, skipping others."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self.receive()
                if isinstance(message, dict) and wanted(message):
                    return message

    async def data(self, channel: str, **fields: str) -> Body:
        """Return the first item of a channel whose fields are as given."""

        def item(message: Body) -> Body | None:
            if "data" not in message or cast("Body", message["arg"])["channel"] != channel:
                return None
            items = cast("list[Body]", message["data"])
            return next((i for i in items if all(i.get(name) == value for name, value in fields.items())), None)

        found = item(await self.until(lambda message: item(message) is not None))
        assert found is not None
        return found


@dataclass
class Client:
    """Speaks REST and WebSocket to a venue, signed as one account."""

    session: aiohttp.ClientSession
    base: str
    name: str = "ann"
    skew_ms: int = 0
    wrong_secret: bool = False

    async def get(self, path: str, *, signed: bool = False, **query: str) -> tuple[int, Body]:
        target = f"{path}?{urlencode(query)}" if query else path
        return await self._request("GET", target, "", signed=signed)

    async def post(self, path: str, **body: str) -> tuple[int, Body]:
        return await self._request("POST", path, json.dumps(body), signed=True)

    async def _request(self, method: str, target: str, body: str, *, signed: bool) -> tuple[int, Body]:
        headers = {"Content-Type": "application/json"}
        if signed:
            timestamp = str(int(time.time() * 1000) + self.skew_ms)
            secret = "wrong" if self.wrong_secret else f"secret-{self.name}"
            headers |= {
                "ACCESS-KEY": f"key-{self.name}",
                "ACCESS-SIGN": sign(secret, timestamp + method + target + body),
                "ACCESS-TIMESTAMP": timestamp,
                "ACCESS-PASSPHRASE": f"pass-{self.name}",
            }
        url = self.base + target
        async with self.session.request(method, url, data=body or None, headers=headers) as response:
            return response.status, cast("Body", await response.json())

    @asynccontextmanager
    async def socket(self, side: str = "public") -> AsyncIterator[Socket]:
        async with self.session.ws_connect(f"{self.base}/v2/ws/{side}") as raw:
            yield Socket(raw)

    @asynccontextmanager
    async def private_socket(self) -> AsyncIterator[Socket]:
        """Connect and log in."""
        async with self.socket("private") as socket:
            await socket.send(self.login())
            assert await socket.receive() == {"event": "login", "code": 0}
            yield socket

    def login(self) -> Body:
        timestamp = str(int(time.time()))
        signature = sign(f"secret-{self.name}", timestamp + "GET/user/verify")
        login = {"apiKey": f"key-{self.name}", "passphrase": f"pass-{self.name}", "timestamp": timestamp}
        return {"op": "login", "args": [login | {"sign": signature}]}


@dataclass
class RunningVenue:
    """A venue with its admin server, and clients for both accounts."""

    service: SimVenueService
    ann: Client
    bob: Client
    admin: str
    session: aiohttp.ClientSession
    folder: Path

    async def command(self, name: str, **body: object) -> Body:
        async with self.session.post(f"{self.admin}/_venue/{name}", json=body) as response:
            assert response.status == 200, await response.text()
            return cast("Body", await response.json())

    async def ask(self, path: str) -> Body:
        async with self.session.get(f"{self.admin}{path}") as response:
            return cast("Body", await response.json())

    async def price(self, price: str, *, product: str = "Spot", symbol: str = "BTCUSDT") -> None:
        """Set a price and wait until the market shows it, frozen."""
        await self.command("freeze", on=True)
        await self.command("price", product=product, symbol=symbol, price=price)

        async def shown() -> bool:
            markets = cast("list[dict[str, str]]", (await self.ask("/_venue/state"))["markets"])
            bid = next(m["bid"] for m in markets if (m["product"], m["symbol"]) == (product, symbol))
            return abs(float(bid) - float(price)) < 1

        await eventually(shown)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds; fails after a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110  the condition lives in another process or port
            await asyncio.sleep(0.02)


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[RunningVenue]:
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS))
    settings = SimVenueSettings(
        host="127.0.0.1",
        tls_port=0,
        pki_dir=tmp_path / "pki",
        accounts_file=accounts,
        data_dir=tmp_path / "data",
        step_millis=100,
    )
    registry = CollectorRegistry()
    service = SimVenueService(settings, ServiceContext(registry))
    admin = AdminServer([service], registry, host="127.0.0.1", port=0)
    await admin.start()
    await service.start()
    context = ssl.create_default_context(cafile=tmp_path / "pki" / "ca.crt")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        base = f"https://localhost:{service.ports.ports['tls']}"
        ann, bob = Client(session, base, "ann"), Client(session, base, "bob")
        yield RunningVenue(service, ann, bob, f"http://127.0.0.1:{admin.port}", session, tmp_path)
    await service.stop()
    await admin.stop()
