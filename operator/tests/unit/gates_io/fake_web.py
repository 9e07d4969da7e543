"""A web server on this machine that answers as a test says: well, badly, slowly or not at all."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aviary_operator.gates.sources.promql import PART_LABEL, TIME_PART, VALUE_PART

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeWeb:
    """The server: one answer for every path, and what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Answer = say(b"{}")
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)


@asynccontextmanager
async def run_web() -> AsyncIterator[FakeWeb]:
    """Serve until the block ends."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
    fake = FakeWeb("")
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def say(body: bytes, *, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, status=status, headers=named)

    return answer


def say_json(body: Any, *, status: int = 200) -> Answer:
    """Answer with this as JSON."""
    return say(json.dumps(body).encode(), status=status, content_type="application/json")


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    """Return an answer of Prometheus."""
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def item(part: str, value: Any, **labels: str) -> dict[str, Any]:
    """Return one series of the union of value and time."""
    return {"metric": {PART_LABEL: part, **labels}, "value": [time.time(), value]}


def both(value: Any, age_seconds: float = 1.0, **more: Any) -> dict[str, Any]:
    """Return a good answer: one value, and the time of its series."""
    stamp = f"{time.time() - age_seconds:.3f}"
    return success("vector", [item(VALUE_PART, value), item(TIME_PART, stamp)], **more)
