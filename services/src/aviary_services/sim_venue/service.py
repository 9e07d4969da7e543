"""Runs the simulated venue: builds it from settings, steps it, serves it."""

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from typing import override

from aiohttp import WSCloseCode, web

from aviary_services.kit.logs import get_logger
from aviary_services.kit.service import Health, Service, ServiceContext
from aviary_services.sim_venue.bitget.app import BitgetWire, build_wire
from aviary_services.sim_venue.clock import VenueClock
from aviary_services.sim_venue.control import VenueControl
from aviary_services.sim_venue.exchange.accounts import Accounts, load_accounts
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.faults import Outage
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import MarketId, load_markets
from aviary_services.sim_venue.exchange.price_process import Feed, WalkingFeed
from aviary_services.sim_venue.exchange.recorded_tape import load_recording
from aviary_services.sim_venue.metrics import VenueMetrics
from aviary_services.sim_venue.order_log import OrderLog
from aviary_services.sim_venue.ports import WirePorts, server_context
from aviary_services.sim_venue.settings import SimVenueSettings

TAPE_SECONDS = 2 * 3600
_LIVE_STEPS = 40
"""The price process counts as dead after this many steps without one."""

log = get_logger(__name__)


class SimVenueService(Service):
    """The venue as a service: one process, everything in memory."""

    name = "sim-venue"

    def __init__(self, settings: SimVenueSettings, context: ServiceContext) -> None:
        """Build everything that can be wrong in the settings; raises ValueError or OSError."""
        if settings.log_level is not None:
            logging.getLogger(__package__).setLevel(settings.log_level)
        self._settings = settings
        self._clock = VenueClock()
        self._metrics = VenueMetrics(context.metrics)
        self.exchange = build_exchange(settings, first_id=self._clock.now_ns() // 1_000_000 * 1_000)
        self.order_log = OrderLog(settings.data_dir)
        self.exchange.add_listener(self._metrics)
        self.exchange.add_listener(self.order_log)
        self.wire: BitgetWire = build_wire(self.exchange, self._metrics, self._clock)
        self.ports = WirePorts(
            self.wire.app, host=settings.host, tls=self._tls(settings), plain_port=settings.plain_port
        )
        self._control = VenueControl(self.exchange, self.wire, self.order_log, self.set_outage)
        self._stepper: asyncio.Task[None] | None = None
        self._last_step = 0.0

    @override
    async def start(self) -> None:
        await self.ports.start()
        self.step()
        await self.ports.listen()
        self._stepper = asyncio.create_task(self._run(), name="price process")
        markets = [f"{market.product}/{market.symbol}" for market in self.exchange.markets]
        accounts = [account.name for account in self.exchange.accounts]
        log.info("venue open", ports=self.ports.ports, markets=markets, accounts=accounts, seed=self._settings.seed)

    @override
    async def wait(self) -> None:
        if self._stepper is not None:
            await asyncio.shield(self._stepper)

    @override
    async def stop(self) -> None:
        if self._stepper is not None:
            self._stepper.cancel()
        await self._close_sockets()
        await self.ports.stop()
        self.order_log.close()

    @override
    def health(self) -> Health:
        age = time.monotonic() - self._last_step
        stepping = self._stepper is not None and not self._stepper.done()
        live = stepping and age < _LIVE_STEPS * self._settings.step_millis / 1_000
        if not live:
            return Health(live=False, ready=False, reason=f"the price process last stepped {age:.1f} s ago")
        # An outage that was asked for is no fault of the pod: it must stay reachable for whoever ends it.
        if not self.ports.is_listening and self.exchange.faults.outage is not Outage.REFUSED:
            return Health(live=True, ready=False, reason="a port is not listening")
        if not self.exchange.is_open:
            return Health(live=True, ready=False, reason="a market has not shown a book yet")
        return Health(live=True, ready=True)

    @override
    def admin_routes(self) -> Sequence[web.AbstractRouteDef]:
        return self._control.routes()

    async def set_outage(self, outage: Outage) -> None:
        """Put the venue away or back: ports, open sockets and answers together."""
        self.exchange.faults.outage = outage
        if outage is Outage.NONE:
            await self.ports.listen()
            return
        if outage is Outage.REFUSED:
            await self.ports.refuse()
        else:
            await self.ports.listen()
        await self._close_sockets()

    def step(self) -> None:
        """Advance all markets once, now."""
        pushed = self.wire.hub.pushes
        with self._metrics.steps.time():
            self.exchange.step(self._clock.now_ns())
        self._metrics.pushes.inc(self.wire.hub.pushes - pushed)
        self._last_step = time.monotonic()

    async def _run(self) -> None:
        pause = self._settings.step_millis / 1_000
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # Steps keep their rhythm; after a long standstill they do not catch up.
            due = max(due + pause, loop.time())
            await asyncio.sleep(due - loop.time())
            self.step()

    async def _close_sockets(self) -> None:
        clients = list(self.wire.hub)
        await asyncio.gather(*(client.close(WSCloseCode.GOING_AWAY, "venue closed") for client in clients))

    @staticmethod
    def _tls(settings: SimVenueSettings) -> tuple[int, ssl.SSLContext] | None:
        if not settings.has_tls:
            return None
        certificate, key = settings.tls_cert, settings.tls_key
        if settings.pki_dir is not None and certificate is None:
            # Costs 10 MB of memory: only where the venue makes its own certificate.
            from aviary_services.sim_venue.pki import ensure_pki

            files = ensure_pki(settings.pki_dir)
            certificate, key = files.certificate, files.key
        return settings.tls_port, server_context(str(certificate), str(key))


def build_exchange(settings: SimVenueSettings, *, first_id: int) -> Exchange:
    """Return the exchange that the settings ask for; raises ValueError or OSError saying what is wrong where."""
    markets = {market.market_id: market for market in load_markets(settings.markets_file)}
    feeds: dict[MarketId, Feed] = {}
    if settings.tape_file is not None:
        feeds.update(load_recording(settings.tape_file, markets))
    else:
        feeds.update({market_id: WalkingFeed(market, settings.seed) for market_id, market in markets.items()})
    capacity = TAPE_SECONDS * 1_000 // settings.step_millis * 9 // 8
    live = [LiveMarket(market, feeds[market_id], tape_capacity=capacity) for market_id, market in markets.items()]
    return Exchange(live, Accounts(load_accounts(settings.accounts_file)), first_id=first_id)
