"""``/healthz``, ``/readyz`` and ``/metrics`` of the operator.

Both probes mean something: ready is "the indexes are filled, the resync heartbeat is fresh and the API server
answers"; healthy is "the loop turns and the heartbeat is not long gone". An operator whose watches froze silently
(a known failure of long-lived watches) loses its heartbeat's freshness and is restarted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from aviary_operator.runtime.metrics import Metrics

API_SILENCE_LIMIT_SECONDS: Final = 15.0
_OK: Final = 200
_UNAVAILABLE: Final = 503


@dataclass
class Heartbeat:
    """Signs of life that the parts leave; times are those of ``clock``."""

    clock: Callable[[], float]
    period_seconds: float
    synced: bool = False
    last_resync: float | None = field(default=None)

    def beat(self) -> None:
        """Note that the resync has just run."""
        self.last_resync = self.clock()

    @property
    def age_seconds(self) -> float | None:
        """Seconds since the last resync; None before the first."""
        return None if self.last_resync is None else self.clock() - self.last_resync


def decide_ready(*, synced: bool, heartbeat_age: float | None, period: float, api_silent: float) -> str | None:
    """Return why the operator is not ready, or None when it is."""
    if not synced:
        return "indexes not filled yet: waiting for the first lists from the API server"
    if heartbeat_age is None or heartbeat_age > 3 * period:
        return f"no resync for {heartbeat_age or 0:.0f} s; it should come every {period:.0f} s"
    if api_silent > API_SILENCE_LIMIT_SECONDS:
        return f"the API server has not answered for {api_silent:.0f} s"
    return None


def decide_alive(*, heartbeat_age: float | None, period: float) -> str | None:
    """Return why the process must be restarted, or None. An API server that is away is no reason."""
    if heartbeat_age is not None and heartbeat_age > 5 * period:
        return f"no resync for {heartbeat_age:.0f} s; it should come every {period:.0f} s"
    return None


def build_health_app(heartbeat: Heartbeat, metrics: Metrics) -> web.Application:
    """Return the web application."""

    async def healthz(_: web.Request) -> web.Response:
        return _answer(decide_alive(heartbeat_age=heartbeat.age_seconds, period=heartbeat.period_seconds))

    async def readyz(_: web.Request) -> web.Response:
        return _answer(
            decide_ready(
                synced=heartbeat.synced,
                heartbeat_age=heartbeat.age_seconds,
                period=heartbeat.period_seconds,
                api_silent=metrics.api_silent_seconds,
            )
        )

    async def scrape(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", scrape)])
    return app


def _answer(problem: str | None) -> web.Response:
    return web.Response(text=(problem or "ok") + "\n", status=_OK if problem is None else _UNAVAILABLE)


async def serve_health(app: web.Application, *, port: int) -> web.AppRunner:
    """Serve ``app`` on all addresses; the caller cleans the runner up."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
