"""All WebSocket clients, and what of the exchange's news each of them gets."""

from collections.abc import Callable, Iterable, Iterator
from typing import override

from aviary_services.sim_venue.bitget import public_payloads as payloads
from aviary_services.sim_venue.bitget.channels import BOOK_LEVELS, DEFAULT, Subscription
from aviary_services.sim_venue.bitget.connection import Connection
from aviary_services.sim_venue.bitget.envelope import Json, dump
from aviary_services.sim_venue.bitget.private_payloads import PrivatePayloads
from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.exchange import Exchange, next_funding_ns
from aviary_services.sim_venue.exchange.ladder import Ladder, changed_rungs
from aviary_services.sim_venue.exchange.listeners import ExchangeListener
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import MarketId, Product
from aviary_services.sim_venue.exchange.orders import OrderFill, UserOrder
from aviary_services.sim_venue.exchange.price_process import FeedStep

PUSH_DELAY_S = 0.02
"""Private news follows the REST answer that caused it: clients look fills up by an order id from that answer."""


class Hub(ExchangeListener):
    """Pushes. A message is encoded once, however many clients it goes to."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._private = PrivatePayloads(exchange)
        self._clients: dict[Connection, None] = {}
        self._subscribers: dict[Subscription, dict[Connection, None]] = {}
        self._unheard: set[MarketId] = set()
        self.pushes = 0

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._clients))

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: Connection) -> None:
        """Take in a client."""
        self._clients[client] = None

    def remove(self, client: Connection) -> None:
        """Forget a client and its subscriptions."""
        self._clients.pop(client, None)
        for subscription in list(client.subscriptions):
            self.unsubscribe(client, subscription)

    def subscribe(self, client: Connection, subscription: Subscription, now_ns: int) -> None:
        """Add a subscription and send what the channel shows at first."""
        client.subscriptions[subscription] = None
        self._subscribers.setdefault(subscription, {})[client] = None
        for text in self._greeting(client, subscription, now_ns):
            self._send(client, text, private=False)

    def unsubscribe(self, client: Connection, subscription: Subscription) -> None:
        """Take a subscription away."""
        client.subscriptions.pop(subscription, None)
        self._subscribers.get(subscription, {}).pop(client, None)

    # -- market data -------------------------------------------------------------------------------------------------

    @override
    def market_stepped(self, live: LiveMarket, step: FeedStep, before: Ladder, now_ns: int) -> None:
        market_id = live.market.market_id
        if self._exchange.faults.silent:
            self._unheard.add(market_id)
            return
        known = None if market_id in self._unheard else before
        self._unheard.discard(market_id)
        product, symbol = market_id
        for channel in BOOK_LEVELS:
            self._publish(Subscription(product, channel, symbol), lambda s: self._book(s, live, known, now_ns))
        if step.trades:
            self._publish(Subscription(product, "trade", symbol), lambda s: self._trades(s, live, step, now_ns))
        self._publish(Subscription(product, "ticker", symbol), lambda s: self._ticker(s, live, now_ns))

    def _publish(self, subscription: Subscription, build: Callable[[Subscription], str]) -> None:
        clients = self._subscribers.get(subscription)
        if clients:
            text = build(subscription)
            for client in clients:
                self._send(client, text, private=False)

    def _greeting(self, client: Connection, subscription: Subscription, now_ns: int) -> Iterator[str]:
        if client.private:
            if client.account is not None:
                yield from self._private_greeting(client.account, subscription, now_ns)
            return
        live = self._exchange.markets[subscription.market_id]
        if not live.is_open:
            return
        if subscription.channel in BOOK_LEVELS:
            yield self._book(subscription, live, None, now_ns)
        elif subscription.channel == "ticker":
            yield self._ticker(subscription, live, now_ns)

    def _book(self, subscription: Subscription, live: LiveMarket, before: Ladder | None, now_ns: int) -> str:
        limit = BOOK_LEVELS[subscription.channel]
        whole = before is None or limit is not None or not before.bids
        data = payloads.depth(live, limit or 1_000, now_ns=now_ns)
        if not whole and before is not None:
            asks = changed_rungs(before.ask_lots, live.ladder.ask_lots)
            bids = changed_rungs(before.bid_lots, live.ladder.bid_lots)
            data["asks"] = payloads.levels(sorted(asks), live.ticks, live.lots)
            data["bids"] = payloads.levels(sorted(bids, reverse=True), live.ticks, live.lots)
        data["checksum"] = payloads.checksum(live.ladder, live.ticks, live.lots) if limit is None else 0
        data["seq"] = live.sequence
        return push("snapshot" if whole else "update", subscription, [data], now_ns)

    @staticmethod
    def _trades(subscription: Subscription, live: LiveMarket, step: FeedStep, now_ns: int) -> str:
        # Milliseconds in front keep the numbers growing over a restart.
        first = now_ns // 1_000_000 * 1_000
        trades = [
            payloads.public_trade(trade, live, trade_id=first + index, now_ns=now_ns)
            for index, trade in enumerate(step.trades)
        ]
        return push("update", subscription, trades, now_ns)

    @staticmethod
    def _ticker(subscription: Subscription, live: LiveMarket, now_ns: int) -> str:
        if subscription.product is Product.SPOT:
            data: Json = {**payloads.touch(live), "instId": live.market.symbol}
        else:
            data = payloads.perpetual_ticker(live, next_funding_ms=next_funding_ns(now_ns) // 1_000_000)
        return push("snapshot", subscription, [data], now_ns)

    # -- private news ------------------------------------------------------------------------------------------------

    @override
    def order_accepted(self, account: Account, order: UserOrder, now_ns: int) -> None:
        self._tell(account, order, "orders", lambda: [self._private.order(order, None)], now_ns)

    @override
    def order_filled(self, account: Account, order: UserOrder, fill: OrderFill, now_ns: int) -> None:
        self._tell(account, order, "fill", lambda: [self._private.fill(order, fill)], now_ns)
        self._tell(account, order, "orders", lambda: [self._private.order(order, fill)], now_ns)

    @override
    def order_cancelled(self, account: Account, order: UserOrder, reason: str, now_ns: int) -> None:
        self._tell(account, order, "orders", lambda: [self._private.order(order, None)], now_ns)

    @override
    def balances_changed(self, account: Account, product: Product, now_ns: int) -> None:
        for client, subscription in self._listening(account, product, "account", DEFAULT):
            self._send(client, push("snapshot", subscription, self._private.balances(account, product), now_ns))

    @override
    def positions_changed(self, account: Account, now_ns: int) -> None:
        for client, subscription in self._listening(account, Product.USDT_PERPETUAL, "positions", DEFAULT):
            self._send(client, push("snapshot", subscription, self._private.positions(account), now_ns))

    def _private_greeting(self, account: Account, subscription: Subscription, now_ns: int) -> Iterator[str]:
        if subscription.channel == "account":
            yield push("snapshot", subscription, self._private.balances(account, subscription.product), now_ns)
        elif subscription.channel == "positions":
            yield push("snapshot", subscription, self._private.positions(account), now_ns)

    def _tell(
        self, account: Account, order: UserOrder, channel: str, build: Callable[[], list[Json]], now_ns: int
    ) -> None:
        product, symbol = order.request.market_id
        for client, subscription in self._listening(account, product, channel, symbol):
            self._send(client, push("snapshot", subscription, build(), now_ns))

    def _listening(
        self, account: Account, product: Product, channel: str, symbol: str
    ) -> Iterable[tuple[Connection, Subscription]]:
        for client in self._clients:
            if client.private and client.account is account:
                for subscription in client.subscriptions:
                    same = subscription.product is product and subscription.channel == channel
                    if same and subscription.inst_id in {symbol, DEFAULT}:
                        yield client, subscription
                        break

    def _send(self, client: Connection, text: str, *, private: bool = True) -> None:
        self.pushes += 1
        client.send(text, delay_s=self._exchange.faults.latency_ms / 1_000 + (PUSH_DELAY_S if private else 0.0))


def push(action: str, subscription: Subscription, data: Json, now_ns: int) -> str:
    """Return a push message."""
    return dump({"action": action, "arg": subscription.arg(), "data": data, "ts": now_ns // 1_000_000})
