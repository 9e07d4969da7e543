"""Paper trading on the real connector class: everything public stays real, everything private is simulated.

`paper_class(base, link)` puts two layers over a connector class of Hummingbot: the order guard, and below it the
paper account. Order books, trading rules, symbols and public streams are the connector's own; orders, balances and
positions come from a `PaperVenue`. A request that would need keys is refused, so a paper bot cannot make one.
"""

# ruff: noqa: SLF001, D102  Hummingbot has no public name for these; overridden methods are described by it
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, override

from aviary_crds.v1alpha1.tradingbot import FeeMode, Fees, Market, Mode, PositionMode
from aviary_fillsim import Cancelled, CancelReason, CancelRefused, Opened, OrderKind, Rejected, Side
from hummingbot.connector.derivative.position import Position
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionSide, TradeType
from hummingbot.core.data_type.common import PositionMode as HbPositionMode
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import TokenAmount, TradeFeeBase
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import OrderBookEvent, OrderBookTradeEvent

from aviary_bot.hb.watched_book import BOOK_FRESH_SECONDS, WatchedOrderBook, exact
from aviary_bot.order_guard import Direction, Exposure, OrderRequest, Slot, valued_at
from aviary_bot.paper_venue import MarketRules, PaperVenue, Traded, VenueEvent, VenueOrder, fee_bps
from aviary_bot.perpetual_account import PerpetualAccount
from aviary_bot.risk_limits import AccountLook
from aviary_bot.spot_account import SpotAccount
from aviary_bot.standing_guard import StandingGuard

if TYPE_CHECKING:
    from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase as _Connector
else:
    _Connector = object  # the layers are put over the class of any connector, see `paper_class`

_KINDS = {
    OrderType.LIMIT: OrderKind.LIMIT,
    OrderType.LIMIT_MAKER: OrderKind.MAKER_ONLY,
    OrderType.MARKET: OrderKind.MARKET,
}


class PrivateCallRefused(OSError):  # noqa: N818  reads as what happened in the log
    """A paper bot tried to call a venue with keys."""


class VenueRefused(OSError):  # noqa: N818  the connectors report a venue's refusal as IOError
    """The simulated venue refused an order."""


@dataclass(kw_only=True)
class PaperLink:
    """What a paper connector is connected to."""

    mode: Mode
    market: Market
    fees: Fees
    quote_per_pair: Decimal
    buys_base_at_start: bool
    venue: PaperVenue
    guard: StandingGuard
    on_fill: Callable[[Traded, Decimal | None], None]
    on_refused: Callable[[str], None] = field(default=lambda _order_id: None)
    is_released: Callable[[], bool] = field(default=lambda: True)
    """Whether the strategy may trade: cancels before it are the start's own."""


class GuardedOrders(_Connector):
    """The order guard where all orders pass, whoever placed them, where all cancels pass, and where orders fail."""

    aviary: ClassVar[PaperLink]

    async def _create_order(  # noqa: PLR0917  the signature is Hummingbot's
        self,
        trade_type: TradeType,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        order_type: OrderType,
        price: Decimal | None = None,
        **kwargs: Any,
    ) -> None:
        action = kwargs.get("position_action", PositionAction.NIL)
        market_order = order_type is OrderType.MARKET
        request = self.order_request(trade_type, trading_pair, amount, None if market_order else price, action=action)
        exposure = self.exposure()
        self.aviary.guard.observe(self.account_look(), datetime.now(UTC))
        refused = self.aviary.guard.review(request, exposure)
        if refused is None:
            await super()._create_order(trade_type, order_id, trading_pair, amount, order_type, price, **kwargs)
            return
        self.start_tracking_order(
            order_id=order_id,
            exchange_order_id=None,
            trading_pair=trading_pair,
            order_type=order_type,
            trade_type=trade_type,
            price=price,
            amount=amount,
            **kwargs,
        )
        failure = VenueRefused(f"{refused.code}: {refused.message}")
        super()._update_order_after_failure(order_id, trading_pair, failure)
        self.aviary.on_refused(order_id)

    def _update_order_after_failure(self, order_id: str, trading_pair: str, exception: Exception | None = None) -> None:
        self.aviary.guard.note_rejection()
        super()._update_order_after_failure(order_id, trading_pair, exception)

    async def _execute_order_cancel_and_process_update(self, order: InFlightOrder) -> bool:
        if self.aviary.is_released():
            self.aviary.guard.note_cancel()
        return await super()._execute_order_cancel_and_process_update(order)

    def order_request(
        self,
        trade_type: TradeType,
        trading_pair: str,
        amount: Decimal,
        price: Decimal | None,
        *,
        action: PositionAction,
    ) -> OrderRequest:
        """Return the order as the guard reads it; `price` is None for a market order."""
        raise NotImplementedError

    def exposure(self) -> Exposure:
        """Return positions, resting orders and prices as the guard counts them."""
        raise NotImplementedError

    def account_look(self) -> AccountLook:
        """Return the account as the limits see it."""
        raise NotImplementedError


