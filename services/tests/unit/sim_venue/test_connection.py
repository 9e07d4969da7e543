"""Delivery to one WebSocket client."""

import asyncio
from typing import TYPE_CHECKING, cast
from unittest.mock import MagicMock

from aviary_services.sim_venue.bitget.connection import MAX_QUEUED, Connection

if TYPE_CHECKING:
    from aiohttp import web


class Socket:
    """Takes messages as a healthy client does."""

    def __init__(self) -> None:
        self.closed = False
        self.got: list[str] = []
        self.full = asyncio.Event()

    async def send_str(self, text: str) -> None:
        self.got.append(text)
        if text == "last":
            self.closed = True
            self.full.set()


async def test_messages_keep_their_order_whatever_their_delay() -> None:
    socket = Socket()
    client = Connection(cast("web.WebSocketResponse", socket), private=False, transport=None)
    writer = asyncio.create_task(client.write_loop())
    started = asyncio.get_running_loop().time()
    client.send("slow", delay_s=0.05)
    client.send("quick")
    client.send("last")
    await asyncio.wait_for(socket.full.wait(), 5)
    await writer
    assert socket.got == ["slow", "quick", "last"]
    assert asyncio.get_running_loop().time() - started >= 0.05


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    transport = MagicMock(spec=asyncio.Transport)
    client = Connection(cast("web.WebSocketResponse", Socket()), private=False, transport=transport)
    for number in range(MAX_QUEUED):
        client.send(str(number))
    transport.abort.assert_not_called()
    client.send("one too many")
    transport.abort.assert_called_once()
