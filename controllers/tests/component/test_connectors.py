"""The paper layers over each supported connector class: they override what is there, and no call with keys gets out."""

import asyncio
import inspect
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.hb.connectors import SUPPORTED, ensure_supported, make_paper_connector
from aviary_bot.hb.paper_connector import (
    GuardedOrders,
    PaperLink,
    PaperTrading,
    PrivateCallRefused,
    VenueRefused,
)
from aviary_bot.hb.watched_book import WatchedOrderBook
from aviary_bot.paper_state import first_state
from aviary_bot.paper_venue import PaperVenue
from hummingbot.client.config.config_helpers import get_connector_class
from hummingbot.connector.exchange_py_base import ExchangePyBase
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionMode, TradeType
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent

from .configs import bot_config, guard_of

PERPETUAL_ONLY = {
    "_execute_set_position_mode",
    "_fetch_account_position_mode",
    "_fetch_last_fee_payment",
    "_set_trading_pair_leverage",
    "_trading_pair_position_mode_set",
    "_update_positions",
}
SOME_ONLY = {"set_margin_mode"}
"""Bitget's perpetual connector alone has it."""

OURS = {"order_request", "exposure", "account_look", "fee_source", "book_age_seconds"}


def _make(connector: str, folder: Path, **changes: Any) -> Any:
    perpetual = connector.endswith("_perpetual")
    market = {"leverage": 3, "positionMode": "Hedge"} if perpetual else {}
    config = bot_config("alpha", connector=connector, market=market, **changes)
    link = PaperLink(
        mode=config.mode,
        market=config.market,
        fees=config.fees,
        quote_per_pair=Decimal(1000),
        buys_base_at_start=True,
        venue=PaperVenue(first_state(config), config.paper, store=lambda _state: None),
        guard=guard_of(folder, config),
        on_fill=lambda _traded, _mid: None,
    )
    return make_paper_connector(connector, ["BTC-USDT"], link)


def _overrides() -> set[str]:
    own = {**vars(PaperTrading), **vars(GuardedOrders)}
    return {
        name
        for name, member in own.items()
        if (inspect.isfunction(member) or isinstance(member, property))
        and not name.startswith(("__", "_paper_"))
        and name not in OURS
    }


@pytest.mark.parametrize("connector", SUPPORTED)
async def test_every_override_replaces_something_of_the_real_class(connector: str, tmp_path: Path) -> None:
    base = get_connector_class(connector)
    made = _make(connector, tmp_path)
    assert isinstance(made, base)
    expected = _overrides() - SOME_ONLY - (set() if issubclass(base, PerpetualDerivativePyBase) else PERPETUAL_ONLY)
    assert len(expected) > 15
    assert [name for name in sorted(expected) if not hasattr(base, name)] == []


def test_the_override_of_one_connector_is_still_needed() -> None:
    assert hasattr(get_connector_class("bitget_perpetual"), "set_margin_mode")


@pytest.mark.parametrize("connector", SUPPORTED)
async def test_no_call_with_keys_gets_out(connector: str, tmp_path: Path) -> None:
    made = _make(connector, tmp_path)
    with pytest.raises(PrivateCallRefused, match="needs keys"):
        await made._api_get(path_url="/private", is_auth_required=True)
    with pytest.raises(PrivateCallRefused, match="real venue"):
        await made._place_order("order-1", "BTC-USDT")


@pytest.mark.parametrize("connector", SUPPORTED)
async def test_nothing_private_of_the_base_class_is_left_in_place(connector: str, tmp_path: Path) -> None:
    """The abstract private methods of Hummingbot's connector base are all ours."""
    made = type(_make(connector, tmp_path))
    private = {
        "_all_trade_updates_for_order",
        "_place_cancel",
        "_place_order",
        "_request_order_status",
        "_update_balances",
        "_user_stream_event_listener",
    }
    assert private <= {
        name for name in dir(ExchangePyBase) if getattr(getattr(ExchangePyBase, name), "__isabstractmethod__", False)
    }
    owners = {name: next(owner for owner in made.__mro__ if name in vars(owner)) for name in private}
    assert set(owners.values()) == {PaperTrading}


