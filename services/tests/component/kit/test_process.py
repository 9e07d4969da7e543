"""Starting, watching and stopping services in one process."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import override

import aiohttp
import pytest
from aiohttp import web
from aviary_services.kit.admin_server import AdminServer
from aviary_services.kit.process import run_services
from aviary_services.kit.service import Health, Service
from aviary_services.kit.settings import ProcessSettings
from prometheus_client import CollectorRegistry, Counter

SETTINGS = ProcessSettings(admin_host="127.0.0.1", admin_port=0)


class Worker(Service):
    """A service that the test steers."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name = name
        self.diary = diary
        self.started = asyncio.Event()
        self.over = asyncio.Event()
        self.failure: Exception | None = None
        self.state = Health(live=True, ready=True)

    @override
    async def start(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.diary.append(f"{self.name} started")
        self.started.set()

    @override
    async def wait(self) -> None:
        await self.over.wait()
        raise RuntimeError("lost my database")

    @override
    async def stop(self) -> None:
        self.diary.append(f"{self.name} stopped")

    @override
    def health(self) -> Health:
        return self.state

    @override
    def admin_routes(self) -> Sequence[web.AbstractRouteDef]:
        async def hello(_: web.Request) -> web.Response:
            return web.Response(text=self.name)

        return [web.get(f"/{self.name}/hello", hello)]


async def test_services_start_in_order_and_stop_in_reverse_on_sigterm() -> None:
    diary: list[str] = []
    first, second = Worker("first", diary), Worker("second", diary)
    running = asyncio.create_task(run_services([first, second], CollectorRegistry(), SETTINGS))
    await asyncio.wait_for(second.started.wait(), 5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 5) == 0
    assert diary == ["first started", "second started", "second stopped", "first stopped"]


async def test_a_service_that_ends_by_itself_ends_the_process_with_an_error() -> None:
    diary: list[str] = []
    worker, other = Worker("worker", diary), Worker("other", diary)
    running = asyncio.create_task(run_services([worker, other], CollectorRegistry(), SETTINGS))
    await asyncio.wait_for(other.started.wait(), 5)
    worker.over.set()
    assert await asyncio.wait_for(running, 5) == 1
    assert diary[-2:] == ["other stopped", "worker stopped"]


async def test_a_service_that_cannot_start_ends_the_process_with_an_error() -> None:
    diary: list[str] = []
    worker = Worker("worker", diary)
    worker.failure = OSError("port taken")
    assert await asyncio.wait_for(run_services([worker], CollectorRegistry(), SETTINGS), 5) == 1
    assert diary == ["worker stopped"]


@pytest.mark.parametrize(
    ("state", "live", "ready"),
    [
        (Health(live=True, ready=True), 200, 200),
        (Health(live=True, ready=False, reason="no book yet"), 200, 503),
        (Health(live=False, ready=False, reason="stuck"), 503, 503),
    ],
)
async def test_probes_say_what_services_say(state: Health, live: int, ready: int) -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", registry=registry).inc()
    good, judged = Worker("good", []), Worker("judged", [])
    judged.state = state
    admin = AdminServer([good, judged], registry, host="127.0.0.1", port=0)
    await admin.start()
    base = f"http://127.0.0.1:{admin.port}"
    async with aiohttp.ClientSession() as session:
        for path, status in (("livez", live), ("readyz", ready)):
            async with session.get(f"{base}/{path}") as response:
                assert response.status == status
                body = await response.json()
                assert body["services"]["good"] is True
                assert (body["services"]["judged"] is True) == (status == 200)
                assert status == 200 or body["services"]["judged"] == state.reason
        async with session.get(f"{base}/metrics") as response:
            assert "orders_total 1.0" in await response.text()
        async with session.get(f"{base}/judged/hello") as response:
            assert await response.text() == "judged"
    await admin.stop()


async def test_the_port_of_an_unstarted_admin_server_is_an_error() -> None:
    admin = AdminServer([], CollectorRegistry(), host="127.0.0.1", port=0)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = admin.port
