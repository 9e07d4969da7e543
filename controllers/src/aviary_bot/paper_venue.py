"""The venue that a paper bot trades on: the matching engines of its pairs and one simulated account.

It is to the paper connector what an exchange is to a live one: it takes orders and cancels, refuses what the account
cannot pay, and says what happened. Books and trades are the real public ones. No I/O but the state's `store`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from aviary_crds.v1alpha1.tradingbot import Paper
from aviary_fillsim import (
    Accepted,
    Book,
    Cancelled,
    CancelReason,
    CancelRefused,
    Engine,
    Event,
    Fill,
    Liquidity,
    Opened,
    Order,
    OrderKind,
    Rejected,
    Side,
    SimConfig,
)

from aviary_bot.order_guard import Direction, RestingOrder, Slot
from aviary_bot.paper_fill import PaperFill, split_pair
from aviary_bot.paper_state import PaperState
from aviary_bot.perpetual_account import PerpetualAccount
from aviary_bot.risk_limits import AccountLook
from aviary_bot.spot_account import ZERO, SpotAccount, reservation

_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """The grid and the fees of one pair, as the venue publishes them."""

    tick_size: Decimal
    lot_size: Decimal
    maker_fee_bps: Decimal
    taker_fee_bps: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the connector sends it. `price` is None for a market order."""

    order_id: str
    trading_pair: str
    direction: Direction
    kind: OrderKind
    quantity: Decimal
    price: Decimal | None
    slot: Slot = "Net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """A fill, settled. `fee_asset` took `fee`; `number` counts the bot's fills since it was made."""

    order: VenueOrder
    fill: Fill
    fee_asset: str
    fee: Decimal
    number: int


type VenueEvent = Opened | Rejected | Traded | Cancelled | CancelRefused


@dataclass(slots=True)
class _Market:
    rules: MarketRules
    engine: Engine
    mid_price: Decimal | None = None