@pytest.mark.parametrize("connector", [name for name in SUPPORTED if name.endswith("_perpetual")])
async def test_position_mode_and_leverage_are_those_of_the_spec(connector: str, tmp_path: Path) -> None:
    made = _make(connector, tmp_path)
    assert made.position_mode is PositionMode.HEDGE
    assert made.get_leverage("BTC-USDT") == 3
    assert await made._set_trading_pair_leverage("BTC-USDT", 6) == (False, "leverage 6 is above maxLeverage 5")
    assert made.aviary.venue.leverage == {"BTC-USDT": 3}


async def test_a_sell_far_below_the_market_is_refused_for_what_it_is_worth(tmp_path: Path) -> None:
    made = _make("bitget", tmp_path)
    book = WatchedOrderBook()
    book.apply_snapshot([OrderBookRow(50_000.0, 1.0, 1)], [OrderBookRow(50_001.0, 1.0, 1)], 1)
    made.order_book_tracker.order_books["BTC-USDT"] = book
    failed: list[str] = []
    listener = EventForwarder(lambda event: failed.append(event.error_message))
    made.add_listener(MarketEvent.OrderFailure, listener)
    await made._create_order(TradeType.SELL, "order-1", "BTC-USDT", Decimal(1), OrderType.LIMIT, Decimal(1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert made.aviary.guard.refusals == {"OrderNotional": 1}
    assert failed == ["OrderNotional: order of 50000.00 is above maxOrderNotionalQuote 500"]
    assert made.in_flight_orders == {}
    assert made.aviary.guard.ledger.rejected_orders == 0, "what the guard refused, the venue never saw"


@pytest.mark.parametrize("connector", SUPPORTED)
async def test_an_order_that_fails_without_the_guard_counts_as_rejected(connector: str, tmp_path: Path) -> None:
    made = _make(connector, tmp_path)
    _track(made, "order-1")
    made._on_order_failure("order-1", "BTC-USDT", exception=VenueRefused("no"))
    assert made.aviary.guard.ledger.rejected_orders == 1


@pytest.mark.parametrize("connector", SUPPORTED)
async def test_each_cancel_counts_unless_the_guard_wants_it(connector: str, tmp_path: Path) -> None:
    made = _make(connector, tmp_path)
    for name in ("order-1", "order-2"):
        _track(made, name)
    await made._execute_cancel("BTC-USDT", "order-1")
    assert made.aviary.guard.cancels_last_minute == 1
    made.aviary.guard.hold("stop", "the bot is stopping")
    await made.cancel_all(1.0)
    assert made.aviary.guard.cancels_last_minute == 1
    assert all(order.is_done for order in made.in_flight_orders.values())


def _track(made: Any, order_id: str) -> None:
    made.start_tracking_order(
        order_id=order_id,
        exchange_order_id=f"paper-{order_id}",
        trading_pair="BTC-USDT",
        order_type=OrderType.LIMIT,
        trade_type=TradeType.BUY,
        price=Decimal(50_000),
        amount=Decimal("0.001"),
    )


@pytest.mark.parametrize(
    ("fees", "fetched", "source"),
    [
        ({"mode": "Manual", "makerBps": 1, "takerBps": 2}, False, "manual"),
        ({}, False, "connector:bitget"),
        ({}, True, "api:bitget"),
    ],
)
async def test_the_source_of_fees_is_told_once_the_pair_is_listed(
    tmp_path: Path,
    fees: dict[str, Any],
    fetched: bool,  # noqa: FBT001  a table
    source: str,
) -> None:
    made = _make("bitget", tmp_path, fees=fees)
    assert made.fee_source() is None
    rule = TradingRule("BTC-USDT", min_price_increment=Decimal("0.1"), min_base_amount_increment=Decimal("0.0001"))
    made._trading_rules["BTC-USDT"] = rule
    if fetched:
        made._trading_fees["BTC-USDT"] = made.trade_fee_schema()
    made._paper_list("BTC-USDT")
    assert made.fee_source() == source


def test_another_connector_is_not_supported() -> None:
    with pytest.raises(BotFailed, match="supported: binance, binance_perpetual, bitget, bitget_perpetual"):
        ensure_supported("kucoin")
