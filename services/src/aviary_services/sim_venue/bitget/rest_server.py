"""The REST side of the wire: outage, latency, limits, signature, then the endpoint."""

import asyncio
import json
from collections.abc import Mapping

from aiohttp import web

from aviary_services.kit.logs import get_logger
from aviary_services.sim_venue.bitget.envelope import (
    FAILED,
    NOT_FOUND,
    OK,
    TOO_MANY_REQUESTS,
    UNAVAILABLE,
    BitgetError,
    failure,
    success,
)
from aviary_services.sim_venue.bitget.rest import Endpoint, RestCall
from aviary_services.sim_venue.bitget.signature import authenticate_request
from aviary_services.sim_venue.bitget.traffic import UNKNOWN, RateLimiter, Traffic
from aviary_services.sim_venue.clock import VenueClock
from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.faults import Outage
from aviary_services.sim_venue.metrics import VenueMetrics

log = get_logger(__name__)


class RestServer:
    """Answers every path: known ones by their endpoint, others with Bitget's 404."""

    def __init__(self, exchange: Exchange, endpoints: list[Endpoint], metrics: VenueMetrics, clock: VenueClock) -> None:
        self._exchange = exchange
        self._endpoints = {endpoint.path: endpoint for endpoint in endpoints}
        self._metrics = metrics
        self._clock = clock
        self._limiter = RateLimiter()
        self.traffic = Traffic()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; never raises."""
        faults = self._exchange.faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1_000)
        raw = await request.text()
        now_ns = self._clock.now_ns()
        endpoint = self._endpoints.get(request.path)
        account: Account | None = None
        try:
            self._check_limits(request, now_ns)
            endpoint = self._known(endpoint, request)
            if endpoint.signed:
                account = self._authenticate(request, raw, now_ns)
            call = RestCall(_values(request, raw), account, now_ns)
            text, status, code = success(endpoint.answer(call), now_ns), 200, OK
        except BitgetError as error:
            text, status, code = failure(error, now_ns), error.status, error.code
        except Exception:
            log.exception("an endpoint failed", method=request.method, path=request.path)
            text, status, code = failure(FAILED, now_ns), FAILED.status, FAILED.code
        known = request.path in self._endpoints
        name = None if account is None else account.name
        if self.traffic.count(method=request.method, path=request.path, known=known, account=name, code=code):
            log.warning("a client wants a path that the venue lacks", method=request.method, path=request.path)
        self._metrics.requests.labels(request.path if known else UNKNOWN, code).inc()
        return web.Response(text=text, status=status, content_type="application/json")

    def _check_limits(self, request: web.Request, now_ns: int) -> None:
        faults = self._exchange.faults
        if faults.outage is not Outage.NONE:
            raise UNAVAILABLE
        client = request.headers.get("ACCESS-KEY") or request.remote or ""
        if not self._limiter.allows(client, per_second=faults.requests_per_second, now_ns=now_ns):
            raise TOO_MANY_REQUESTS

    @staticmethod
    def _known(endpoint: Endpoint | None, request: web.Request) -> Endpoint:
        if endpoint is None or endpoint.method != request.method:
            raise NOT_FOUND
        return endpoint

    def _authenticate(self, request: web.Request, raw: str, now_ns: int) -> Account:
        return authenticate_request(
            self._exchange.accounts,
            request.headers,
            method=request.method,
            path=request.raw_path,
            body=raw,
            now_ns=now_ns,
        )


def _values(request: web.Request, raw: str) -> Mapping[str, str]:
    if request.method == "GET":
        return dict(request.query)
    try:
        body = json.loads(raw or "{}")
    except ValueError as error:
        raise BitgetError("40017", "Parameter verification failed") from error
    if not isinstance(body, dict):
        raise BitgetError("40017", "Parameter verification failed")
    return {str(name): str(value) for name, value in body.items() if value is not None}