class PaperVenue:
    """Orders, matching and account of one paper bot. Not safe for use from several threads."""

    def __init__(self, state: PaperState, paper: Paper, *, store: Callable[[PaperState], None]) -> None:
        self._state = state
        self._paper = paper
        self._store = store
        self._markets: dict[str, _Market] = {}
        self._orders: dict[str, VenueOrder] = {}
        self.leverage: dict[str, int] = {}

    # -- the account -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> PaperState:
        """What would be stored now."""
        return self._state

    def replace_state(self, state: PaperState) -> None:
        """Take over a state (the start balances completed) and store it."""
        self._state = state
        self._store(state)

    def seed(self, pairs: Iterable[str], quote_per_pair: Decimal, *, with_base: bool) -> None:
        """Fix the spot stock of each pair at the first sight of its price; at the very first start also buy it.

        Raises:
            ValueError: when the price of a pair is unknown.
        """
        account = self._state.account
        if isinstance(account, PerpetualAccount):
            if not self._state.seeded:
                self.replace_state(self._state.model_copy(update={"seeded": True}))
            return
        balances = dict(account.balances)
        for pair in pairs:
            base, _ = split_pair(pair)
            market = self._markets.get(pair)
            if market is None or market.mid_price is None:
                raise ValueError(f"no price of {pair} is known yet")
            if with_base and not self._state.seeded and base not in account.balances:
                bought = quote_per_pair / market.mid_price
                lots = (bought / market.rules.lot_size).to_integral_value(rounding="ROUND_UP")
                balances[base] = balances.get(base, ZERO) + lots * market.rules.lot_size
        seeded: SpotAccount = account.model_copy(update={"balances": balances})
        for pair in pairs:
            seeded = seeded.with_pair(pair)
        if seeded != account or not self._state.seeded:
            self.replace_state(self._state.model_copy(update={"account": seeded, "seeded": True}))

    def mid_prices(self) -> dict[str, Decimal | None]:
        """Return the last mid price of each pair."""
        return {pair: market.mid_price for pair, market in self._markets.items()}

    def equity(self) -> Decimal | None:
        """Return the account's value in the quote asset; None when a price is unknown."""
        return self._state.account.equity(self.mid_prices()) if self._state.seeded else None

    def look(self) -> AccountLook:
        """Return the account as the limits see it."""
        lacking = ""
        if not self._state.seeded:
            lacking = "the start balances wait for the first prices"
        else:
            account, prices = self._state.account, self.mid_prices()
            pairs = account.stock if isinstance(account, SpotAccount) else {held.trading_pair for held in account.held}
            lacking = ", ".join(f"no price of {pair}" for pair in sorted(pairs) if prices.get(pair) is None)
        return AccountLook(equity_quote=self.equity(), volume_quote=self._state.volume_quote, lacking=lacking)

    def balances(self) -> dict[str, Decimal]:
        """Return the total balances by asset."""
        account = self._state.account
        return dict(account.wallets if isinstance(account, PerpetualAccount) else account.balances)

    def available(self) -> dict[str, Decimal]:
        """Return what of the balances is not reserved by resting orders or positions."""
        account = self._state.account
        if isinstance(account, PerpetualAccount):
            return account.available(self.resting(), mid_prices=self.mid_prices(), leverage=self.leverage)
        return account.available(self.resting())

    def resting(self) -> tuple[RestingOrder, ...]:
        """Return all orders that are resting or on their way, with what may still fill."""
        found = []
        for order in self._orders.values():
            market = self._markets[order.trading_pair]
            standing = market.engine.order(order.order_id)
            if standing is not None:
                found.append(
                    RestingOrder(
                        trading_pair=order.trading_pair,
                        direction=order.direction,
                        remaining=standing.remaining,
                        price=order.price if order.price is not None else market.mid_price,
                        slot=order.slot,
                    )
                )
        return tuple(found)

    # -- what the bot does -------------------------------------------------------------------------------------------

    def list_market(self, trading_pair: str, rules: MarketRules) -> None:
        """Open the pair, or take over changed rules when no order of the pair is unfinished."""
        market = self._markets.get(trading_pair)
        if market is not None and (market.rules == rules or self.has_orders(trading_pair)):
            return
        config = SimConfig(
            tick_size=rules.tick_size,
            lot_size=rules.lot_size,
            maker_fee_bps=rules.maker_fee_bps,
            taker_fee_bps=rules.taker_fee_bps,
            latency_ms=self._paper.latency_millis,
            queue_participation_bps=self._paper.queue_participation_bps,
            partial_min_bps=self._paper.partial_min_bps,
            partial_max_bps=self._paper.partial_max_bps,
            # One seed for the bot, yet no two pairs with the same luck, nor the same luck again after each fill.
            seed=self._paper.seed + len(self._markets) * 7919 + self._state.fills,
        )
        mid_price = market.mid_price if market is not None else None
        self._markets[trading_pair] = _Market(rules, Engine(config), mid_price)

    def is_listed(self, trading_pair: str) -> bool:
        """Whether orders of the pair can be taken."""
        return trading_pair in self._markets

    def has_orders(self, trading_pair: str) -> bool:
        """Whether any order of the pair is unfinished: then its book must be shown as it changes."""
        return any(order.trading_pair == trading_pair for order in self._orders.values())

    def knows(self, order_id: str) -> bool:
        """Whether the order is unfinished."""
        return order_id in self._orders

    def submit(self, order: VenueOrder, now_ns: int) -> int | str:
        """Send an order; return when it reaches the market (ns), or why the venue refuses it."""
        market = self._markets.get(order.trading_pair)
        if market is None:
            return f"{order.trading_pair} is not listed yet: its trading rules are unknown"
        fault = self._unaffordable(order, market)
        if fault is not None:
            return fault
        side = Side.BUY if order.direction == "Buy" else Side.SELL
        answer = market.engine.submit(
            Order(order_id=order.order_id, side=side, kind=order.kind, quantity=order.quantity, price=order.price),
            now_ns,
        )
        if isinstance(answer, Accepted):
            self._orders[order.order_id] = order
            return answer.due_ns
        return f"{answer.reason}: {answer.message}"

    def cancel(self, order_id: str, now_ns: int) -> int | None:
        """Send a cancel; return when it reaches the market (ns), or None when there is no such unfinished order."""
        order = self._orders.get(order_id)
        return None if order is None else self._markets[order.trading_pair].engine.cancel(order_id, now_ns)

    # -- what the market does ----------------------------------------------------------------------------------------

    def advance(self, trading_pair: str, now_ns: int) -> list[VenueEvent]:
        """Let time pass: what is due reaches the market."""
        return self._settle(self._markets[trading_pair].engine.advance(now_ns))

    def on_mid_price(self, trading_pair: str, mid_price: Decimal | None) -> None:
        """Note the mid price, for valuing the account."""
        if trading_pair in self._markets:
            self._markets[trading_pair].mid_price = mid_price

    def on_book(self, trading_pair: str, book: Book, now_ns: int) -> list[VenueEvent]:
        """Show the pair's public book."""
        return self._settle(self._markets[trading_pair].engine.on_book(book, now_ns))

    def on_trade(
        self, trading_pair: str, price: Decimal, quantity: Decimal, aggressor: Side, now_ns: int
    ) -> list[VenueEvent]:
        """Show a public trade of the pair."""
        return self._settle(self._markets[trading_pair].engine.on_trade(price, quantity, aggressor, now_ns))

    def forget_book(self, trading_pair: str) -> None:
        """Say that the pair's feed is lost: arriving orders are rejected and nothing fills until it is back."""
        if trading_pair in self._markets:
            self._markets[trading_pair].engine.forget_book()

    # -- settling ----------------------------------------------------------------------------------------------------

    def _unaffordable(self, order: VenueOrder, market: _Market) -> str | None:
        price = order.price if order.price is not None else market.mid_price
        if price is None:
            return f"no price of {order.trading_pair} is known"
        account = self._state.account
        if isinstance(account, PerpetualAccount):
            _, asset = split_pair(order.trading_pair)
            leverage = self.leverage.get(order.trading_pair, 1)
            needed = account.margin_needed(
                order.trading_pair, order.direction, order.slot, quantity=order.quantity, price=price, leverage=leverage
            )
            if self._closes_too_much(order, account):
                return f"{order.direction} {order.quantity} closes more than the {order.slot} position holds"
        else:
            asset, needed = reservation(order.trading_pair, order.direction, order.quantity, price)
        free = self.available().get(asset, ZERO)
        return None if needed <= max(free, ZERO) else f"needs {needed:f} {asset}, {free:f} available"

    def _closes_too_much(self, order: VenueOrder, account: PerpetualAccount) -> bool:
        if order.slot == "Net" or (order.slot == "Long") == (order.direction == "Buy"):
            return False
        closing = sum(
            (
                other.remaining
                for other in self.resting()
                if (other.trading_pair, other.slot, other.direction)
                == (order.trading_pair, order.slot, order.direction)
            ),
            ZERO,
        )
        return closing + order.quantity > abs(account.position(order.trading_pair, order.slot).quantity)

    def _settle(self, events: list[Event]) -> list[VenueEvent]:
        settled: list[VenueEvent] = []
        for event in events:
            if isinstance(event, Fill):
                settled.append(self._settle_fill(event))
                continue
            if isinstance(event, Rejected | Cancelled):
                self._orders.pop(event.order_id, None)
            settled.append(event)
        if any(isinstance(event, Traded) for event in settled):
            self._store(self._state)
        return settled

    def _settle_fill(self, fill: Fill) -> Traded:
        order = self._orders[fill.order_id]
        settled = PaperFill(
            trading_pair=order.trading_pair,
            direction=order.direction,
            slot=order.slot,
            price=fill.price,
            quantity=fill.quantity,
            fee_base=fill.fee_base,
            fee_quote=fill.fee_quote,
        )
        state = self._state
        self._state = state.model_copy(
            update={
                "account": state.account.settle(settled),
                "fills": state.fills + 1,
                "volume_quote": state.volume_quote + fill.price * fill.quantity,
                "fees_quote": state.fees_quote + fill.fee_quote,
                "last_fill_time": datetime.fromtimestamp(fill.time_ns / 1e9, UTC),
            }
        )
        if fill.remaining == 0:
            del self._orders[fill.order_id]
        in_base = isinstance(state.account, SpotAccount) and order.direction == "Buy"
        return Traded(
            order=order,
            fill=fill,
            fee_asset=settled.base if in_base else settled.quote,
            fee=fill.fee_base if in_base else fill.fee_quote,
            number=self._state.fills,
        )


def fee_bps(share: Decimal) -> Decimal:
    """Return a fee given as a share (0.001) in basis points (10)."""
    return share * _BPS


__all__ = [
    "CancelReason",
    "Liquidity",
    "MarketRules",
    "PaperVenue",
    "Traded",
    "VenueEvent",
    "VenueOrder",
    "fee_bps",
]
