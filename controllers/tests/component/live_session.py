"""`live_session.py CONNECTOR`: an unmodified connector with keys, outside any bot; prints its events as JSON lines.

It places a limit order that rests, cancels it, buys at market, waits for the fill and ends.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hummingbot.client.config.config_helpers import get_connector_class
from hummingbot.core.clock import Clock, ClockMode
from hummingbot.core.data_type.common import OrderType, PositionAction
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent
from loopback import redirect_venue  # type: ignore[import-not-found]  # run as a script, its folder is on the path
from processes import API_KEY  # type: ignore[import-not-found]  # as above

PAIR = "BTC-USDT"
EVENTS = (
    MarketEvent.BuyOrderCreated,
    MarketEvent.OrderCancelled,
    MarketEvent.OrderFilled,
    MarketEvent.BuyOrderCompleted,
    MarketEvent.OrderFailure,
)


class Session:
    """One connector and what it said."""

    def __init__(self, name: str) -> None:
        keys = {
            f"{name}_api_key": API_KEY["api_key"],
            f"{name}_secret_key": API_KEY["secret"],
            f"{name}_passphrase": API_KEY["passphrase"],
        }
        self.connector: Any = get_connector_class(name)(**keys, trading_pairs=[PAIR])
        self.events: list[tuple[str, str]] = []
        self._forwarder = SourceInfoEventForwarder(self._hear)
        for event in EVENTS:
            self.connector.add_listener(event, self._forwarder)

    def _hear(self, tag: int, _source: Any, event: Any) -> None:
        name = MarketEvent(tag).name
        self.events.append((name, event.order_id))
        told = {"event": name, "order_id": event.order_id}
        if name == "OrderFilled":
            told |= {"price": str(event.price), "amount": str(event.amount), "trade_id": event.exchange_trade_id}
        sys.stdout.write(json.dumps(told) + "\n")

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds."""
        deadline = time.monotonic() + 30
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited in vain: {what}; heard {self.events}")
            await asyncio.sleep(0.05)

    async def trade(self) -> None:
        """Place, cancel, buy."""
        await self.until("the connector is ready", lambda: self.connector.ready)
        far = self.connector.get_price(PAIR, False) * Decimal("0.9")
        resting = self._buy(OrderType.LIMIT, far)
        await self.until("the order rests", lambda: ("BuyOrderCreated", resting) in self.events)
        self.connector.cancel(PAIR, resting)
        await self.until("the order is cancelled", lambda: ("OrderCancelled", resting) in self.events)
        taking = self._buy(OrderType.MARKET, Decimal("NaN"))
        await self.until("the purchase is filled", lambda: ("BuyOrderCompleted", taking) in self.events)

    def _buy(self, kind: OrderType, price: Decimal) -> str:
        order_id: str = self.connector.buy(PAIR, Decimal("0.01"), kind, price, position_action=PositionAction.OPEN)
        return order_id


async def run(name: str) -> None:
    """Run the session on Hummingbot's own clock."""
    session = Session(name)
    clock = Clock(ClockMode.REALTIME, tick_size=1.0)
    clock.add_iterator(session.connector)
    with clock:
        ticking = asyncio.create_task(clock.run())
        await session.trade()
        ticking.cancel()


if __name__ == "__main__":
    redirect_venue()
    asyncio.run(run(sys.argv[1]))
