"""Perpetual orders: margin, positions, profit, funding."""

from decimal import Decimal

import pytest
from aviary_fillsim import OrderKind, Side
from aviary_services.sim_venue.exchange.exchange import FUNDING_INTERVAL_NS
from aviary_services.sim_venue.exchange.orders import (
    OrderRequest,
    OrderStatus,
    PositionEffect,
    Refusal,
    RefusalReason,
    UserOrder,
)
from aviary_services.sim_venue.exchange.positions import HoldSide, PositionMode

from .conftest import PERPETUAL, Venue

FEE = Decimal("0.0006")


def place(
    venue: Venue,
    side: Side,
    quantity: str,
    price: str | None = None,
    *,
    client_id: str = "",
    effect: PositionEffect = PositionEffect.NET,
    reduce_only: bool = False,
) -> UserOrder:
    request = OrderRequest(
        market_id=PERPETUAL,
        client_id=client_id,
        side=side,
        kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        effect=effect,
        reduce_only=reduce_only,
    )
    return venue.exchange.place(venue.ann, request, venue.now_ns)


def held(venue: Venue) -> dict[HoldSide, tuple[Decimal, Decimal]]:
    return {position.hold_side: (position.quantity, position.entry_price) for position in venue.ann.futures}


def test_a_buy_opens_a_long_and_pays_its_fee_in_the_quote_asset(venue: Venue) -> None:
    place(venue, Side.BUY, "2")
    assert held(venue) == {HoldSide.LONG: (Decimal(2), Decimal("100.1"))}
    assert venue.ann.futures.wallet == Decimal(1000) - Decimal("200.2") * FEE


def test_equity_follows_the_mark_price(venue: Venue) -> None:
    place(venue, Side.SELL, "2")
    venue.quote("89.9", "90.1")
    futures = venue.ann.futures
    assert futures.unrealised(venue.exchange.mark_price) == Decimal("19.8")
    assert futures.equity(venue.exchange.mark_price) == futures.wallet + Decimal("19.8")


def test_closing_realises_the_profit_of_the_closed_part(venue: Venue) -> None:
    place(venue, Side.BUY, "2")
    venue.quote("110.1", "110.3")
    order = place(venue, Side.SELL, "0.5")
    assert order.fills[0].profit == Decimal(5)
    assert held(venue) == {HoldSide.LONG: (Decimal("1.5"), Decimal("100.1"))}


def test_one_way_orders_turn_a_position_around(venue: Venue) -> None:
    place(venue, Side.BUY, "1")
    place(venue, Side.SELL, "3")
    assert held(venue) == {HoldSide.SHORT: (Decimal(2), Decimal("99.9"))}


def test_hedge_mode_holds_both_sides(venue: Venue) -> None:
    venue.ann.futures.mode = PositionMode.HEDGE
    place(venue, Side.BUY, "2", effect=PositionEffect.OPEN)
    place(venue, Side.SELL, "1", effect=PositionEffect.OPEN)
    place(venue, Side.SELL, "0.5", effect=PositionEffect.CLOSE)
    assert held(venue) == {
        HoldSide.LONG: (Decimal("1.5"), Decimal("100.1")),
        HoldSide.SHORT: (Decimal(1), Decimal("99.9")),
    }


@pytest.mark.parametrize(
    ("mode", "effect"), [(PositionMode.ONE_WAY, PositionEffect.OPEN), (PositionMode.HEDGE, PositionEffect.NET)]
)
def test_an_order_of_the_wrong_position_mode_is_refused(
    venue: Venue, mode: PositionMode, effect: PositionEffect
) -> None:
    venue.ann.futures.mode = mode
    with pytest.raises(Refusal) as refused:
        place(venue, Side.BUY, "1", effect=effect)
    assert refused.value.reason is RefusalReason.WRONG_POSITION_MODE


