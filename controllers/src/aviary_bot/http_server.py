"""The bot's HTTP: probes, state, metrics and control (paths and answers: the contract between operator and bot)."""

import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aviary_crds.botconfig import CONTROL_TOKEN_FILE, BotConfig
from aviary_crds.labels import CONTROL_TOKEN_HEADER
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import ValidationError

from aviary_bot.boot_document import first_error
from aviary_bot.bot import Bot, RetuneRefused

LARGEST_BODY: Final = 1024 * 1024
"""A ConfigMap holds no more, so no configuration is larger."""

LONGEST_REASON: Final = 256

_log = logging.getLogger(__name__)


class BotServer:
    """Serves one bot. The token's hash is read at each request, so that a rotated token needs no restart."""

    def __init__(self, bot: Bot, registry: CollectorRegistry, mounted: Path) -> None:
        self._bot = bot
        self._registry = registry
        self._token_file = mounted / CONTROL_TOKEN_FILE
        self._runner: web.AppRunner | None = None

    async def open(self, port: int) -> int:
        """Listen on all addresses; return the port (0 picks a free one)."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(
            [
                web.get("/startupz", self._startupz),
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/state", self._state),
                web.get("/metrics", self._metrics),
                web.post("/control/pause", self._guarded(self._pause)),
                web.post("/control/resume", self._guarded(self._resume)),
                web.post("/control/kill", self._guarded(self._kill)),
                web.post("/control/retune", self._guarded(self._retune)),
            ]
        )
        # No access log: three probes a second would be all one sees.
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host=None, port=port, reuse_address=True)
        await site.start()
        # With port 0 the IPv4 and the IPv6 socket get different ports; an IPv4 address is a pair.
        addresses: list[tuple[Any, ...]] = sorted(self._runner.addresses, key=len)
        return int(addresses[0][1])

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    # -- probes and readings -----------------------------------------------------------------------------------------

    async def _startupz(self, _request: web.Request) -> web.Response:
        return _verdict(self._bot.still_starting_because())

    async def _livez(self, _request: web.Request) -> web.Response:
        return _verdict(self._bot.dead_because(self._bot.read()))

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _verdict(self._bot.not_ready_because(self._bot.read()))

    async def _state(self, _request: web.Request) -> web.Response:
        body = self._bot.state().model_dump_json(by_alias=True)
        return web.Response(text=body, content_type="application/json")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    # -- control -----------------------------------------------------------------------------------------------------

    def _guarded(
        self, handler: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def checked(request: web.Request) -> web.Response:
            if not self._is_authorised(request.headers.get(CONTROL_TOKEN_HEADER, "")):
                return _error(401, f"{CONTROL_TOKEN_HEADER} is missing or is not this bot's token")
            try:
                answer = await handler(request)
            except RetuneRefused as refused:
                return _error(refused.status, refused.message)
            except OSError as error:
                _log.exception("a control request could not be stored")
                return _error(500, f"it is in force but could not be stored on the volume: {error.strerror}")
            return web.Response(text=answer.model_dump_json(by_alias=True), content_type="application/json")

        return checked

    def _is_authorised(self, token: str) -> bool:
        try:
            expected = self._token_file.read_text().strip()
        except OSError:
            return False
        given = hashlib.sha256(token.encode()).hexdigest()
        return bool(expected) and hmac.compare_digest(given, expected.removeprefix("sha256:"))

    async def _pause(self, request: web.Request) -> Any:
        return await self._bot.pause(await _reason(request))

    async def _resume(self, _request: web.Request) -> Any:
        return await self._bot.resume()

    async def _kill(self, request: web.Request) -> Any:
        return await self._bot.kill(await _reason(request))

    async def _retune(self, request: web.Request) -> Any:
        try:
            config = BotConfig.model_validate_json(await request.read())
        except ValidationError as error:
            raise RetuneRefused(400, f"not a bot configuration: {first_error(error)}") from None
        return self._bot.retune(config)


async def _reason(request: web.Request) -> str:
    """Return the reason a caller gives; a kill must not fail for want of one."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        body = {}
    reason = body.get("reason") if isinstance(body, dict) else None
    return str(reason)[:LONGEST_REASON] if reason else "no reason given"


def _verdict(fault: str | None) -> web.Response:
    return web.Response(status=200 if fault is None else 503, text="ok" if fault is None else fault)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
