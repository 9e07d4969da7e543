"""What operators and test scenarios can ask of the venue, on the admin port below `/_venue`."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aviary_services.sim_venue.bitget.app import BitgetWire
from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.faults import Faults, Outage
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import MarketId, PositiveDecimal, Product
from aviary_services.sim_venue.exchange.orders import UserOrder
from aviary_services.sim_venue.order_log import OrderLog

PREFIX = "/_venue"
MAX_TAPE_ROWS = 20_000
"""Rows of one tape answer; ask for shorter intervals."""

PRICE_STEP = Decimal("1E-12")

type JsonObject = dict[str, object]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _SetPrice(_Command):
    product: Product
    symbol: str
    price: PositiveDecimal


class _Freeze(_Command):
    on: bool
    product: Product | None = None
    symbol: str | None = None


class _Switch(_Command):
    on: bool


class _RejectNext(_Command):
    count: Annotated[int, Field(ge=0, le=10_000)]
    message: Annotated[str, Field(min_length=1, max_length=200)] = "system is abnormal, please try again later"


class _DropSockets(_Command):
    how: Literal["Abort", "Close"] = "Abort"
    side: Literal["Public", "Private", "Both"] = "Both"


class _Latency(_Command):
    millis: Annotated[int, Field(ge=0, le=60_000)]


class _RateLimit(_Command):
    per_second: Annotated[int, Field(ge=0, le=100_000)]


class _Outage(_Command):
    mode: Outage


class _TapeQuery(_Command):
    symbol: str
    product: Product = Product.SPOT
    from_ns: Annotated[int, Field(ge=0)] = 0
    to_ns: Annotated[int, Field(ge=0)] = 2**63 - 1


class VenueControl:
    """The control routes. Every command answers with the faults in force."""

    def __init__(
        self,
        exchange: Exchange,
        wire: BitgetWire,
        order_log: OrderLog,
        set_outage: Callable[[Outage], Awaitable[None]],
    ) -> None:
        self._exchange = exchange
        self._wire = wire
        self._order_log = order_log
        self._set_outage = set_outage

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return the routes."""
        posts = {
            "price": self._price,
            "freeze": self._freeze,
            "silence": self._silence,
            "reject-next": self._reject_next,
            "drop-sockets": self._drop_sockets,
            "latency": self._latency,
            "rate-limit": self._rate_limit,
            "outage": self._outage,
            "heal": self._heal,
        }
        return [
            web.get(f"{PREFIX}/state", self._state),
            web.get(f"{PREFIX}/tape", self._tape),
            web.get(f"{PREFIX}/orders", self._orders),
            *(web.post(f"{PREFIX}/{name}", handler) for name, handler in posts.items()),
        ]

    # -- questions ---------------------------------------------------------------------------------------------------

    async def _state(self, _: web.Request) -> web.Response:
        traffic = self._wire.traffic
        clients = list(self._wire.hub)
        return web.json_response(
            {
                "markets": [_market_state(live) for live in self._exchange.markets.values()],
                "accounts": [self._account_state(account) for account in self._exchange.accounts],
                "faults": _faults_state(self._exchange.faults),
                "sockets": {
                    "public": sum(not client.private for client in clients),
                    "private": sum(client.private for client in clients),
                    "pushes": self._wire.hub.pushes,
                },
                "requests": {
                    "by_path": dict(traffic.by_path),
                    "by_account": dict(traffic.by_account),
                    "failures": dict(traffic.failures),
                    "unknown_paths": dict(traffic.unknown_paths),
                },
            }
        )

    async def _tape(self, request: web.Request) -> web.Response:
        query = _parse(_TapeQuery, dict(request.query))
        live = self._market(query.product, query.symbol)
        rows: list[JsonObject] = []
        for row in _tape_rows(live, query):
            if len(rows) == MAX_TAPE_ROWS:
                raise _bad(f"more than {MAX_TAPE_ROWS} rows: ask for a shorter interval with from_ns and to_ns")
            rows.append(row)
        return web.json_response({"product": query.product, "symbol": query.symbol, "rows": rows})

    async def _orders(self, request: web.Request) -> web.StreamResponse:
        """Send the whole order log as JSON lines, the rotated part first."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for path in (self._order_log.previous, self._order_log.path):
            if path.exists():
                with path.open("rb") as file:
                    while chunk := file.read(64 * 1024):
                        await response.write(chunk)
        await response.write_eof()
        return response

    # -- commands ----------------------------------------------------------------------------------------------------

    async def _price(self, request: web.Request) -> web.Response:
        command = await _read(_SetPrice, request)
        live = self._market(command.product, command.symbol)
        if not live.feed.set_price(live.ticks.floor(command.price)):
            raise _bad("a recorded tape is being played: its prices cannot be set")
        return self._done()

    async def _freeze(self, request: web.Request) -> web.Response:
        command = await _read(_Freeze, request)
        for market_id, live in self._exchange.markets.items():
            if command.product in {None, market_id.product} and command.symbol in {None, market_id.symbol}:
                live.feed.freeze(frozen=command.on)
        return self._done()

    async def _silence(self, request: web.Request) -> web.Response:
        self._exchange.faults.silent = (await _read(_Switch, request)).on
        return self._done()

    async def _reject_next(self, request: web.Request) -> web.Response:
        command = await _read(_RejectNext, request)
        self._exchange.faults.reject_next = command.count
        self._exchange.faults.reject_message = command.message
        return self._done()

    async def _drop_sockets(self, request: web.Request) -> web.Response:
        command = await _read(_DropSockets, request)
        for client in self._wire.hub:
            if command.side == "Both" or (command.side == "Private") == client.private:
                if command.how == "Abort":
                    client.drop()
                else:
                    await client.close(1001, "venue closed")
        return self._done()

    async def _latency(self, request: web.Request) -> web.Response:
        self._exchange.faults.latency_ms = (await _read(_Latency, request)).millis
        return self._done()

    async def _rate_limit(self, request: web.Request) -> web.Response:
        self._exchange.faults.requests_per_second = (await _read(_RateLimit, request)).per_second
        return self._done()

    async def _outage(self, request: web.Request) -> web.Response:
        await self._set_outage((await _read(_Outage, request)).mode)
        return self._done()

    async def _heal(self, _: web.Request) -> web.Response:
        """End every fault and release frozen prices."""
        await self._set_outage(Outage.NONE)
        self._exchange.faults = Faults()
        for live in self._exchange.markets.values():
            live.feed.freeze(frozen=False)
        return self._done()

    def _done(self) -> web.Response:
        return web.json_response({"faults": _faults_state(self._exchange.faults)})

    def _market(self, product: Product, symbol: str) -> LiveMarket:
        live = self._exchange.markets.get(MarketId(product, symbol))
        if live is None:
            listed = ", ".join(f"{m.product}/{m.symbol}" for m in self._exchange.markets)
            raise _bad(f"{product}/{symbol} is not listed; listed are {listed}")
        return live

    def _account_state(self, account: Account) -> JsonObject:
        futures, mark = account.futures, self._exchange.mark_price
        return {
            "name": account.name,
            "spot": {
                asset: {"available": f"{b.available:f}", "frozen": f"{b.frozen:f}"} for asset, b in account.wallet
            },
            "futures": {
                "wallet": f"{futures.wallet:f}",
                "equity": f"{futures.equity(mark):f}" if self._exchange.is_open else None,
                "mode": futures.mode,
                "positions": [
                    {
                        "symbol": position.symbol,
                        "hold_side": position.hold_side,
                        "quantity": f"{position.quantity:f}",
                        "entry_price": f"{position.entry_price.quantize(PRICE_STEP):f}",
                        "realised": f"{position.realised:f}",
                    }
                    for position in futures
                ],
            },
            "open_orders": [_order_state(order) for order in account.open_orders()],
        }


def _market_state(live: LiveMarket) -> JsonObject:
    bid = live.ticks.text(live.ladder.bids[0][0]) if live.ladder.bids else None
    ask = live.ticks.text(live.ladder.asks[0][0]) if live.ladder.asks else None
    product, symbol = live.market.market_id
    return {
        "product": product,
        "symbol": symbol,
        "bid": bid,
        "ask": ask,
        "steps": live.sequence,
        "trades": live.trades,
        "last_step_ns": live.last_step_ns,
    }


def _order_state(order: UserOrder) -> JsonObject:
    request = order.request
    return {
        "order_id": order.order_id,
        "client_id": request.client_id,
        "product": request.market_id.product,
        "symbol": request.market_id.symbol,
        "side": request.side,
        "kind": request.kind,
        "price": None if request.price is None else f"{request.price:f}",
        "quantity": f"{order.quantity:f}",
        "filled": f"{order.filled:f}",
        "created_ns": order.created_ns,
    }


def _faults_state(faults: Faults) -> JsonObject:
    return {
        "outage": faults.outage,
        "silent": faults.silent,
        "latency_ms": faults.latency_ms,
        "requests_per_second": faults.requests_per_second,
        "reject_next": faults.reject_next,
    }


def _tape_rows(live: LiveMarket, query: _TapeQuery) -> Iterator[JsonObject]:
    def side(ticks: int, lots: int) -> tuple[str, str] | None:
        return (live.ticks.text(ticks), live.lots.text(lots)) if lots else None

    for quote in live.tape.quotes(query.from_ns, query.to_ns):
        yield {
            "time_ns": quote.time_ns,
            "bid": side(quote.bid_ticks, quote.bid_lots),
            "ask": side(quote.ask_ticks, quote.ask_lots),
        }
    for trade in live.tape.prints(query.from_ns, query.to_ns):
        yield {"time_ns": trade.time_ns, "trade": side(trade.ticks, trade.lots), "taker": trade.taker}


async def _read[C: _Command](kind: type[C], request: web.Request) -> C:
    try:
        body = json.loads(await request.text() or "{}", parse_float=Decimal)
    except ValueError as error:
        raise _bad(f"the body is not JSON: {error}") from error
    return _parse(kind, body)


def _parse[C: _Command](kind: type[C], body: object) -> C:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _bad(str(error)) from error


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": message}), content_type="application/json")
