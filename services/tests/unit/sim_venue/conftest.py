"""A small exchange whose prices the test sets: one spot and one perpetual market, two accounts."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import override

import pytest
from aviary_fillsim import Side
from aviary_services.sim_venue.exchange.accounts import Account, Accounts, AccountSpec
from aviary_services.sim_venue.exchange.exchange import Exchange
from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.listeners import ExchangeListener
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import Market, MarketId, Product
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderRequest, Refusal, UserOrder
from aviary_services.sim_venue.exchange.price_process import FeedStep, PublicTrade

SPOT = MarketId(Product.SPOT, "BTCUSDT")
PERPETUAL = MarketId(Product.USDT_PERPETUAL, "BTCUSDT")
NOW_NS = 1_700_000_000_000_000_000


class StillFeed:
    """Shows what the test tells it to."""

    def __init__(self) -> None:
        self.next: FeedStep | None = None

    def show(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]], trades: list[PublicTrade]) -> None:
        self.next = FeedStep(Ladder(tuple(bids), tuple(asks)), tuple(trades))

    def step(self, now_ns: int) -> FeedStep | None:
        del now_ns
        return self.next

    def set_price(self, ticks: int) -> bool:
        del ticks
        return False

    def freeze(self, *, frozen: bool) -> None:
        del frozen


@dataclass
class Recorder(ExchangeListener):
    """Remembers what happened, in words."""

    heard: list[str] = field(default_factory=list)

    @override
    def order_accepted(self, account: Account, order: UserOrder, now_ns: int) -> None:
        self.heard.append(f"{account.name} accepted {order.request.client_id}")

    @override
    def order_refused(self, account: Account, request: OrderRequest, refusal: Refusal, now_ns: int) -> None:
        self.heard.append(f"{account.name} refused {request.client_id} {refusal.reason}")

    @override
    def order_filled(self, account: Account, order: UserOrder, fill: OrderFill, now_ns: int) -> None:
        self.heard.append(f"{account.name} filled {order.request.client_id} {fill.quantity}@{fill.price}")

    @override
    def order_cancelled(self, account: Account, order: UserOrder, reason: str, now_ns: int) -> None:
        self.heard.append(f"{account.name} cancelled {order.request.client_id} {reason}")

    @override
    def balances_changed(self, account: Account, product: Product, now_ns: int) -> None:
        self.heard.append(f"{account.name} balances {product}")

    @override
    def positions_changed(self, account: Account, now_ns: int) -> None:
        self.heard.append(f"{account.name} positions")


@dataclass
class Venue:
    """The exchange under test and the handles to move it."""

    exchange: Exchange
    feeds: dict[MarketId, StillFeed]
    recorder: Recorder
    now_ns: int = NOW_NS

    @property
    def ann(self) -> Account:
        return self.exchange.accounts.by_name["ann"]

    @property
    def bob(self) -> Account:
        return self.exchange.accounts.by_name["bob"]

    def quote(
        self,
        bid: str,
        ask: str,
        *,
        bid_quantity: str = "5",
        ask_quantity: str = "5",
        market_id: MarketId | None = None,
        trade: tuple[str, str, Side] | None = None,
    ) -> None:
        """Show one level a side in one market or in all, a second later."""
        self.now_ns += 1_000_000_000
        for each, feed in self.feeds.items():
            if market_id in {None, each}:
                live = self.exchange.markets[each]
                bids = [(live.ticks.floor(Decimal(bid)), live.lots.floor(Decimal(bid_quantity)))]
                asks = [(live.ticks.floor(Decimal(ask)), live.lots.floor(Decimal(ask_quantity)))]
                trades = []
                if trade is not None:
                    price, quantity, taker = trade
                    ticks, lots = live.ticks.floor(Decimal(price)), live.lots.floor(Decimal(quantity))
                    trades.append(PublicTrade(ticks, lots, taker))
                feed.show(bids, asks, trades)
        self.exchange.step(self.now_ns)


def market(product: Product) -> Market:
    return Market(
        symbol="BTCUSDT",
        product=product,
        base="BTC",
        quote="USDT",
        start_price=Decimal(100),
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        min_notional=Decimal(5),
        maker_fee_bps=Decimal(10) if product is Product.SPOT else Decimal(2),
        taker_fee_bps=Decimal(10) if product is Product.SPOT else Decimal(6),
        half_spread_ticks=5,
        level_spacing_ticks=10,
        level_quantity=Decimal(5),
        max_leverage=50,
    )


def spec(name: str) -> AccountSpec:
    return AccountSpec.model_validate(
        {
            "name": name,
            "api_key": f"key-{name}",
            "secret": f"secret-{name}",
            "passphrase": f"pass-{name}",
            "spot": {"USDT": "1000", "BTC": "10"},
            "usdt_futures": "1000",
        }
    )


def build_venue() -> Venue:
    feeds = {SPOT: StillFeed(), PERPETUAL: StillFeed()}
    live = [LiveMarket(market(market_id.product), feed, tape_capacity=100) for market_id, feed in feeds.items()]
    exchange = Exchange(live, Accounts([spec("ann"), spec("bob")]), first_id=1_000)
    recorder = Recorder()
    exchange.add_listener(recorder)
    venue = Venue(exchange, feeds, recorder)
    venue.quote("99.9", "100.1")
    return venue


@pytest.fixture
def venue() -> Venue:
    return build_venue()
