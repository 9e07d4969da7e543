"""The venue as its own process, as a container runs it."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from .conftest import eventually


@asynccontextmanager
async def process(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aviary_services",
        *arguments,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def ready_port(running: asyncio.subprocess.Process) -> int:
    """Read the log until the process says on which admin port it is."""
    assert running.stdout is not None
    async with asyncio.timeout(20):
        async for line in running.stdout:
            if b'"services started"' in line:
                return int(line.split(b'"admin_port": ')[1].split(b",")[0])
    raise AssertionError("the process ended before it was up")


async def test_the_venue_starts_serves_and_stops_in_time(tmp_path: Path) -> None:
    environment = {
        "SIM_VENUE_HOST": "127.0.0.1",
        "SIM_VENUE_TLS_PORT": "0",
        "SIM_VENUE_PKI_DIR": str(tmp_path / "pki"),
        "SIM_VENUE_DATA_DIR": str(tmp_path / "data"),
        "SERVICES_ADMIN_HOST": "127.0.0.1",
        "SERVICES_ADMIN_PORT": "0",
    }
    async with process("sim-venue", **environment) as running, aiohttp.ClientSession() as session:
        port = await ready_port(running)

        async def ready() -> bool:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                return response.status == 200

        await eventually(ready)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 10) == 0
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, b"SIM_VENUE_PKI_DIR"),
        ({"SIM_VENUE_PLAIN_PORT": "0", "SIM_VENUE_MARKETS_FILE": "/nowhere.json"}, b"/nowhere.json"),
        ({"SIM_VENUE_PLAIN_PORT": "0", "SIM_VENUE_STEP_MILLIS": "5"}, b"step_millis"),
    ],
)
async def test_wrong_settings_end_the_process_with_the_reason(
    tmp_path: Path, environment: dict[str, str], named: bytes
) -> None:
    async with process("sim-venue", SIM_VENUE_DATA_DIR=str(tmp_path), **environment) as running:
        output, _ = await asyncio.wait_for(running.communicate(), 20)
    assert running.returncode == 2
    assert named in output


async def test_an_unknown_service_is_named() -> None:
    async with process("sim-venu") as running:
        output, _ = await asyncio.wait_for(running.communicate(), 20)
    assert running.returncode == 2
    assert b"sim-venue" in output


async def test_pki_command_writes_the_files(tmp_path: Path) -> None:
    async with process("sim-venue-pki", "--out", str(tmp_path), "--host", "venue.test") as running:
        output, _ = await asyncio.wait_for(running.communicate(), 20)
    assert running.returncode == 0, output
    assert sorted(os.listdir(tmp_path)) == ["ca.crt", "tls.crt", "tls.key"]  # noqa: PTH208  no blocking Path here
