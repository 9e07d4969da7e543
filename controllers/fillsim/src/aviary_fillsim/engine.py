"""The matching engine: orders of one market against the books and trades that its public feed shows.

Rules, in the order in which they apply at any moment:

1. What is due comes first. Orders and cancels that reach the market at or before `now_ns` meet the book that stood
   until then; only then does a new book or trade count. Nothing happens to an order before its latency is over.
2. A limit or market order that reaches the market takes what is shown, level by level, at the levels' prices, never
   beyond its limit and never more than is shown. The remainder of a limit order rests; that of a market order is
   cancelled. A maker-only order that would take is rejected. Before the first book every order is rejected: the
   engine does not guess at a market that it has not seen.
3. A resting order fills, at its own price, when a later book or trade comes to that price. Exactly at the price it
   gets its share of the queue and a random part of itself at a time; when the market is beyond the price, the whole
   queue was passed and it gets all that was shown there.
4. Orders of one side share what is shown, best price first, then first come first served. Nothing that was shown
   once is used twice (`ShownLiquidity`).

A book that no market can show (NaN, crossed, levels out of order) is treated like no book: nothing fills against it.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from heapq import heappop, heappush

from aviary_fillsim.amounts import Grid, bps_of, exact_product, is_positive
from aviary_fillsim.book import Book
from aviary_fillsim.chance import Chance
from aviary_fillsim.config import FULL_BPS, SimConfig
from aviary_fillsim.events import (
    Cancelled,
    CancelReason,
    CancelRefused,
    Event,
    Fill,
    Liquidity,
    Opened,
    Rejected,
    RejectReason,
)
from aviary_fillsim.liquidity import ShownLiquidity
from aviary_fillsim.orders import Accepted, Order, OrderKind, OrderState, Side
from aviary_fillsim.resting import RestingOrder, RestingSide

_NEVER_NS = 1 << 62
_NS_PER_MS = 1_000_000


class Engine:
    """One market's simulated orders. Deterministic: the same calls give the same events on every machine.

    Times are nanoseconds of any one clock. A time earlier than one seen before counts as that one, so a clock that
    is set back cannot reorder the past. Not safe for use from several threads.
    """

    __slots__ = (
        "_arrivals",
        "_chance",
        "_config",
        "_due",
        "_latency_ns",
        "_lots",
        "_next_due_ns",
        "_now_ns",
        "_open",
        "_resting_buys",
        "_resting_sells",
        "_sent",
        "_sequence",
        "_shown",
        "_ticks",
        "_trade_id",
    )

    def __init__(self, config: SimConfig) -> None:
        self._config = config
        self._ticks = Grid(config.tick_size)
        self._lots = Grid(config.lot_size)
        self._latency_ns = config.latency_ms * _NS_PER_MS
        self._chance = Chance(config.seed)
        self._shown = ShownLiquidity(config.lot_size, book_reflects_fills=config.book_reflects_fills)
        self._resting_buys = RestingSide(Side.BUY)
        self._resting_sells = RestingSide(Side.SELL)
        self._open: dict[str, RestingOrder] = {}
        self._sent: dict[str, Order] = {}
        self._due: list[tuple[int, int, Order | str]] = []
        self._next_due_ns = _NEVER_NS
        self._now_ns = 0
        self._sequence = 0
        self._trade_id = 0
        self._arrivals = 0

    # -- what the owner of orders does -------------------------------------------------------------------------------

    def submit(self, order: Order, now_ns: int) -> Accepted | Rejected:
        """Send an order. It reaches the market one latency later; call `advance` to let it arrive without a book."""
        now_ns = self._clock(now_ns)
        fault = self._fault(order)
        if fault is not None:
            return Rejected(order_id=order.order_id, reason=fault[0], message=fault[1], time_ns=now_ns)
        self._sent[order.order_id] = order
        return Accepted(order.order_id, self._schedule(order, now_ns))

    def cancel(self, order_id: str, now_ns: int) -> int:
        """Send a cancel and return when it reaches the market; the order may still fill until then."""
        return self._schedule(order_id, self._clock(now_ns))

    # -- what the market does ----------------------------------------------------------------------------------------

    def advance(self, now_ns: int) -> list[Event]:
        """Let time pass: orders and cancels due by `now_ns` reach the market as it last stood."""
        now_ns = self._clock(now_ns)
        return self._arrive(now_ns) if now_ns >= self._next_due_ns else []

    def on_book(self, book: Book, now_ns: int) -> list[Event]:
        """Show the engine a new book. Costs two comparisons when it touches no order."""
        if now_ns < self._now_ns:
            now_ns = self._now_ns
        else:
            self._now_ns = now_ns
        events = self._arrive(now_ns) if now_ns >= self._next_due_ns else []
        self._shown.show(book)
        bids, asks = book
        try:
            touched = (asks and asks[0][0] <= self._resting_buys.best) or (
                bids and bids[0][0] >= self._resting_sells.best
            )
        except InvalidOperation:  # NaN has no order
            return events
        if touched:
            events.extend(self._match_book(book, now_ns))
        return events

    def on_trade(self, price: Decimal, quantity: Decimal, aggressor: Side, now_ns: int) -> list[Event]:
        """Show the engine a public trade. `aggressor` is the side that took: it can only fill the other side's orders.

        A price or quantity that is not above zero is no trade and fills nothing.
        """
        events = self.advance(now_ns)
        resting = self._resting_sells if aggressor is Side.BUY else self._resting_buys
        if not is_positive(price) or not is_positive(quantity):
            return events
        lots_traded = self._lots.floor(quantity)
        for maker in resting.reached_by(price):
            if lots_traded == 0:
                break
            if self._now_ns < maker.not_before_ns:
                continue
            if maker.price == price:
                lots = min(self._share(lots_traded), self._part(maker))
            else:
                lots = min(lots_traded, maker.lots_left)
            if lots > 0:
                lots_traded -= lots
                events.append(self._fill_maker(maker, lots, self._now_ns))
        return events

    def forget_book(self) -> None:
        """Say that the feed is lost: until the next book arriving orders are rejected and nothing fills."""
        self._shown.forget()

    # -- what can be asked -------------------------------------------------------------------------------------------

    def affordable(self, quote_amount: Decimal, now_ns: int) -> Decimal:
        """Return the base quantity that a market buy arriving now could take for at most `quote_amount`, fees apart.

        Zero without a usable book. Venues that state market buys in the quote asset turn them into a quantity so.
        """
        self._clock(now_ns)
        lots, budget = 0, quote_amount
        for price, _, lots_left in self._shown.levels(Side.BUY, None):
            lot_cost = exact_product(price, self._config.lot_size)
            wanted = Grid(lot_cost).floor(budget)
            taken = min(wanted, lots_left)
            lots += taken
            if taken < lots_left:
                break
            budget -= exact_product(lot_cost, Decimal(taken))
        return self._lots.value(lots)

    def order(self, order_id: str) -> OrderState | None:
        """Return an order that is on its way or open, or None: the engine keeps nothing of finished orders."""
        resting = self._open.get(order_id)
        if resting is not None:
            return self._state(resting)
        sent = self._sent.get(order_id)
        if sent is None:
            return None
        return OrderState(order=sent, is_open=False, filled=self._lots.value(0), remaining=sent.quantity)

    @property
    def open_count(self) -> int:
        """How many orders rest in the market."""
        return len(self._open)

    def open_orders(self) -> list[OrderState]:
        """Return the resting orders, buys before sells, best price first."""
        return [self._state(r) for side in (self._resting_buys, self._resting_sells) for r in side]

    # -- arrivals ----------------------------------------------------------------------------------------------------

    def _clock(self, now_ns: int) -> int:
        self._now_ns = max(self._now_ns, now_ns)
        return self._now_ns

    def _schedule(self, item: Order | str, now_ns: int) -> int:
        due_ns = now_ns + self._latency_ns
        self._sequence += 1
        heappush(self._due, (due_ns, self._sequence, item))
        self._next_due_ns = self._due[0][0]
        return due_ns

    def _arrive(self, now_ns: int) -> list[Event]:
        events: list[Event] = []
        while self._due and self._due[0][0] <= now_ns:
            due_ns, _, item = heappop(self._due)
            if isinstance(item, str):
                events.append(self._cancel_now(item, due_ns))
            else:
                del self._sent[item.order_id]
                events.extend(self._enter(item, due_ns))
        self._next_due_ns = self._due[0][0] if self._due else _NEVER_NS
        return events

    def _fault(self, order: Order) -> tuple[RejectReason, str] | None:
        if order.order_id in self._open or order.order_id in self._sent:
            return RejectReason.DUPLICATE_ID, f"order id {order.order_id} is in use by an unfinished order"
        if not is_positive(order.quantity) or self._lots.units(order.quantity) is None:
            lot = self._config.lot_size
            return RejectReason.BAD_QUANTITY, f"quantity {order.quantity} must be above zero in steps of {lot}"
        if order.kind is OrderKind.MARKET:
            if order.price is not None:
                return RejectReason.BAD_PRICE, f"a market order has no price, got {order.price}"
            return None
        if order.price is None or not is_positive(order.price) or self._ticks.units(order.price) is None:
            tick = self._config.tick_size
            return RejectReason.BAD_PRICE, f"price {order.price} must be above zero in steps of {tick}"
        return None

    def _enter(self, order: Order, time_ns: int) -> Iterator[Event]:
        if not self._shown.is_usable:
            yield Rejected(
                order_id=order.order_id,
                reason=RejectReason.NO_BOOK,
                message="no usable book: none was seen yet, the feed was lost, or bid and ask cross",
                time_ns=time_ns,
            )
            return
        if order.kind is OrderKind.MAKER_ONLY and self._would_take(order):
            yield Rejected(
                order_id=order.order_id,
                reason=RejectReason.WOULD_TAKE,
                message=f"maker-only {order.side} at {order.price} would take from the book",
                time_ns=time_ns,
            )
            return
        yield Opened(order_id=order.order_id, time_ns=time_ns)
        lots = lots_left = self._lots.floor(order.quantity)
        if order.kind is not OrderKind.MAKER_ONLY:
            for fill in self._take(order, lots_left, time_ns):
                lots_left -= self._lots.floor(fill.quantity)
                yield fill
        if lots_left == 0:
            return
        if order.price is None:
            remaining = self._lots.value(lots_left)
            reason = CancelReason.NOTHING_LEFT_TO_TAKE
            yield Cancelled(order_id=order.order_id, remaining=remaining, reason=reason, time_ns=time_ns)
            return
        self._rest(order, order.price, lots, lots_left, time_ns)

    def _rest(self, order: Order, price: Decimal, lots: int, lots_left: int, time_ns: int) -> None:
        self._arrivals += 1
        not_before_ns = time_ns if lots_left == lots else time_ns + self._latency_ns
        resting = RestingOrder(order, price, lots, lots_left, self._arrivals, not_before_ns)
        self._open[order.order_id] = resting
        self._side_of(resting).add(resting)

    def _cancel_now(self, order_id: str, time_ns: int) -> Event:
        resting = self._open.get(order_id)
        if resting is None:
            return CancelRefused(order_id=order_id, time_ns=time_ns)
        self._remove(resting)
        remaining = self._lots.value(resting.lots_left)
        return Cancelled(order_id=order_id, remaining=remaining, reason=CancelReason.REQUESTED, time_ns=time_ns)

    # -- takers ------------------------------------------------------------------------------------------------------

    def _would_take(self, order: Order) -> bool:
        # Levels that were taken before still count: the venue itself never saw them go.
        return any(True for _ in self._shown.levels(order.side, order.price))

    def _take(self, order: Order, lots_left: int, time_ns: int) -> Iterator[Fill]:
        for price, _, available in self._shown.levels(order.side, order.price):
            lots = min(lots_left, available)
            if lots > 0:
                lots_left -= lots
                self._shown.take(order.side, price, lots)
                yield self._fill(order, price=price, lots=lots, lots_left=lots_left, maker=False, time_ns=time_ns)
            if lots_left == 0:
                return

    # -- makers ------------------------------------------------------------------------------------------------------

    def _match_book(self, book: Book, now_ns: int) -> Iterator[Event]:
        if not self._shown.is_usable:
            return
        for resting in (self._resting_buys, self._resting_sells):
            levels = book.against(resting.side)
            if not levels:
                continue
            for maker in resting.reached_by(levels[0][0]):
                lots = self._reach(maker) if now_ns >= maker.not_before_ns else 0
                if lots > 0:
                    self._take_shown(maker, lots)
                    yield self._fill_maker(maker, lots, now_ns)

    def _reach(self, maker: RestingOrder) -> int:
        """Return how many lots of the resting order the book, as it stands, fills."""
        side = maker.order.side
        levels = list(self._shown.levels(side, maker.price))
        if levels[0][0] != maker.price:
            return min(maker.lots_left, sum(lots_left for _, _, lots_left in levels))
        price, shown, _ = levels[0]
        return min(self._share(shown) - self._shown.taken_at(side, price), self._part(maker))

    def _take_shown(self, maker: RestingOrder, lots: int) -> None:
        for price, _, lots_left in self._shown.levels(maker.order.side, maker.price):
            taken = min(lots, lots_left)
            if taken > 0:
                self._shown.take(maker.order.side, price, taken)
                lots -= taken

    def _share(self, lots: int) -> int:
        return lots * self._chance.around_bps(self._config.queue_participation_bps) // FULL_BPS

    def _part(self, maker: RestingOrder) -> int:
        # Of the whole order, not of what is left: otherwise the tail would trickle out in ever smaller dust.
        part_bps = self._chance.between_bps(self._config.partial_min_bps, self._config.partial_max_bps)
        return min(maker.lots_left, max(1, maker.lots * part_bps // FULL_BPS))

    def _fill_maker(self, maker: RestingOrder, lots: int, time_ns: int) -> Fill:
        maker.lots_left -= lots
        maker.not_before_ns = time_ns + self._latency_ns
        if maker.lots_left == 0:
            self._remove(maker)
        return self._fill(
            maker.order, price=maker.price, lots=lots, lots_left=maker.lots_left, maker=True, time_ns=time_ns
        )

    def _fill(self, order: Order, *, price: Decimal, lots: int, lots_left: int, maker: bool, time_ns: int) -> Fill:
        self._trade_id += 1
        fee_bps = self._config.maker_fee_bps if maker else self._config.taker_fee_bps
        quantity = self._lots.value(lots)
        return Fill(
            order_id=order.order_id,
            side=order.side,
            price=price,
            quantity=quantity,
            remaining=self._lots.value(lots_left),
            fee_bps=fee_bps,
            fee_quote=bps_of(exact_product(price, quantity), fee_bps),
            fee_base=bps_of(quantity, fee_bps),
            liquidity=Liquidity.MAKER if maker else Liquidity.TAKER,
            trade_id=self._trade_id,
            time_ns=time_ns,
        )

    # -- bookkeeping -------------------------------------------------------------------------------------------------

    def _side_of(self, resting: RestingOrder) -> RestingSide:
        return self._resting_buys if resting.order.side is Side.BUY else self._resting_sells

    def _remove(self, resting: RestingOrder) -> None:
        del self._open[resting.order.order_id]
        self._side_of(resting).remove(resting)

    def _state(self, resting: RestingOrder) -> OrderState:
        remaining = self._lots.value(resting.lots_left)
        filled = self._lots.value(resting.lots - resting.lots_left)
        return OrderState(order=resting.order, is_open=True, filled=filled, remaining=remaining)
