"""Puts the Bitget protocol together as one aiohttp application, the same on every port."""

from dataclasses import dataclass

from aiohttp import web

from aviary_services.sim_venue.bitget.hub import Hub
from aviary_services.sim_venue.bitget.mix_rest import MixRest
from aviary_services.sim_venue.bitget.public_rest import PublicRest
from aviary_services.sim_venue.bitget.rest_server import RestServer
from aviary_services.sim_venue.bitget.spot_rest import SpotRest
from aviary_services.sim_venue.bitget.traffic import Traffic
from aviary_services.sim_venue.bitget.websocket_server import WebSocketServer
from aviary_services.sim_venue.clock import VenueClock
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.metrics import VenueMetrics

MAX_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class BitgetWire:
    """The application, its WebSocket clients and its counters."""

    app: web.Application
    hub: Hub
    traffic: Traffic


def build_wire(exchange: Exchange, metrics: VenueMetrics, clock: VenueClock) -> BitgetWire:
    """Build it on an exchange; the hub listens to the exchange from now on."""
    hub = Hub(exchange)
    exchange.add_listener(hub)
    endpoints = [
        *PublicRest(exchange).endpoints(),
        *SpotRest(exchange).endpoints(),
        *MixRest(exchange).endpoints(),
    ]
    rest = RestServer(exchange, endpoints, metrics, clock)
    sockets = WebSocketServer(exchange, hub, metrics, clock)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.get("/v2/ws/public", sockets.public),
            web.get("/v2/ws/private", sockets.private),
            web.route("*", "/{path:.*}", rest.handle),
        ]
    )
    return BitgetWire(app, hub, rest.traffic)
