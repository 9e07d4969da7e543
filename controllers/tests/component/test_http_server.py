"""The bot's HTTP over a real socket, with an engine that only pretends."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aviary_bot.bot import Bot
from aviary_bot.engine_view import EngineReading
from aviary_bot.http_server import LARGEST_BODY, BotServer
from aviary_bot.metrics import BotMetrics
from aviary_crds.botconfig import BotConfig
from aviary_crds.v1alpha1.tradingbot import GuardState

from .configs import bot_config, guard_of

TOKEN = "open sesame"
SIGNED = {"X-Aviary-Control-Token": TOKEN}


class PretendedEngine:
    updatable_parameters = ("spreads_bps",)

    def read(self) -> EngineReading:
        return EngineReading(tick_age_seconds=0.1, not_ready_because=None)

    def retune(self, _config: BotConfig) -> None:
        return

    async def obey_guard(self, _state: GuardState) -> None:
        await asyncio.sleep(0)


@pytest_asyncio.fixture
async def session(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    bot, metrics = Bot(on_log_level=lambda _level: None), BotMetrics()
    bot.config = bot_config("alpha")
    bot.guard = guard_of(tmp_path, bot.config)
    bot.engine = PretendedEngine()
    bot.run()
    metrics.watch(bot)
    server = BotServer(bot, metrics.registry, tmp_path)
    (tmp_path / "control-token.sha256").write_text(hashlib.sha256(TOKEN.encode()).hexdigest() + "\n")
    port = await server.open(0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/startupz", "text/plain"),
        ("/livez", "text/plain"),
        ("/readyz", "text/plain"),
        ("/state", "application/json"),
        ("/metrics", "text/plain"),
    ],
)
async def test_readings_need_no_token(session: aiohttp.ClientSession, path: str, kind: str) -> None:
    async with session.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, kind)


@pytest.mark.parametrize("headers", [{}, {"X-Aviary-Control-Token": "guess"}, {"X-Aviary-Control-Token": ""}])
@pytest.mark.parametrize("what", ["pause", "resume", "kill", "retune"])
async def test_control_needs_the_token(session: aiohttp.ClientSession, what: str, headers: dict[str, str]) -> None:
    async with session.post(f"/control/{what}", json={}, headers=headers) as answer:
        assert answer.status == 401


async def test_a_rotated_token_counts_at_once_and_a_missing_one_closes(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def status(token: str) -> int:
        async with session.post("/control/resume", headers={"X-Aviary-Control-Token": token}) as answer:
            return answer.status

    (tmp_path / "control-token.sha256").write_text("sha256:" + hashlib.sha256(b"new").hexdigest())
    assert (await status(TOKEN), await status("new")) == (401, 200)
    (tmp_path / "control-token.sha256").write_text("")
    assert await status("") == 401
    (tmp_path / "control-token.sha256").unlink()
    assert await status("new") == 401


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"reason": "news"}', "news"),
        (b"", "no reason given"),
        (b"{", "no reason given"),
        (b"[1]", "no reason given"),
        (b'{"reason": "' + b"x" * 999 + b'"}', "x" * 256),
    ],
)
async def test_a_kill_does_not_fail_for_want_of_a_reason(
    session: aiohttp.ClientSession, body: bytes, reason: str
) -> None:
    async with session.post("/control/kill", data=body, headers=SIGNED) as answer:
        view: dict[str, Any] = await answer.json()
    assert (answer.status, view["state"], view["reasons"]) == (200, "HardStopped", [reason])


async def test_a_body_that_no_configmap_could_hold_is_refused(session: aiohttp.ClientSession) -> None:
    async with session.post("/control/retune", data=b"x" * (LARGEST_BODY + 1), headers=SIGNED) as answer:
        assert answer.status == 413


async def test_a_kill_that_cannot_be_stored_says_so(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    (tmp_path / "guard.json.new").mkdir()
    async with session.post("/control/kill", json={"reason": "loss"}, headers=SIGNED) as answer:
        assert answer.status == 500
        assert "could not be stored" in await answer.text()
    async with session.get("/state") as answer:
        assert (await answer.json())["guard"]["state"] == "HardStopped"
