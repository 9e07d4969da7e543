"""Perpetual positions, margin and profit of one account, cross margin in USDT.

There is no liquidation: equity may fall below zero, and an account whose available margin is gone can only close.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from aviary_fillsim import Side

from aviary_services.sim_venue.exchange.orders import ZERO, PositionEffect

_COST_STEP = Decimal("1E-12")
DEFAULT_LEVERAGE = 20
MAX_BILLS = 500

type MarkPrice = Callable[[str], Decimal]
"""Returns the mark price of a symbol."""


class PositionMode(StrEnum):
    """ONE_WAY holds one net position per symbol; HEDGE holds a long and a short one side by side."""

    ONE_WAY = "OneWay"
    HEDGE = "Hedge"


class HoldSide(StrEnum):
    """The direction of a position."""

    LONG = "Long"
    SHORT = "Short"

    @property
    def opened_by(self) -> Side:
        """The side of orders that open it."""
        return Side.BUY if self is HoldSide.LONG else Side.SELL


@dataclass(slots=True)
class Position:
    """A holding. `cost` is what its `quantity` was worth when it was opened."""

    symbol: str
    hold_side: HoldSide
    opened_ns: int
    updated_ns: int
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal:
        """The mean price at which it was opened."""
        return self.cost / self.quantity

    def unrealised(self, mark: Decimal) -> Decimal:
        """Return the profit that closing at `mark` would realise."""
        gain = self.quantity * mark - self.cost
        return gain if self.hold_side is HoldSide.LONG else -gain


@dataclass(frozen=True, slots=True)
class FundingBill:
    """A funding payment: `amount` is positive when it was received."""

    bill_id: str
    symbol: str
    amount: Decimal
    time_ns: int


class FuturesAccount:
    """The USDT margin account. `wallet` holds deposits, realised profit, fees and funding."""

    def __init__(self, deposit: Decimal) -> None:
        self.wallet = deposit
        self.mode = PositionMode.ONE_WAY
        self.bills: list[FundingBill] = []
        self._leverage: dict[str, int] = {}
        self._positions: dict[tuple[str, HoldSide], Position] = {}

    def __iter__(self) -> Iterator[Position]:
        return iter(list(self._positions.values()))

    def leverage(self, symbol: str) -> int:
        """Return the leverage set for a symbol."""
        return self._leverage.get(symbol, DEFAULT_LEVERAGE)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol, for its positions too."""
        self._leverage[symbol] = leverage

    def held(self, symbol: str, hold_side: HoldSide) -> Decimal:
        """Return the quantity held on one side."""
        position = self._positions.get((symbol, hold_side))
        return position.quantity if position else ZERO

    def unrealised(self, mark: MarkPrice) -> Decimal:
        """Return the profit of all positions at mark prices."""
        return sum((p.unrealised(mark(p.symbol)) for p in self._positions.values()), ZERO)

    def equity(self, mark: MarkPrice) -> Decimal:
        """Return wallet and unrealised profit together."""
        return self.wallet + self.unrealised(mark)

    def position_margin(self) -> Decimal:
        """Return the margin that positions tie up."""
        return sum((p.cost / self.leverage(p.symbol) for p in self._positions.values()), ZERO)

    def closes(self, symbol: str, side: Side, effect: PositionEffect) -> HoldSide | None:
        """Return which holding an order of `side` would close, if any can be closed by it."""
        if effect is PositionEffect.OPEN:
            return None
        closed = HoldSide.SHORT if side is Side.BUY else HoldSide.LONG
        return closed if self.held(symbol, closed) else None

    def settle(
        self, symbol: str, side: Side, effect: PositionEffect, *, quantity: Decimal, price: Decimal, now_ns: int
    ) -> Decimal:
        """Book a fill: close first what it closes, open with the rest, and return the profit it realised."""
        profit, left = ZERO, quantity
        closed = self.closes(symbol, side, effect)
        if closed is not None:
            closing = min(left, self.held(symbol, closed))
            profit = self._close(self._positions[symbol, closed], closing, price, now_ns)
            left -= closing
        if left:
            self._open(symbol, HoldSide.LONG if side is Side.BUY else HoldSide.SHORT, left, price, now_ns)
        return profit

    def charge(self, symbol: str, fee: Decimal) -> None:
        """Take a trading fee (negative: a rebate) and note it on the symbol's positions."""
        self.wallet -= fee
        for position in self._positions.values():
            if position.symbol == symbol:
                position.fees += fee
                return

    def pay_funding(self, symbol: str, rate: Decimal, mark: Decimal, *, bill_id: str, now_ns: int) -> bool:
        """Settle funding of a symbol: longs pay `rate` of their value, shorts receive it. False without a position."""
        amount = ZERO
        for position in self._positions.values():
            if position.symbol == symbol:
                payment = position.quantity * mark * rate * (-1 if position.hold_side is HoldSide.LONG else 1)
                position.funding += payment
                amount += payment
        if not any(position.symbol == symbol for position in self._positions.values()):
            return False
        self.wallet += amount
        self.bills = [FundingBill(bill_id, symbol, amount, now_ns), *self.bills[: MAX_BILLS - 1]]
        return True

    def _open(self, symbol: str, hold_side: HoldSide, quantity: Decimal, price: Decimal, now_ns: int) -> None:
        position = self._positions.get((symbol, hold_side))
        if position is None:
            position = self._positions[symbol, hold_side] = Position(symbol, hold_side, now_ns, now_ns)
        position.quantity += quantity
        position.cost += quantity * price
        position.updated_ns = now_ns

    def _close(self, position: Position, quantity: Decimal, price: Decimal, now_ns: int) -> Decimal:
        whole = quantity == position.quantity
        cost = position.cost if whole else (position.cost * quantity / position.quantity).quantize(_COST_STEP)
        gain = quantity * price - cost
        profit = gain if position.hold_side is HoldSide.LONG else -gain
        self.wallet += profit
        position.quantity -= quantity
        position.cost -= cost
        position.realised += profit
        position.updated_ns = now_ns
        if whole:
            del self._positions[position.symbol, position.hold_side]
        return profit
