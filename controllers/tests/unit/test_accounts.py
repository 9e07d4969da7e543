from decimal import Decimal
from typing import Any

import pytest
from aviary_bot.base_share import SpotHoldings
from aviary_bot.order_guard import HeldPosition, RestingOrder
from aviary_bot.paper_fill import PaperFill
from aviary_bot.perpetual_account import PerpetualAccount
from aviary_bot.spot_account import SpotAccount
from hypothesis import given
from hypothesis import strategies as st

PAIR = "BTC-USDT"


def _fill(direction: Any, quantity: str, price: str, *, fee: str = "0", slot: Any = "Net") -> PaperFill:
    fee_quote = Decimal(fee)
    return PaperFill(
        trading_pair=PAIR,
        direction=direction,
        slot=slot,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee_base=fee_quote / Decimal(price),
        fee_quote=fee_quote,
    )


# -- spot ------------------------------------------------------------------------------------------------------------


def _spot(usdt: str = "1000", btc: str = "0.02") -> SpotAccount:
    return SpotAccount(balances={"USDT": Decimal(usdt), "BTC": Decimal(btc)}).with_pair(PAIR)


def test_a_spot_buyer_pays_the_fee_in_the_base_asset() -> None:
    account = _spot().settle(_fill("Buy", "0.01", "50000", fee="5"))
    assert account.balances == {"USDT": Decimal(500), "BTC": Decimal("0.0299")}


def test_a_spot_seller_pays_the_fee_in_the_quote_asset() -> None:
    account = _spot().settle(_fill("Sell", "0.01", "50000", fee="5"))
    assert account.balances == {"USDT": Decimal(1495), "BTC": Decimal("0.01")}


def test_the_stock_at_the_start_is_no_position() -> None:
    assert _spot().positions() == (HeldPosition(trading_pair=PAIR, quantity=Decimal(0)),)


@pytest.mark.parametrize(("direction", "quantity"), [("Buy", "0.01"), ("Sell", "-0.01")])
def test_the_position_is_what_is_held_beside_the_stock(direction: Any, quantity: str) -> None:
    (position,) = _spot().settle(_fill(direction, "0.01", "50000")).positions()
    assert position.quantity == Decimal(quantity)


def test_the_stock_of_a_pair_is_fixed_once() -> None:
    account = _spot().settle(_fill("Buy", "0.01", "50000")).with_pair(PAIR)
    assert account.stock == {PAIR: Decimal("0.02")}


def test_resting_orders_reserve_what_they_would_pay() -> None:
    resting = (
        RestingOrder(trading_pair=PAIR, direction="Buy", remaining=Decimal("0.01"), price=Decimal(49_000)),
        RestingOrder(trading_pair=PAIR, direction="Sell", remaining=Decimal("0.005"), price=Decimal(51_000)),
    )
    assert _spot().available(resting) == {"USDT": Decimal(510), "BTC": Decimal("0.015")}


def test_spot_equity_counts_each_asset_once() -> None:
    account = SpotAccount(balances={"USDT": Decimal(100), "BTC": Decimal(1), "ETH": Decimal(2)})
    for pair in ("BTC-USDT", "ETH-USDT", "ETH-BTC"):
        account = account.with_pair(pair)
    prices = {"BTC-USDT": Decimal(1000), "ETH-USDT": Decimal(50), "ETH-BTC": Decimal("0.05")}
    assert account.equity({**prices, "ETH-BTC": None}) == Decimal(100) + 1 + 100


def test_spot_equity_is_unknown_without_the_price_of_what_is_held() -> None:
    assert _spot().equity({PAIR: None}) is None
    assert _spot(btc="0").equity({PAIR: None}) == Decimal(1000)
    assert SpotAccount(balances={"USDT": Decimal(1000)}).equity({}) is None


def test_spot_holdings_name_each_asset_once_and_the_stock_with_it() -> None:
    account = SpotAccount(balances={"USDT": Decimal(100), "BTC": Decimal(1), "SHIB": Decimal(9)})
    for pair in ("BTC-USDT", "ETH-USDT"):
        account = account.with_pair(pair)
    assert account.holdings() == SpotHoldings(base={"BTC-USDT": Decimal(1), "ETH-USDT": Decimal(0)}, quote=Decimal(100))


# -- perpetuals ------------------------------------------------------------------------------------------------------

EMPTY = PerpetualAccount(wallets={"USDT": Decimal(1000)})


def _after(*fills: PaperFill) -> PerpetualAccount:
    account = EMPTY
    for fill in fills:
        account = account.settle(fill)
    return account


