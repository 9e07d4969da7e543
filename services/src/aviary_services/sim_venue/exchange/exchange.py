"""The exchange: takes orders of accounts, matches them against the made-up markets, and keeps the books.

Matching is the fillsim engine's. What is added here is what an exchange adds: who may trade how much, what is frozen,
who is charged what, positions and funding.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from aviary_fillsim import Cancelled, Event, Fill, Order, Rejected

from aviary_services.sim_venue.exchange.accounts import Account, Accounts
from aviary_services.sim_venue.exchange.admission import admit
from aviary_services.sim_venue.exchange.faults import Faults
from aviary_services.sim_venue.exchange.listeners import ExchangeListener
from aviary_services.sim_venue.exchange.live_market import LiveMarket
from aviary_services.sim_venue.exchange.market import MarketId, Product
from aviary_services.sim_venue.exchange.orders import (
    ZERO,
    OrderRequest,
    OrderStatus,
    Refusal,
    RefusalReason,
    UserOrder,
)
from aviary_services.sim_venue.exchange.settlement import release_reserve, settle_fill

FUNDING_INTERVAL_NS = 8 * 3600 * 1_000_000_000
_BPS = Decimal(10_000)


def next_funding_ns(now_ns: int) -> int:
    """Return the next funding time: 00:00, 08:00 or 16:00 UTC."""
    return (now_ns // FUNDING_INTERVAL_NS + 1) * FUNDING_INTERVAL_NS


class Exchange:
    """Markets and accounts together. Not thread-safe; every time is an argument."""

    def __init__(self, markets: Iterable[LiveMarket], accounts: Accounts, *, first_id: int) -> None:
        """Give numbers from `first_id` on to orders and trades; they should not repeat after a restart."""
        self.markets: Mapping[MarketId, LiveMarket] = {live.market.market_id: live for live in markets}
        self.accounts = accounts
        self.faults = Faults()
        self._listeners: list[ExchangeListener] = []
        self._orders: dict[str, UserOrder] = {}
        self._next_id = first_id
        self._next_funding_ns = 0

    def add_listener(self, listener: ExchangeListener) -> None:
        """Tell `listener` about everything from now on."""
        self._listeners.append(listener)

    @property
    def is_open(self) -> bool:
        """Whether every market has shown a book."""
        return all(live.is_open for live in self.markets.values())

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price of a perpetual: the middle of its book."""
        live = self.markets[MarketId(Product.USDT_PERPETUAL, symbol)]
        return live.ticks.value(live.ladder.mid_ticks)

    def available_margin(self, account: Account) -> Decimal:
        """Return the USDT that can back new perpetual orders, never below zero."""
        tied = account.futures.position_margin() + order_margin(account)
        return max(ZERO, account.futures.equity(self.mark_price) - tied)

    # -- the market moves --------------------------------------------------------------------------------------------

    def step(self, now_ns: int) -> None:
        """Advance every market once."""
        for live in self.markets.values():
            self.step_market(live, now_ns)
        self._settle_funding(now_ns)

    def step_market(self, live: LiveMarket, now_ns: int) -> None:
        """Advance one market."""
        before = live.ladder
        outcome = live.step(now_ns)
        if outcome is None:
            return
        step, events = outcome
        for listener in self._listeners:
            listener.market_stepped(live, step, before, now_ns)
        self._apply(live, events, now_ns)

    def _settle_funding(self, now_ns: int) -> None:
        if not self._next_funding_ns:
            self._next_funding_ns = next_funding_ns(now_ns)
        if now_ns < self._next_funding_ns:
            return
        self._next_funding_ns = next_funding_ns(now_ns)
        for account in self.accounts:
            paid = [self._pay_funding(account, live, now_ns) for live in self.markets.values()]
            if any(paid):
                self._tell_account(account, Product.USDT_PERPETUAL, now_ns)

    def _pay_funding(self, account: Account, live: LiveMarket, now_ns: int) -> bool:
        market = live.market
        if market.product is not Product.USDT_PERPETUAL:
            return False
        return account.futures.pay_funding(
            market.symbol,
            market.funding_rate_bps / _BPS,
            self.mark_price(market.symbol),
            bill_id=self._new_id(),
            now_ns=now_ns,
        )

    # -- accounts act ------------------------------------------------------------------------------------------------

    def place(self, account: Account, request: OrderRequest, now_ns: int) -> UserOrder:
        """Take an order, or raise Refusal. Fills of the part that takes happen before it returns."""
        try:
            order = self._accept(account, request, now_ns)
        except Refusal as refusal:
            for listener in self._listeners:
                listener.order_refused(account, request, refusal, now_ns)
            raise
        live = self.markets[request.market_id]
        for listener in self._listeners:
            listener.order_accepted(account, order, now_ns)
        live.engine.submit(_engine_order(order), now_ns)
        events = live.engine.advance(now_ns)
        if request.immediate:
            live.engine.cancel(order.order_id, now_ns)
            events.extend(live.engine.advance(now_ns))
        self._apply(live, events, now_ns)
        if order.is_open and not order.fills:
            self._tell_account(account, request.market_id.product, now_ns)
        return order

    def cancel(self, account: Account, order: UserOrder, now_ns: int) -> None:
        """Cancel an open order of the account; raises Refusal when it is final already."""
        if not order.is_open:
            raise Refusal(RefusalReason.UNKNOWN_ORDER, f"order {order.order_id} is {order.status}")
        if order.account != account.name:
            raise Refusal(RefusalReason.UNKNOWN_ORDER, f"order {order.order_id} belongs to another account")
        live = self.markets[order.request.market_id]
        live.engine.cancel(order.order_id, now_ns)
        self._apply(live, live.engine.advance(now_ns), now_ns)

    def _accept(self, account: Account, request: OrderRequest, now_ns: int) -> UserOrder:
        injected = self.faults.take_rejection()
        if injected is not None:
            raise Refusal(RefusalReason.INJECTED, injected)
        live = self.markets[request.market_id]
        admission = admit(
            live, account, request, available_margin=lambda: self.available_margin(account), now_ns=now_ns
        )
        if admission.frozen:
            account.wallet.freeze(admission.frozen_asset, admission.frozen)
        order = UserOrder(
            order_id=self._new_id(),
            account=account.name,
            request=request,
            quantity=admission.quantity,
            created_ns=now_ns,
            updated_ns=now_ns,
            leverage=admission.leverage,
            opening_quantity=admission.opening_quantity,
            reserved=admission.frozen,
        )
        account.add_order(order)
        self._orders[order.order_id] = order
        return order

    # -- what matching did -------------------------------------------------------------------------------------------

    def _apply(self, live: LiveMarket, events: Sequence[Event], now_ns: int) -> None:
        touched: dict[str, Account] = {}
        for event in events:
            order = self._orders.get(event.order_id)
            if order is None:
                continue
            account = self.accounts.by_name[order.account]
            if isinstance(event, Fill):
                self._fill(live, account, order, event)
            elif isinstance(event, Cancelled | Rejected):
                self._end(account, order, event.reason.value, event.time_ns)
            else:
                continue
            touched[account.name] = account
        for account in touched.values():
            self._cancel_excess_reductions(live, account, now_ns)
            self._tell_account(account, live.market.product, now_ns)

    def _fill(self, live: LiveMarket, account: Account, order: UserOrder, event: Fill) -> None:
        fill = settle_fill(live.market, account, order, event, trade_id=self._new_id())
        order.fills.append(fill)
        order.filled += fill.quantity
        order.filled_quote += fill.quantity * fill.price
        order.updated_ns = event.time_ns
        order.status = OrderStatus.PARTIALLY_FILLED if order.remaining else OrderStatus.FILLED
        if not order.is_open:
            self._finish(account, order)
        for listener in self._listeners:
            listener.order_filled(account, order, fill, event.time_ns)

    def _end(self, account: Account, order: UserOrder, reason: str, time_ns: int) -> None:
        order.status = OrderStatus.CANCELLED
        order.updated_ns = time_ns
        self._finish(account, order)
        for listener in self._listeners:
            listener.order_cancelled(account, order, reason, time_ns)

    def _finish(self, account: Account, order: UserOrder) -> None:
        release_reserve(self.markets[order.request.market_id].market, account, order)
        account.finish_order(order)
        del self._orders[order.order_id]

    def _cancel_excess_reductions(self, live: LiveMarket, account: Account, now_ns: int) -> None:
        """Cancel reduce-only orders for more than is left to reduce, so that none ever opens a position."""
        for order in _reduce_only_orders(account, live.market.market_id):
            closed = account.futures.closes(live.market.symbol, order.request.side, order.request.effect)
            held = account.futures.held(live.market.symbol, closed) if closed else ZERO
            if order.is_open and order.remaining > held:
                live.engine.cancel(order.order_id, now_ns)
                for event in live.engine.advance(now_ns):
                    if isinstance(event, Cancelled):
                        self._end(account, order, "ReduceOnly", now_ns)

    def _tell_account(self, account: Account, product: Product, now_ns: int) -> None:
        for listener in self._listeners:
            listener.balances_changed(account, product, now_ns)
            if product is Product.USDT_PERPETUAL:
                listener.positions_changed(account, now_ns)

    def _new_id(self) -> str:
        self._next_id += 1
        return str(self._next_id)


def order_margin(account: Account) -> Decimal:
    """Return the margin that an account's open perpetual orders hold."""
    margin = ZERO
    for order in account.open_orders():
        if order.request.price is not None and order.opening_quantity:
            margin += min(order.remaining, order.opening_quantity) * order.request.price / order.leverage
    return margin


def _reduce_only_orders(account: Account, market_id: MarketId) -> Iterator[UserOrder]:
    return (order for order in account.open_orders(market_id) if order.request.reduce_only)


def _engine_order(order: UserOrder) -> Order:
    request = order.request
    return Order(
        order_id=order.order_id,
        side=request.side,
        kind=request.kind,
        quantity=order.quantity,
        price=request.price,
    )
