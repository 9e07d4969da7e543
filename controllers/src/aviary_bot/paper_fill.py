"""One simulated trade as the paper accounts settle it."""

from dataclasses import dataclass
from decimal import Decimal

from aviary_bot.order_guard import Direction, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFill:
    """A trade of one order. `fee_base` and `fee_quote` say the same fee in either asset; the venue takes one."""

    trading_pair: str
    direction: Direction
    slot: Slot
    price: Decimal
    quantity: Decimal
    fee_base: Decimal
    fee_quote: Decimal

    @property
    def base(self) -> str:
        """The asset that is traded."""
        return self.trading_pair.split("-", maxsplit=1)[0]

    @property
    def quote(self) -> str:
        """The asset that pays."""
        return self.trading_pair.split("-", maxsplit=1)[1]

    @property
    def signed_quantity(self) -> Decimal:
        """Base quantity, below zero for a sell."""
        return self.quantity if self.direction == "Buy" else -self.quantity


def split_pair(trading_pair: str) -> tuple[str, str]:
    """Return base and quote of BASE-QUOTE."""
    base, quote = trading_pair.split("-", maxsplit=1)
    return base, quote