def test_adding_to_a_position_averages_the_entry() -> None:
    position = _after(_fill("Buy", "0.01", "50000"), _fill("Buy", "0.03", "52000")).position(PAIR, "Net")
    assert (position.quantity, position.entry_price) == (Decimal("0.04"), Decimal(51_500))


@pytest.mark.parametrize(
    ("fills", "wallet", "held"),
    [
        ((_fill("Buy", "0.01", "50000"), _fill("Sell", "0.01", "51000")), "1010", None),
        ((_fill("Sell", "0.01", "50000"), _fill("Buy", "0.01", "51000")), "990", None),
        ((_fill("Buy", "0.02", "50000"), _fill("Sell", "0.01", "51000")), "1010", ("0.01", "50000")),
        ((_fill("Buy", "0.01", "50000"), _fill("Sell", "0.03", "51000")), "1010", ("-0.02", "51000")),
        ((_fill("Buy", "0.01", "50000", fee="2"), _fill("Sell", "0.01", "50000", fee="-1")), "999", None),
    ],
)
def test_closing_realises_profit_and_turning_starts_a_new_entry(
    fills: tuple[PaperFill, ...], wallet: str, held: tuple[str, str] | None
) -> None:
    account = _after(*fills)
    assert account.wallets == {"USDT": Decimal(wallet)}
    expected = [] if held is None else [(Decimal(held[0]), Decimal(held[1]))]
    assert [(position.quantity, position.entry_price) for position in account.held] == expected


def test_hedge_mode_keeps_long_and_short_apart() -> None:
    account = _after(_fill("Buy", "0.01", "50000", slot="Long"), _fill("Sell", "0.02", "50000", slot="Short"))
    assert {(position.slot, position.quantity) for position in account.positions()} == {
        ("Long", Decimal("0.01")),
        ("Short", Decimal("-0.02")),
    }


def test_equity_has_the_open_profit_of_longs_and_shorts() -> None:
    account = _after(_fill("Buy", "0.01", "50000", slot="Long"), _fill("Sell", "0.02", "50000", slot="Short"))
    assert account.equity({PAIR: Decimal(51_000)}) == Decimal(990)
    assert account.equity({PAIR: None}) is None


def test_perpetual_equity_is_that_of_the_quote_asset_and_unknown_before_any_pair_is_known() -> None:
    account = PerpetualAccount(wallets={"USDT": Decimal(1000), "SHIB": Decimal(1_000_000)})
    assert account.equity({PAIR: None}) == Decimal(1000)
    assert account.equity({}) is None


def test_margin_of_positions_and_orders_is_not_available() -> None:
    account = _after(_fill("Buy", "0.01", "50000"))
    resting = RestingOrder(trading_pair=PAIR, direction="Buy", remaining=Decimal("0.01"), price=Decimal(50_000))
    available = account.available((resting,), mid_prices={PAIR: Decimal(51_000)}, leverage={PAIR: 5})
    assert available == {"USDT": Decimal(1000) + 10 - 100 - 100}


@pytest.mark.parametrize(
    ("direction", "quantity", "margin"), [("Buy", "0.01", "250"), ("Sell", "0.01", "0"), ("Sell", "0.03", "500")]
)
def test_only_the_part_that_opens_needs_margin(direction: Any, quantity: str, margin: str) -> None:
    account = _after(_fill("Buy", "0.01", "50000"))
    needed = account.margin_needed(
        PAIR, direction, "Net", quantity=Decimal(quantity), price=Decimal(50_000), leverage=2
    )
    assert needed == Decimal(margin)


_trades = st.lists(
    st.tuples(st.sampled_from(["Buy", "Sell"]), st.integers(1, 50), st.integers(40_000, 60_000)),
    min_size=1,
    max_size=30,
)


@given(trades=_trades)
def test_equity_of_both_accounts_moves_with_cash_and_stock(trades: list[tuple[Any, int, int]]) -> None:
    """Whatever is traded: profit is what was sold less what was bought, plus what is left at the last price."""
    spot, perpetual = _spot(usdt="100000000", btc="1000"), EMPTY
    cash, stock = Decimal(0), Decimal(0)
    for direction, lots, price in trades:
        fill = _fill(direction, str(Decimal(lots) / 1000), str(price))
        spot, perpetual = spot.settle(fill), perpetual.settle(fill)
        cash -= fill.signed_quantity * fill.price
        stock += fill.signed_quantity
    last = Decimal(50_123)
    profit = cash + stock * last
    assert spot.equity({PAIR: last}) == Decimal(100_000_000) + 1000 * last + profit
    equity = perpetual.equity({PAIR: last})
    assert equity is not None
    assert abs(equity - (1000 + profit)) < Decimal("1e-12")
