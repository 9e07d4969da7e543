"""Spot orders: money, fills, refusals."""

from decimal import Decimal

import pytest
from aviary_fillsim import OrderKind, Side
from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.admission import MAX_OPEN_ORDERS
from aviary_services.sim_venue.exchange.orders import OrderRequest, OrderStatus, Refusal, RefusalReason, UserOrder

from .conftest import SPOT, Venue


def request(
    side: Side,
    quantity: str,
    price: str | None = None,
    *,
    client_id: str = "c",
    kind: OrderKind | None = None,
    immediate: bool = False,
) -> OrderRequest:
    spends = price is None and side is Side.BUY
    return OrderRequest(
        market_id=SPOT,
        client_id=client_id,
        side=side,
        kind=kind or (OrderKind.MARKET if price is None else OrderKind.LIMIT),
        quantity=None if spends else Decimal(quantity),
        quote_amount=Decimal(quantity) if spends else None,
        price=None if price is None else Decimal(price),
        immediate=immediate,
    )


def place(venue: Venue, *arguments: str, side: Side = Side.BUY, **options: object) -> UserOrder:
    return venue.exchange.place(venue.ann, request(side, *arguments, **options), venue.now_ns)  # type: ignore[arg-type]  # passed on


def money(account: Account, asset: str) -> tuple[Decimal, Decimal]:
    balance = account.wallet.balance(asset)
    return balance.available, balance.frozen


def test_a_resting_buy_freezes_its_cost(venue: Venue) -> None:
    order = place(venue, "2", "90")
    assert order.status is OrderStatus.LIVE
    assert money(venue.ann, "USDT") == (Decimal(820), Decimal(180))
    assert venue.recorder.heard == ["ann accepted c", "ann balances Spot"]


def test_a_cancel_gives_everything_back(venue: Venue) -> None:
    order = place(venue, "2", "90")
    venue.exchange.cancel(venue.ann, order, venue.now_ns)
    assert order.status is OrderStatus.CANCELLED
    assert money(venue.ann, "USDT") == (Decimal(1000), Decimal(0))
    assert venue.recorder.heard[2:] == ["ann cancelled c Requested", "ann balances Spot"]


def test_a_crossing_buy_pays_the_ask_and_its_fee_in_the_base_asset(venue: Venue) -> None:
    order = place(venue, "2", "110")
    assert order.status is OrderStatus.FILLED
    assert order.average_price == Decimal("100.1")
    assert money(venue.ann, "USDT") == (Decimal("799.8"), Decimal(0))
    assert money(venue.ann, "BTC") == (Decimal("11.998"), Decimal(0))


def test_a_sell_receives_the_bid_less_its_fee_in_the_quote_asset(venue: Venue) -> None:
    place(venue, "2", side=Side.SELL)
    assert money(venue.ann, "BTC") == (Decimal(8), Decimal(0))
    assert money(venue.ann, "USDT") == (Decimal(1000) + Decimal("199.8") * Decimal("0.999"), Decimal(0))


def test_a_market_buy_spends_at_most_its_budget_and_is_filled(venue: Venue) -> None:
    order = place(venue, "100")
    assert order.status is OrderStatus.FILLED
    assert order.filled == Decimal("0.999")
    assert money(venue.ann, "USDT") == (Decimal(1000) - Decimal("99.9999"), Decimal(0))


def test_a_resting_order_fills_at_its_price_when_the_market_comes(venue: Venue) -> None:
    order = place(venue, "2", "90")
    venue.quote("89.8", "89.9", ask_quantity="1.5")
    assert (order.status, order.filled_quote) == (OrderStatus.PARTIALLY_FILLED, Decimal(135))
    venue.quote("89.8", "89.9", ask_quantity="1.5")
    assert order.remaining == 0
    assert money(venue.ann, "USDT") == (Decimal(820), Decimal(0))


def test_a_public_trade_through_the_price_fills_a_resting_order(venue: Venue) -> None:
    order = place(venue, "2", "99.9")
    venue.quote("99.9", "100.1", trade=("99.9", "0.75", Side.SELL))
    assert order.filled == Decimal("0.75")


def test_maker_only_that_would_take_is_taken_and_cancelled_at_once(venue: Venue) -> None:
    order = place(venue, "1", "100.1", kind=OrderKind.MAKER_ONLY)
    assert order.status is OrderStatus.CANCELLED
    assert money(venue.ann, "USDT") == (Decimal(1000), Decimal(0))
    assert "ann cancelled c WouldTake" in venue.recorder.heard


