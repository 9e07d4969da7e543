"""The venue's own figures for Prometheus. No label takes a value that a client can make up."""

from typing import override

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.listeners import ExchangeListener
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderRequest, Refusal, UserOrder


class VenueMetrics(ExchangeListener):
    """Counters `sim_venue_…`; hears of orders as an exchange listener, of requests from the wire."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "sim_venue_requests", "REST requests by path and by Bitget's code.", ["path", "code"], registry=registry
        )
        self.steps = Histogram(
            "sim_venue_step_seconds",
            "Time to advance all markets once.",
            buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
            registry=registry,
        )
        self.sockets = Gauge(
            "sim_venue_websockets", "Open WebSocket connections, public and private.", ["side"], registry=registry
        )
        self.pushes = Counter("sim_venue_pushes", "WebSocket messages sent.", registry=registry)
        labels = ["product", "symbol"]
        self._accepted = Counter("sim_venue_orders_accepted", "Orders taken.", labels, registry=registry)
        self._refused = Counter(
            "sim_venue_orders_refused", "Orders not taken, by reason.", [*labels, "reason"], registry=registry
        )
        self._cancelled = Counter("sim_venue_orders_cancelled", "Orders cancelled.", labels, registry=registry)
        self._fills = Counter("sim_venue_fills", "Fills of users' orders.", [*labels, "liquidity"], registry=registry)

    @override
    def order_accepted(self, account: Account, order: UserOrder, now_ns: int) -> None:
        self._accepted.labels(*order.request.market_id).inc()

    @override
    def order_refused(self, account: Account, request: OrderRequest, refusal: Refusal, now_ns: int) -> None:
        self._refused.labels(*request.market_id, refusal.reason).inc()

    @override
    def order_filled(self, account: Account, order: UserOrder, fill: OrderFill, now_ns: int) -> None:
        self._fills.labels(*order.request.market_id, fill.liquidity).inc()

    @override
    def order_cancelled(self, account: Account, order: UserOrder, reason: str, now_ns: int) -> None:
        self._cancelled.labels(*order.request.market_id).inc()