class PaperTrading(_Connector):
    """The private side of a connector, simulated. Mixed in before the connector's class."""

    aviary: ClassVar[PaperLink]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._paper_opened: dict[str, asyncio.Future[None]] = {}
        self._paper_cancelled: dict[str, asyncio.Future[bool]] = {}
        self._paper_events: asyncio.Queue[VenueEvent] = asyncio.Queue()
        self._paper_live: set[str] = set()
        self._paper_pump: asyncio.Task[None] | None = None
        self._paper_watched: dict[str, tuple[WatchedOrderBook, EventForwarder]] = {}
        self.websocket_connects = 0
        super().__init__(*args, **kwargs)
        self._orderbook_ds.order_book_create_function = WatchedOrderBook
        connect = self._orderbook_ds._connected_websocket_assistant

        async def counted(*connect_args: Any, **connect_kwargs: Any) -> Any:
            self.websocket_connects += 1
            return await connect(*connect_args, **connect_kwargs)

        self._orderbook_ds._connected_websocket_assistant = counted
        if self.aviary.market.is_perpetual:
            self._paper_set_up_perpetual()

    # -- readiness ---------------------------------------------------------------------------------------------------

    @property
    def is_cancel_request_in_exchange_synchronous(self) -> bool:
        return True

    def _is_user_stream_initialized(self) -> bool:
        return True

    def book_age_seconds(self) -> float | None:
        """Return the age of the pair's book that is oldest; None before all pairs have one."""
        books = [self._paper_book(pair) for pair in self.trading_pairs]
        ages = [book.age_seconds for book in books if book is not None]
        return max(ages) if len(ages) == len(books) else None

    def tick(self, timestamp: float) -> None:
        super().tick(timestamp)
        for pair in self.trading_pairs:
            self._paper_watch(pair)
            self._paper_list(pair)
            self._paper_value(pair)
        self._paper_seed()
        self._paper_publish_account()

    def _paper_book(self, trading_pair: str) -> WatchedOrderBook | None:
        book = self.order_book_tracker.order_books.get(trading_pair)
        return book if isinstance(book, WatchedOrderBook) else None

    def _paper_watch(self, trading_pair: str) -> None:
        book = self._paper_book(trading_pair)
        known = self._paper_watched.get(trading_pair)
        if book is None or (known is not None and known[0] is book):
            return
        # The book is made anew when the network comes back; PubSub holds listeners weakly, hence the tuple.
        forwarder = EventForwarder(partial(self._paper_on_trade, trading_pair))
        book.add_listener(OrderBookEvent.TradeEvent, forwarder)
        book.on_change = partial(self._paper_on_book, trading_pair)
        self._paper_watched[trading_pair] = (book, forwarder)

    def _paper_list(self, trading_pair: str) -> None:
        rule = self._trading_rules.get(trading_pair)
        if rule is None:
            return
        maker, taker = self._paper_fees(trading_pair)
        self.aviary.venue.list_market(
            trading_pair,
            MarketRules(
                tick_size=Decimal(rule.min_price_increment),
                lot_size=Decimal(rule.min_base_amount_increment),
                maker_fee_bps=maker,
                taker_fee_bps=taker,
            ),
        )

    def _paper_fees(self, trading_pair: str) -> tuple[Decimal, Decimal]:
        fees = self.aviary.fees
        if fees.mode is FeeMode.MANUAL and fees.maker_bps is not None and fees.taker_bps is not None:
            return Decimal(fees.maker_bps), Decimal(fees.taker_bps)
        schema = self._trading_fees.get(trading_pair) or self.trade_fee_schema()
        return fee_bps(schema.maker_percent_fee_decimal), fee_bps(schema.taker_percent_fee_decimal)

    def fee_source(self) -> str | None:
        """Return where the fees of fills come from; None until all pairs are listed with theirs."""
        if not all(self.aviary.venue.is_listed(pair) for pair in self.trading_pairs):
            return None
        if self.aviary.fees.mode is FeeMode.MANUAL:
            return "manual"
        fetched = all(pair in self._trading_fees for pair in self.trading_pairs)
        return f"{'api' if fetched else 'connector'}:{self.aviary.market.connector}"

    def _paper_value(self, trading_pair: str) -> None:
        book = self._paper_book(trading_pair)
        mid = book.mid_price() if book is not None else None
        self.aviary.venue.on_mid_price(trading_pair, mid)
        if mid is None:
            self.aviary.venue.forget_book(trading_pair)

    def _paper_seed(self) -> None:
        venue = self.aviary.venue
        prices = venue.mid_prices()
        if all(prices.get(pair) is not None for pair in self.trading_pairs):
            venue.seed(self.trading_pairs, self.aviary.quote_per_pair, with_base=self.aviary.buys_base_at_start)

    def _paper_publish_account(self) -> None:
        venue = self.aviary.venue
        if not venue.state.seeded:
            return
        self._account_balances.clear()
        self._account_balances.update(venue.balances())
        self._account_available_balances.clear()
        self._account_available_balances.update(venue.available())
        if self.aviary.market.is_perpetual:
            self._paper_publish_positions()

    # -- orders ------------------------------------------------------------------------------------------------------

    @override
    def order_request(
        self,
        trade_type: TradeType,
        trading_pair: str,
        amount: Decimal,
        price: Decimal | None,
        *,
        action: PositionAction,
    ) -> OrderRequest:
        direction = _direction(trade_type)
        book = self._paper_book(trading_pair)
        market = book.best(is_buy=direction == "Buy") if book is not None else None
        return OrderRequest(
            trading_pair=trading_pair,
            direction=direction,
            quantity=amount,
            price=valued_at(direction, limit=price, market=market),
            slot=self._paper_slot(direction, action),
            leverage=self.aviary.venue.leverage.get(trading_pair, 1),
        )

    @override
    def exposure(self) -> Exposure:
        venue = self.aviary.venue
        for pair in self.trading_pairs:
            self._paper_value(pair)
        account = venue.state.account
        return Exposure(
            positions=account.positions(),
            resting=venue.resting(),
            mid_prices=venue.mid_prices(),
            holdings=account.holdings() if isinstance(account, SpotAccount) else None,
        )

    @override
    def account_look(self) -> AccountLook:
        for pair in self.trading_pairs:
            self._paper_value(pair)
        return self.aviary.venue.look()

    def _paper_slot(self, direction: Direction, action: PositionAction) -> Slot:
        if self.aviary.market.position_mode is not PositionMode.HEDGE:
            return "Net"
        opens = action is not PositionAction.CLOSE
        return "Long" if (direction == "Buy") == opens else "Short"

    async def _place_order_and_process_update(self, order: InFlightOrder, **kwargs: Any) -> str:
        direction = _direction(order.trade_type)
        slot = self._paper_slot(direction, kwargs.get("position_action", PositionAction.NIL))
        book = self._paper_book(order.trading_pair)
        if book is not None and book.age_seconds <= BOOK_FRESH_SECONDS:
            self._paper_show(order.trading_pair, book)
        answer = self.aviary.venue.submit(
            VenueOrder(
                order_id=order.client_order_id,
                trading_pair=order.trading_pair,
                direction=direction,
                kind=_KINDS[order.order_type],
                quantity=order.amount,
                price=None if order.order_type is OrderType.MARKET else order.price,
                slot=slot,
            ),
            time.time_ns(),
        )
        if isinstance(answer, str):
            raise VenueRefused(f"the simulated venue refused {order.client_order_id}: {answer}")
        self._paper_live.add(order.client_order_id)
        opened = asyncio.get_running_loop().create_future()
        self._paper_opened[order.client_order_id] = opened
        self._paper_wake(order.trading_pair, answer)
        try:
            await opened
        finally:
            self._paper_opened.pop(order.client_order_id, None)
        return _exchange_id(order.client_order_id)

    def _on_order_failure(
        self,
        order_id: str,
        trading_pair: str,
        *_args: Any,
        exception: Exception,
        **_kwargs: Any,
    ) -> None:
        # Hummingbot's own line would advise to check the API key, of which there is none.
        self.logger().info(f"Order {order_id} was refused: {exception}")
        self._update_order_after_failure(order_id, trading_pair, exception)

    async def _place_order(self, order_id: str, *_args: Any, **_kwargs: Any) -> tuple[str, float]:
        raise PrivateCallRefused(f"order {order_id} would go to the real venue; paper orders never take this way")

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        due_ns = self.aviary.venue.cancel(order_id, time.time_ns())
        if due_ns is None:
            # Finished here, and its last event is on the way: nothing to cancel. Otherwise it was restored from the
            # database of an earlier process, and simulated orders end with their process.
            return order_id not in self._paper_live
        waiting = self._paper_cancelled.get(order_id)
        if waiting is None:
            waiting = asyncio.get_running_loop().create_future()
            self._paper_cancelled[order_id] = waiting
        self._paper_wake(tracked_order.trading_pair, due_ns)
        return await asyncio.shield(waiting)

    def _paper_wake(self, trading_pair: str, due_ns: int) -> None:
        delay = max(0.0, (due_ns - time.time_ns()) / 1e9)
        asyncio.get_running_loop().call_later(delay + 0.001, self._paper_advance, trading_pair, due_ns)

    def _paper_advance(self, trading_pair: str, due_ns: int) -> None:
        self._paper_tell(self.aviary.venue.advance(trading_pair, max(due_ns, time.time_ns())))

    # -- the market --------------------------------------------------------------------------------------------------

    def _paper_on_book(self, trading_pair: str) -> None:
        book = self._paper_book(trading_pair)
        if book is not None and self.aviary.venue.has_orders(trading_pair):
            self._paper_show(trading_pair, book)

    def _paper_show(self, trading_pair: str, book: WatchedOrderBook) -> None:
        if self.aviary.venue.is_listed(trading_pair):
            self._paper_tell(self.aviary.venue.on_book(trading_pair, book.levels(), time.time_ns()))

    def _paper_on_trade(self, trading_pair: str, trade: OrderBookTradeEvent) -> None:
        venue = self.aviary.venue
        if not venue.has_orders(trading_pair):
            return
        aggressor = Side.BUY if trade.type is TradeType.BUY else Side.SELL
        price, quantity = exact(float(trade.price)), exact(float(trade.amount))
        self._paper_tell(venue.on_trade(trading_pair, price, quantity, aggressor, time.time_ns()))

    def _paper_tell(self, events: list[VenueEvent]) -> None:
        if events and (self._paper_pump is None or self._paper_pump.done()):
            # Not tied to start_network and stop_network: cancels must come through while the venue is out of reach.
            self._paper_pump = asyncio.get_running_loop().create_task(self._paper_pump_events())
        for event in events:
            self._paper_events.put_nowait(event)

    async def _paper_pump_events(self) -> None:
        while True:
            event = await self._paper_events.get()
            try:
                await self._paper_process(event)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  one bad event must not stop all later ones
                self.logger().exception(f"A simulated event could not be processed: {event}")

    async def _paper_process(self, event: VenueEvent) -> None:
        match event:
            case Opened():
                await self._paper_update(event.order_id, OrderState.OPEN)
                _resolve(self._paper_opened.get(event.order_id), None)
            case Rejected():
                self._paper_live.discard(event.order_id)
                refusal = VenueRefused(f"{event.reason}: {event.message}")
                _fail(self._paper_opened.get(event.order_id), refusal)
            case Traded():
                await self._paper_fill(event)
            case Cancelled():
                self._paper_live.discard(event.order_id)
                waiting = self._paper_cancelled.pop(event.order_id, None)
                _resolve(waiting, result=True)
                if waiting is None or event.reason is CancelReason.NOTHING_LEFT_TO_TAKE:
                    await self._paper_update(event.order_id, OrderState.CANCELED)
            case CancelRefused():
                _resolve(self._paper_cancelled.pop(event.order_id, None), result=False)

    async def _paper_fill(self, traded: Traded) -> None:
        order, fill = traded.order, traded.fill
        book = self._paper_book(order.trading_pair)
        self.aviary.on_fill(traded, book.mid_price() if book is not None else None)
        self._paper_publish_account()
        self._order_tracker.process_trade_update(
            TradeUpdate(
                trade_id=f"paper-{traded.number}",
                client_order_id=order.order_id,
                exchange_order_id=_exchange_id(order.order_id),
                trading_pair=order.trading_pair,
                fill_timestamp=fill.time_ns / 1e9,
                fill_price=fill.price,
                fill_base_amount=fill.quantity,
                fill_quote_amount=fill.price * fill.quantity,
                fee=self._paper_trade_fee(traded),
            )
        )
        if fill.remaining == 0:
            self._paper_live.discard(order.order_id)
            await self._paper_update(order.order_id, OrderState.FILLED)
        else:
            await self._paper_update(order.order_id, OrderState.PARTIALLY_FILLED)

    def _paper_trade_fee(self, traded: Traded) -> TradeFeeBase:
        flat = [TokenAmount(traded.fee_asset, traded.fee)]
        if self.aviary.market.is_perpetual:
            action = PositionAction.OPEN if traded.order.direction == "Buy" else PositionAction.CLOSE
            return TradeFeeBase.new_perpetual_fee(self.trade_fee_schema(), action, flat_fees=flat)
        side = TradeType.BUY if traded.order.direction == "Buy" else TradeType.SELL
        return TradeFeeBase.new_spot_fee(self.trade_fee_schema(), side, flat_fees=flat)

    async def _paper_update(self, order_id: str, state: OrderState) -> None:
        tracked = self._order_tracker.fetch_order(order_id)
        if tracked is None:
            return
        await self._order_tracker._process_order_update(
            OrderUpdate(
                trading_pair=tracked.trading_pair,
                update_timestamp=time.time(),
                new_state=state,
                client_order_id=order_id,
                exchange_order_id=_exchange_id(order_id),
            )
        )

    # -- the connector's own loops that would need keys --------------------------------------------------------------

    async def _api_request(self, path_url: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("is_auth_required"):
            raise PrivateCallRefused(f"{path_url} needs keys; a paper bot has none and calls nothing with keys")
        return await super()._api_request(path_url, *args, **kwargs)

    def _create_user_stream_tracker_task(self) -> asyncio.Task[None]:
        return asyncio.create_task(_for_ever())

    async def _user_stream_event_listener(self) -> None:
        await _for_ever()

    async def _lost_orders_update_polling_loop(self) -> None:
        await _for_ever()

    async def _status_polling_loop_fetch_updates(self) -> None:
        self._paper_publish_account()

    async def _update_balances(self) -> None:
        self._paper_publish_account()

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> list[TradeUpdate]:
        return list(order.order_fills.values())

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        return OrderUpdate(
            trading_pair=tracked_order.trading_pair,
            update_timestamp=time.time(),
            new_state=tracked_order.current_state,
            client_order_id=tracked_order.client_order_id,
            exchange_order_id=tracked_order.exchange_order_id,
        )

    # -- perpetual contracts -----------------------------------------------------------------------------------------

    def _paper_set_up_perpetual(self) -> None:
        market = self.aviary.market
        self._perpetual_trading.set_position_mode(_position_mode(market.position_mode))
        for pair in self.trading_pairs:
            self._perpetual_trading.set_leverage(pair, market.leverage)
            self.aviary.venue.leverage[pair] = market.leverage

    def _paper_publish_positions(self) -> None:
        positions = self._perpetual_trading.account_positions
        positions.clear()
        mids = self.aviary.venue.mid_prices()
        account = self.aviary.venue.state.account
        for held in account.held if isinstance(account, PerpetualAccount) else ():
            side = PositionSide.LONG if held.quantity > 0 else PositionSide.SHORT
            mid = mids.get(held.trading_pair)
            key = self._perpetual_trading.position_key(held.trading_pair, side)
            positions[key] = Position(
                trading_pair=held.trading_pair,
                position_side=side,
                unrealized_pnl=held.unrealized(mid) if mid is not None else Decimal(0),
                entry_price=held.entry_price,
                amount=held.quantity,
                leverage=Decimal(self.aviary.venue.leverage.get(held.trading_pair, 1)),
            )

    async def _update_positions(self) -> None:
        self._paper_publish_account()

    async def _fetch_account_position_mode(self) -> HbPositionMode:
        return _position_mode(self.aviary.market.position_mode)

    async def _execute_set_position_mode(self, mode: HbPositionMode) -> None:
        ours = _position_mode(self.aviary.market.position_mode)
        if mode is not ours:
            self.logger().error(f"Position mode {mode} was asked for; spec.market.positionMode decides: {ours}")
        self._fire_position_mode_events(mode, success=mode is ours, message="decided by spec.market.positionMode")

    async def _trading_pair_position_mode_set(self, mode: HbPositionMode, trading_pair: str) -> tuple[bool, str]:
        ours = _position_mode(self.aviary.market.position_mode)
        return mode is ours, f"{trading_pair}: decided by spec.market.positionMode"

    async def _set_trading_pair_leverage(self, trading_pair: str, leverage: int) -> tuple[bool, str]:
        limit = self.aviary.guard.limits.max_leverage
        if leverage > limit:
            return False, f"leverage {leverage} is above maxLeverage {limit}"
        self.aviary.venue.leverage[trading_pair] = leverage
        return True, ""

    async def set_margin_mode(self, mode: Any) -> None:
        self.logger().debug(f"Margin mode {mode} means nothing in paper")

    async def _fetch_last_fee_payment(self, trading_pair: str) -> tuple[float, Decimal, Decimal]:  # noqa: ARG002  named by Hummingbot
        return 0, Decimal(-1), Decimal(-1)


def paper_class(base: type[Any], link: PaperLink) -> type[Any]:
    """Return the connector class `base` with its private side simulated and its orders guarded."""
    return type(f"Paper{base.__name__}", (PaperTrading, GuardedOrders, base), {"aviary": link})


def _direction(trade_type: TradeType) -> Direction:
    return "Buy" if trade_type is TradeType.BUY else "Sell"


def _position_mode(mode: PositionMode) -> HbPositionMode:
    return HbPositionMode.HEDGE if mode is PositionMode.HEDGE else HbPositionMode.ONEWAY


def _exchange_id(order_id: str) -> str:
    return f"paper-{order_id}"


def _resolve[T](future: asyncio.Future[T] | None, result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _fail[T](future: asyncio.Future[T] | None, error: Exception) -> None:
    if future is not None and not future.done():
        future.set_exception(error)


async def _for_ever() -> None:
    await asyncio.Event().wait()