def test_immediate_takes_what_is_there_and_cancels_the_rest(venue: Venue) -> None:
    order = place(venue, "6", "100.1", immediate=True)
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, Decimal(5))
    assert money(venue.ann, "USDT") == (Decimal("499.5"), Decimal(0))


@pytest.mark.parametrize(
    ("side", "quantity", "price", "reason"),
    [
        (Side.BUY, "20", "90", RefusalReason.INSUFFICIENT_FUNDS),
        (Side.SELL, "11", "110", RefusalReason.INSUFFICIENT_FUNDS),
        (Side.BUY, "1001", None, RefusalReason.INSUFFICIENT_FUNDS),
        (Side.BUY, "0.0001", "90", RefusalReason.BAD_QUANTITY),
        (Side.BUY, "-1", "90", RefusalReason.BAD_QUANTITY),
        (Side.BUY, "0", None, RefusalReason.BAD_QUANTITY),
        (Side.BUY, "1", "90.05", RefusalReason.BAD_PRICE),
        (Side.BUY, "1", "0", RefusalReason.BAD_PRICE),
        (Side.BUY, "0.01", "90", RefusalReason.BELOW_MIN_NOTIONAL),
        (Side.BUY, "4", None, RefusalReason.BELOW_MIN_NOTIONAL),
        (Side.SELL, "0.01", None, RefusalReason.BELOW_MIN_NOTIONAL),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_freezes_nothing(
    venue: Venue, side: Side, quantity: str, price: str | None, reason: RefusalReason
) -> None:
    with pytest.raises(Refusal) as refused:
        venue.exchange.place(venue.ann, request(side, quantity, price), venue.now_ns)
    assert refused.value.reason is reason
    assert money(venue.ann, "USDT") == (Decimal(1000), Decimal(0))
    assert money(venue.ann, "BTC") == (Decimal(10), Decimal(0))
    assert venue.recorder.heard == [f"ann refused c {reason}"]


def test_a_client_id_can_be_used_once(venue: Venue) -> None:
    place(venue, "1", "90")
    with pytest.raises(Refusal) as refused:
        place(venue, "1", "90")
    assert refused.value.reason is RefusalReason.DUPLICATE_CLIENT_ID


def test_the_same_client_id_of_another_account_is_another_order(venue: Venue) -> None:
    mine = place(venue, "1", "90")
    theirs = venue.exchange.place(venue.bob, request(Side.BUY, "1", "90"), venue.now_ns)
    assert mine.order_id != theirs.order_id
    assert venue.ann.order(order_id=theirs.order_id) is None
    assert venue.bob.open_orders() == [theirs]


def test_an_order_of_another_account_cannot_be_cancelled(venue: Venue) -> None:
    order = place(venue, "1", "90")
    with pytest.raises(Refusal) as refused:
        venue.exchange.cancel(venue.bob, order, venue.now_ns)
    assert refused.value.reason is RefusalReason.UNKNOWN_ORDER
    assert order.is_open


def test_a_finished_order_cannot_be_cancelled(venue: Venue) -> None:
    order = place(venue, "1", "110")
    with pytest.raises(Refusal) as refused:
        venue.exchange.cancel(venue.ann, order, venue.now_ns)
    assert refused.value.reason is RefusalReason.UNKNOWN_ORDER


def test_planned_rejections_are_used_up_one_by_one(venue: Venue) -> None:
    venue.exchange.faults.reject_next = 1
    with pytest.raises(Refusal) as refused:
        place(venue, "1", "90")
    assert refused.value.reason is RefusalReason.INJECTED
    assert place(venue, "1", "90").is_open


def test_two_accounts_share_what_the_market_shows(venue: Venue) -> None:
    place(venue, "4", "100.1")
    order = venue.exchange.place(venue.bob, request(Side.BUY, "4", "100.1"), venue.now_ns)
    assert order.filled == Decimal(1)


def test_open_orders_of_one_market_are_bounded(venue: Venue) -> None:
    for number in range(MAX_OPEN_ORDERS):
        place(venue, "0.05", "110", side=Side.SELL, client_id=f"c{number}")
    with pytest.raises(Refusal) as refused:
        place(venue, "0.06", "90", client_id="one-more")
    assert refused.value.reason is RefusalReason.TOO_MANY_ORDERS
