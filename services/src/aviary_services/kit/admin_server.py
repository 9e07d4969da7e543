"""The admin port of a process: liveness, readiness, metrics, and the services' own control routes."""

from collections.abc import Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from aviary_services.kit.service import Service


class AdminServer:
    """Plain HTTP for the kubelet, Prometheus and operators. Not for the public: guard it by NetworkPolicy."""

    def __init__(self, services: Sequence[Service], metrics: CollectorRegistry, *, host: str, port: int) -> None:
        self._services = services
        self._metrics = metrics
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on; raises RuntimeError before `start`."""
        if self._runner is None:
            raise RuntimeError("the admin server has not been started")
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen. Raises OSError naming host and port when they are taken."""
        app = web.Application()
        app.add_routes([web.get("/livez", self._livez), web.get("/readyz", self._readyz)])
        app.add_routes([web.get("/metrics", self._exposition)])
        for service in self._services:
            app.add_routes(service.admin_routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        return self._verdict({s.name: (health := s.health()).live or health.reason for s in self._services})

    async def _readyz(self, _: web.Request) -> web.Response:
        return self._verdict({s.name: (health := s.health()).ready or health.reason for s in self._services})

    @staticmethod
    def _verdict(verdicts: dict[str, bool | str]) -> web.Response:
        good = all(verdict is True for verdict in verdicts.values())
        return web.json_response({"ok": good, "services": verdicts}, status=200 if good else 503)

    async def _exposition(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics), headers={"Content-Type": CONTENT_TYPE_LATEST})
