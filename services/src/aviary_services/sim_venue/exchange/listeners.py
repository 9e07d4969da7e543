"""What the exchange tells others about: protocols push it, the order log writes it, metrics count it."""

from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import Product
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderRequest, Refusal, UserOrder
from aviary_services.sim_venue.exchange.price_process import FeedStep


class ExchangeListener:
    """Hears everything, does nothing: subclasses override what they care for. Called in order, must not block."""

    def market_stepped(self, live: LiveMarket, step: FeedStep, before: Ladder, now_ns: int) -> None:
        """Hear that a market shows a new book (`live` has it, `before` is the old one) and perhaps trades."""

    def order_accepted(self, account: Account, order: UserOrder, now_ns: int) -> None:
        """Hear that an order was taken."""

    def order_refused(self, account: Account, request: OrderRequest, refusal: Refusal, now_ns: int) -> None:
        """Hear that an order was not taken."""

    def order_filled(self, account: Account, order: UserOrder, fill: OrderFill, now_ns: int) -> None:
        """Hear that an order traded; its status says whether it is done."""

    def order_cancelled(self, account: Account, order: UserOrder, reason: str, now_ns: int) -> None:
        """Hear that an order left the market unfilled or partly filled."""

    def balances_changed(self, account: Account, product: Product, now_ns: int) -> None:
        """Hear that money moved or was frozen or released. Told after the order events that caused it."""

    def positions_changed(self, account: Account, now_ns: int) -> None:
        """Hear that positions, or orders against them, changed. Told after the order events that caused it."""
