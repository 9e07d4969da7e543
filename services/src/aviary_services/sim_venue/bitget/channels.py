"""Subscriptions of the WebSocket API: which channel of which instrument."""

from collections.abc import Mapping
from typing import NamedTuple

from aviary_services.sim_venue.bitget.envelope import BitgetError, Json
from aviary_services.sim_venue.bitget.market_lookup import INST_TYPES
from aviary_services.sim_venue.exchange.market import MarketId, Product

BOOK_LEVELS = {"books": None, "books1": 1, "books5": 5, "books15": 15}
"""Book channels and how many levels they show; only `books` sends differences."""
PUBLIC_CHANNELS = frozenset({*BOOK_LEVELS, "trade", "ticker"})
PRIVATE_CHANNELS = {
    Product.SPOT: frozenset({"account", "fill", "orders"}),
    Product.USDT_PERPETUAL: frozenset({"account", "positions", "orders", "fill"}),
}
DEFAULT = "default"


class Subscription(NamedTuple):
    """One channel. `inst_id` is a symbol, or "default" for all; `by_coin` tells which name the client used for it."""

    product: Product
    channel: str
    inst_id: str
    by_coin: bool = False

    @property
    def market_id(self) -> MarketId:
        """The market of a subscription to one symbol."""
        return MarketId(self.product, self.inst_id)

    def arg(self) -> dict[str, Json]:
        """Return the `arg` object as the client wrote it; it comes back in every push."""
        inst_type = next(name for name, product in INST_TYPES.items() if product is self.product)
        return {"instType": inst_type, "channel": self.channel, ("coin" if self.by_coin else "instId"): self.inst_id}


def parse_subscription(arg: Mapping[str, str], *, private: bool) -> Subscription:
    """Read the `arg` of a subscribe request; raises BitgetError 30001 when there is no such channel."""
    inst_type, channel = arg.get("instType", ""), arg.get("channel", "")
    product = INST_TYPES.get(inst_type.upper())
    by_coin = "instId" not in arg
    inst_id = arg.get("coin" if by_coin else "instId", DEFAULT)
    known = product is not None and channel in (PRIVATE_CHANNELS[product] if private else PUBLIC_CHANNELS)
    if product is None or not known:
        raise BitgetError("30001", f"instType:{inst_type},channel:{channel},instId:{inst_id} doesn't exist")
    return Subscription(product, channel, inst_id if inst_id == DEFAULT else inst_id.upper(), by_coin)