def test_leverage_bounds_what_can_be_opened(venue: Venue) -> None:
    venue.ann.futures.set_leverage("BTCUSDT", 2)
    with pytest.raises(Refusal) as refused:
        place(venue, Side.BUY, "25", "90")
    assert refused.value.reason is RefusalReason.INSUFFICIENT_FUNDS
    venue.ann.futures.set_leverage("BTCUSDT", 20)
    assert place(venue, Side.BUY, "25", "90").is_open
    assert venue.exchange.available_margin(venue.ann) == Decimal("887.5")


def test_margin_comes_back_with_a_cancel(venue: Venue) -> None:
    order = place(venue, Side.BUY, "25", "90")
    venue.exchange.cancel(venue.ann, order, venue.now_ns)
    assert venue.exchange.available_margin(venue.ann) == Decimal(1000)


def test_an_order_that_only_closes_needs_no_margin(venue: Venue) -> None:
    venue.ann.futures.set_leverage("BTCUSDT", 1)
    place(venue, Side.BUY, "5", "100.1")
    venue.quote("99.9", "100.1")
    place(venue, Side.BUY, "4.9", "100.1")
    assert venue.exchange.available_margin(venue.ann) < 10
    assert place(venue, Side.SELL, "5").status is OrderStatus.FILLED


@pytest.mark.parametrize("quantity", ["1.001", "5"])
def test_reduce_only_for_more_than_is_held_is_refused(venue: Venue, quantity: str) -> None:
    place(venue, Side.BUY, "1")
    with pytest.raises(Refusal) as refused:
        place(venue, Side.SELL, quantity, "120", reduce_only=True)
    assert refused.value.reason is RefusalReason.NO_POSITION


def test_resting_reductions_count_against_the_position(venue: Venue) -> None:
    place(venue, Side.BUY, "1")
    place(venue, Side.SELL, "0.7", "120", reduce_only=True)
    with pytest.raises(Refusal):
        place(venue, Side.SELL, "0.4", "120", reduce_only=True)
    assert place(venue, Side.SELL, "0.3", "120", reduce_only=True).is_open


def test_reduce_only_is_cancelled_when_nothing_is_left_to_reduce(venue: Venue) -> None:
    place(venue, Side.BUY, "1")
    resting = place(venue, Side.SELL, "1", "120", client_id="stop", reduce_only=True)
    place(venue, Side.SELL, "0.5")
    assert resting.status is OrderStatus.CANCELLED
    assert "ann cancelled stop ReduceOnly" in venue.recorder.heard
    assert held(venue) == {HoldSide.LONG: (Decimal("0.5"), Decimal("100.1"))}


def test_small_remainders_can_be_closed(venue: Venue) -> None:
    place(venue, Side.BUY, "1")
    with pytest.raises(Refusal) as refused:
        place(venue, Side.SELL, "0.01")
    assert refused.value.reason is RefusalReason.BELOW_MIN_NOTIONAL
    assert place(venue, Side.SELL, "0.01", reduce_only=True).status is OrderStatus.FILLED


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, -1), (Side.SELL, 1)])
def test_longs_pay_funding_and_shorts_receive_it_every_eight_hours(venue: Venue, side: Side, sign: int) -> None:
    place(venue, side, "2")
    before = venue.ann.futures.wallet
    venue.quote("100.0", "100.2")
    assert venue.ann.futures.bills == []
    venue.now_ns = (venue.now_ns // FUNDING_INTERVAL_NS + 1) * FUNDING_INTERVAL_NS
    venue.quote("100.0", "100.2")
    expected = sign * 2 * Decimal("100.1") * Decimal("0.0001")
    assert venue.ann.futures.wallet == before + expected
    assert [(bill.symbol, bill.amount) for bill in venue.ann.futures.bills] == [("BTCUSDT", expected)]
    venue.quote("100.0", "100.2")
    assert len(venue.ann.futures.bills) == 1


def test_position_news_follows_the_orders_that_caused_it(venue: Venue) -> None:
    place(venue, Side.BUY, "1", client_id="c")
    assert venue.recorder.heard == [
        "ann accepted c",
        "ann filled c 1.000@100.1",
        "ann balances UsdtPerpetual",
        "ann positions",
    ]
