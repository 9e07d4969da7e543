"""The WebSocket side of the wire: ping, login, subscribe, unsubscribe; pushes are the hub's."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from aviary_services.sim_venue.bitget.channels import DEFAULT, Subscription, parse_subscription
from aviary_services.sim_venue.bitget.connection import Connection
from aviary_services.sim_venue.bitget.envelope import UNAVAILABLE, BitgetError, Json, dump, failure
from aviary_services.sim_venue.bitget.hub import Hub
from aviary_services.sim_venue.bitget.signature import authenticate_login
from aviary_services.sim_venue.clock import VenueClock
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.faults import Outage
from aviary_services.sim_venue.metrics import VenueMetrics

IDLE_SECONDS = 120.0
"""Bitget closes a connection on which it has heard nothing for two minutes; clients send "ping" every 30 s."""
MAX_MESSAGE_BYTES = 64 * 1024


class WebSocketServer:
    """Serves /v2/ws/public and /v2/ws/private."""

    def __init__(self, exchange: Exchange, hub: Hub, metrics: VenueMetrics, clock: VenueClock) -> None:
        self._exchange = exchange
        self._hub = hub
        self._metrics = metrics
        self._clock = clock

    async def public(self, request: web.Request) -> web.StreamResponse:
        """Serve a public client until it goes."""
        return await self._serve(request, private=False)

    async def private(self, request: web.Request) -> web.StreamResponse:
        """Serve a private client until it goes."""
        return await self._serve(request, private=True)

    async def _serve(self, request: web.Request, *, private: bool) -> web.StreamResponse:
        if self._exchange.faults.outage is not Outage.NONE:
            return web.Response(text=failure(UNAVAILABLE, self._clock.now_ns()), status=UNAVAILABLE.status)
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await socket.prepare(request)
        client = Connection(socket, private=private, transport=request.transport)
        gauge = self._metrics.sockets.labels("private" if private else "public")
        self._hub.add(client)
        gauge.inc()
        writer = asyncio.create_task(client.write_loop())
        try:
            await self._read(client)
        finally:
            self._hub.remove(client)
            gauge.dec()
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError, ClientConnectionResetError):
                await writer
        return socket

    async def _read(self, client: Connection) -> None:
        while not client.socket.closed:
            try:
                message = await client.socket.receive(timeout=IDLE_SECONDS)
            except TimeoutError:
                await client.close(WSCloseCode.POLICY_VIOLATION, "no ping for two minutes")
                return
            if message.type is not WSMsgType.TEXT:
                return
            if message.data == "ping":
                client.send("pong")
                continue
            self._answer(client, message.data, self._clock.now_ns())

    def _answer(self, client: Connection, text: str, now_ns: int) -> None:
        try:
            message = json.loads(text)
            operation, arguments = message["op"], [_strings(arg) for arg in message["args"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            client.send(dump(_error(BitgetError("30002", "Illegal request"), None)))
            return
        match operation:
            case "login":
                client.send(dump(self._login(client, arguments, now_ns)))
            case "subscribe":
                self._subscribe(client, arguments, now_ns)
            case "unsubscribe":
                self._unsubscribe(client, arguments)
            case _:
                client.send(dump(_error(BitgetError("30003", "Invalid op"), None)))

    def _login(self, client: Connection, arguments: list[dict[str, str]], now_ns: int) -> Json:
        try:
            login = arguments[0] if arguments else {}
            client.account = authenticate_login(self._exchange.accounts, login, now_ns=now_ns)
        except BitgetError as error:
            return _error(error, None)
        return {"event": "login", "code": 0}

    def _subscribe(self, client: Connection, arguments: list[dict[str, str]], now_ns: int) -> None:
        for arg in arguments:
            try:
                subscription = self._allowed(client, arg)
            except BitgetError as error:
                client.send(dump(_error(error, arg)))
                continue
            client.send(dump({"event": "subscribe", "arg": subscription.arg()}))
            self._hub.subscribe(client, subscription, now_ns)

    def _allowed(self, client: Connection, arg: Mapping[str, str]) -> Subscription:
        subscription = parse_subscription(arg, private=client.private)
        if client.private and client.account is None:
            raise BitgetError("30004", "User needs to log in")
        unlisted = subscription.market_id not in self._exchange.markets
        if unlisted and not (client.private and subscription.inst_id == DEFAULT):
            raise BitgetError("30001", f"instId:{subscription.inst_id} doesn't exist")
        return subscription

    def _unsubscribe(self, client: Connection, arguments: list[dict[str, str]]) -> None:
        for arg in arguments:
            try:
                subscription = parse_subscription(arg, private=client.private)
            except BitgetError as error:
                client.send(dump(_error(error, arg)))
                continue
            self._hub.unsubscribe(client, subscription)
            client.send(dump({"event": "unsubscribe", "arg": subscription.arg()}))


def _strings(arg: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in arg.items()}


def _error(error: BitgetError, arg: Mapping[str, str] | None) -> Json:
    answer: dict[str, Json] = {"event": "error", "code": int(error.code), "msg": error.message}
    if arg is not None:
        answer["arg"] = arg
    return answer
