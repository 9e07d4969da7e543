"""One WebSocket client: what it subscribed to, and the queue of messages on their way to it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web

from aviary_services.sim_venue.bitget.channels import Subscription
from aviary_services.sim_venue.exchange.accounts import Account

MAX_QUEUED = 5_000
"""Messages that may wait for a slow client before it is dropped."""


@dataclass(eq=False)
class Connection:
    """A client. `send` never blocks: a writer task of its own delivers, each message not before its time."""

    socket: web.WebSocketResponse
    private: bool
    transport: asyncio.BaseTransport | None
    account: Account | None = None
    subscriptions: dict[Subscription, None] = field(default_factory=dict)
    sent: int = 0
    _queue: deque[tuple[float, str]] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, text: str, *, delay_s: float = 0.0) -> None:
        """Queue a message for delivery in `delay_s` seconds at the earliest, in order.

        A client for which too much is waiting is cut off, as the real venue does.
        """
        if len(self._queue) >= MAX_QUEUED:
            self._queue.clear()
            self.drop()
            return
        self._queue.append((asyncio.get_running_loop().time() + delay_s, text))
        self._wake.set()

    async def write_loop(self) -> None:
        """Deliver until the socket is closed."""
        loop = asyncio.get_running_loop()
        while not self.socket.closed:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            due, text = self._queue.popleft()
            if (pause := due - loop.time()) > 0:
                await asyncio.sleep(pause)
            await self.socket.send_str(text)
            self.sent += 1

    async def close(self, code: int, reason: str) -> None:
        """Close the socket in the proper way."""
        await self.socket.close(code=code, message=reason.encode())

    def drop(self) -> None:
        """Cut the connection without a close frame, as a broken network does."""
        if self.transport is not None and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
