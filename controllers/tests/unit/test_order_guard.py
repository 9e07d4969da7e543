from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aviary_bot.base_share import SpotHoldings
from aviary_bot.order_guard import (
    ENFORCED,
    Exposure,
    HeldPosition,
    OrderRequest,
    RefusalCode,
    RestingOrder,
    decide_order,
    is_reducing,
    total_notional,
    valued_at,
)
from aviary_crds.botconfig import OrderLimits
from aviary_crds.v1alpha1.envelope import Safety
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode
from hypothesis import given
from hypothesis import strategies as st

PAIR = "BTC-USDT"
PRICE = Decimal(50_000)
LIMITS = OrderLimits(
    allowed_pairs=(PAIR, "ETH-USDT"),
    max_order_notional_quote=Decimal(250),
    max_notional_quote=Decimal(1000),
    max_leverage=5,
)
BUY = OrderRequest(trading_pair=PAIR, direction="Buy", quantity=Decimal("0.004"), price=PRICE)
FLAT = Exposure(holdings=None, mid_prices={PAIR: PRICE})


def _held(quantity: str, *resting: RestingOrder, slot: Any = "Net") -> Exposure:
    position = HeldPosition(trading_pair=PAIR, quantity=Decimal(quantity), slot=slot)
    return Exposure(holdings=None, positions=(position,), resting=resting, mid_prices={PAIR: PRICE})


def _resting(direction: Any, remaining: str, price: Decimal | None = PRICE) -> RestingOrder:
    return RestingOrder(trading_pair=PAIR, direction=direction, remaining=Decimal(remaining), price=price)


def _code(
    request: OrderRequest, exposure: Exposure = FLAT, *, mode: Mode = Mode.PAPER, state: GuardState = "Running"
) -> RefusalCode | None:
    refused = decide_order(request, mode=mode, state=state, limits=LIMITS, exposure=exposure)
    return None if refused is None else refused.code


def test_an_order_within_the_envelope_goes_out() -> None:
    assert _code(BUY) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": Decimal("NaN")}, RefusalCode.INVALID_ORDER),
        ({"quantity": Decimal("Infinity")}, RefusalCode.INVALID_ORDER),
        ({"quantity": Decimal(0)}, RefusalCode.INVALID_ORDER),
        ({"quantity": Decimal("-0.004")}, RefusalCode.INVALID_ORDER),
        ({"price": None}, RefusalCode.INVALID_ORDER),
        ({"price": Decimal("NaN")}, RefusalCode.INVALID_ORDER),
        ({"price": Decimal(0)}, RefusalCode.INVALID_ORDER),
        ({"price": Decimal(-1)}, RefusalCode.INVALID_ORDER),
        ({"trading_pair": "DOGE-USDT"}, RefusalCode.PAIR_NOT_ALLOWED),
        ({"trading_pair": "btc-usdt"}, RefusalCode.PAIR_NOT_ALLOWED),
        ({"leverage": 6}, RefusalCode.LEVERAGE),
        ({"quantity": Decimal("0.00500001")}, RefusalCode.ORDER_NOTIONAL),
    ],
)
def test_an_order_outside_the_envelope_is_refused(changes: dict[str, Any], code: RefusalCode) -> None:
    assert _code(replace(BUY, **changes)) is code


@pytest.mark.parametrize("changes", [{"quantity": Decimal("0.005")}, {"leverage": 5}])
def test_an_order_exactly_at_a_limit_goes_out(changes: dict[str, Any]) -> None:
    assert _code(replace(BUY, **changes)) is None


@pytest.mark.parametrize(
    ("mode", "state", "code"),
    [
        (Mode.NO_TRADE, "Running", RefusalCode.MODE_NO_TRADE),
        (Mode.DISABLED, "Running", RefusalCode.MODE_NO_TRADE),
        (Mode.PAPER, "SoftPaused", RefusalCode.PAUSED),
        (Mode.PAPER, "HardStopped", RefusalCode.KILLED),
        (Mode.LIVE, "HardStopped", RefusalCode.KILLED),
    ],
)
def test_mode_and_state_refuse_every_order(mode: Mode, state: GuardState, code: RefusalCode) -> None:
    reducing = _held("-1")
    assert (_code(BUY, mode=mode, state=state), _code(BUY, reducing, mode=mode, state=state)) == (code, code)


@pytest.mark.parametrize(
    ("exposure", "code"),
    [
        (_held("0.016"), None),
        (_held("0.01601"), RefusalCode.TOTAL_NOTIONAL),
        (_held("0.01", _resting("Buy", "0.006")), None),
        (_held("0.01", _resting("Sell", "0.00601")), RefusalCode.TOTAL_NOTIONAL),
        (_held("0", _resting("Buy", "0.02")), RefusalCode.TOTAL_NOTIONAL),
    ],
)
def test_positions_and_resting_orders_count_together_with_the_new_order(
    exposure: Exposure, code: RefusalCode | None
) -> None:
    assert _code(BUY, exposure) is code


def test_a_short_position_counts_as_much_as_a_long_one() -> None:
    sell = replace(BUY, direction="Sell")
    assert _code(sell, _held("-0.01601")) is RefusalCode.TOTAL_NOTIONAL


def test_an_order_that_only_reduces_passes_the_total() -> None:
    assert _code(replace(BUY, direction="Sell"), _held("0.1")) is None


def test_an_order_that_reduces_must_still_fit_the_limit_per_order() -> None:
    sell = replace(BUY, direction="Sell", quantity=Decimal("0.1"))
    assert _code(sell, _held("0.1")) is RefusalCode.ORDER_NOTIONAL


@pytest.mark.parametrize(
    ("direction", "exposure", "reduces"),
    [
        ("Sell", _held("0.004"), True),
        ("Sell", _held("0.0039"), False),
        ("Buy", _held("0.1"), False),
        ("Buy", _held("-0.004"), True),
        ("Sell", _held("0"), False),
        ("Sell", _held("0.007", _resting("Sell", "0.004")), False),
        ("Sell", _held("0.008", _resting("Sell", "0.004")), True),
        ("Sell", _held("0.004", _resting("Buy", "1")), True),
        ("Sell", _held("0.1", slot="Long"), False),
    ],
)
def test_reducing_means_that_it_can_only_get_smaller(direction: Any, exposure: Exposure, reduces: bool) -> None:  # noqa: FBT001  a table
    assert is_reducing(replace(BUY, direction=direction), exposure) is reduces


def test_unknown_price_of_a_position_refuses_what_is_not_reducing() -> None:
    unknown = Exposure(
        holdings=None,
        positions=(HeldPosition(trading_pair="ETH-USDT", quantity=Decimal(1)),),
        mid_prices={"ETH-USDT": None},
    )
    assert total_notional(unknown) is None
    assert _code(BUY, unknown) is RefusalCode.INVALID_ORDER


def test_a_resting_market_order_is_valued_at_the_mid_price() -> None:
    assert total_notional(_held("0", _resting("Buy", "0.01", None))) == Decimal(500)


@pytest.mark.parametrize(
    ("direction", "limit", "market", "valued"),
    [
        ("Buy", None, "50001", "50001"),
        ("Sell", None, "49999", "49999"),
        ("Buy", "49000", "50001", "49000"),
        ("Buy", "60000", "50001", "60000"),
        ("Sell", "51000", "49999", "51000"),
        ("Sell", "1", "49999", "49999"),
        ("Sell", "51000", None, None),
        ("Buy", "49000", None, None),
        ("Buy", None, "NaN", None),
        ("Sell", "NaN", "49999", "NaN"),
    ],
)
def test_an_order_is_valued_at_what_it_can_cost(
    direction: Any, limit: str | None, market: str | None, valued: str | None
) -> None:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    assert str(valued_at(direction, limit=number(limit), market=number(market))) == str(number(valued))


_amounts = st.decimals(min_value="0.0001", max_value="0.05", places=4)


@given(held=_amounts, resting=_amounts, wanted=_amounts)
def test_no_order_takes_the_account_above_the_total(held: Decimal, resting: Decimal, wanted: Decimal) -> None:
    exposure = _held(str(held), _resting("Buy", str(resting)))
    request = replace(BUY, quantity=wanted)
    if _code(request, exposure) is None:
        standing = total_notional(exposure)
        assert standing is not None
        assert standing + wanted * PRICE <= LIMITS.max_notional_quote


def test_every_field_of_the_envelope_is_enforced() -> None:
    assert set(ENFORCED) == {field.alias for field in Safety.model_fields.values()}
    assert len(ENFORCED) == len(set(ENFORCED))


# -- base share ------------------------------------------------------------------------------------------------------

BAND = LIMITS.model_copy(
    update={
        "max_order_notional_quote": Decimal(20_000),
        "max_notional_quote": Decimal(100_000),
        "min_base_share_bps": 4_000,
        "max_base_share_bps": 6_000,
    }
)


def _spot(btc: str, usdt: str, *resting: RestingOrder, price: Decimal | None = PRICE) -> Exposure:
    holdings = SpotHoldings(base={PAIR: Decimal(btc)}, quote=Decimal(usdt))
    return Exposure(holdings=holdings, resting=resting, mid_prices={PAIR: price})


def _in_band(direction: Any, quantity: str, exposure: Exposure, *, price: Decimal = PRICE) -> bool:
    request = replace(BUY, direction=direction, quantity=Decimal(quantity), price=price)
    refused = decide_order(request, mode=Mode.PAPER, state="Running", limits=BAND, exposure=exposure)
    assert refused is None or refused.code is RefusalCode.BASE_SHARE
    return refused is None


@pytest.mark.parametrize(
    ("direction", "quantity", "exposure", "goes_out"),
    [
        ("Buy", "0.02", _spot("0.1", "5000"), True),
        ("Buy", "0.0201", _spot("0.1", "5000"), False),
        ("Sell", "0.02", _spot("0.1", "5000"), True),
        ("Sell", "0.0201", _spot("0.1", "5000"), False),
        ("Buy", "0.01", _spot("0.1", "5000", _resting("Buy", "0.01")), True),
        ("Buy", "0.01", _spot("0.1", "5000", _resting("Buy", "0.0101")), False),
        ("Buy", "0.02", _spot("0.1", "5000", _resting("Sell", "0.05")), True),
        ("Sell", "0.01", _spot("0.1", "5000", _resting("Sell", "0.0101")), False),
    ],
    ids=["buy-to-the-top", "buy-over-it", "sell-to-the-bottom", "sell-under-it", "with-resting", "over-with-resting",
         "other-side-does-not-count", "under-with-resting"],
)  # fmt: skip
def test_no_order_may_take_the_base_share_out_of_its_band(
    direction: Any,
    quantity: str,
    exposure: Exposure,
    goes_out: bool,  # noqa: FBT001  a table
) -> None:
    assert _in_band(direction, quantity, exposure) is goes_out


@pytest.mark.parametrize(
    ("direction", "exposure"),
    [("Sell", _spot("0.18", "1000")), ("Buy", _spot("0.02", "9000"))],
    ids=["above-the-band", "below-the-band"],
)
def test_an_order_towards_the_band_goes_out_and_one_away_from_it_does_not(direction: Any, exposure: Exposure) -> None:
    away = "Sell" if direction == "Buy" else "Buy"
    assert _in_band(direction, "0.01", exposure)
    assert not _in_band(away, "0.001", exposure)


def test_a_low_bid_counts_as_if_it_filled_at_the_market() -> None:
    assert not _in_band("Buy", "0.0201", _spot("0.1", "5000"), price=Decimal(25_000))


def test_all_of_the_base_may_be_offered_above_the_market_when_there_is_no_lower_bound() -> None:
    sell = replace(BUY, direction="Sell", quantity=Decimal("0.05"), price=Decimal(55_000))
    exposure = _spot("0.1", "5000", _resting("Sell", "0.05", Decimal(60_000)))
    limits = BAND.model_copy(update={"min_base_share_bps": 0})
    assert decide_order(sell, mode=Mode.PAPER, state="Running", limits=limits, exposure=exposure) is None


def _unknown(btc: str, usdt: str) -> Exposure:
    """Return an account with another asset whose price is not known."""
    holdings = SpotHoldings(base={PAIR: Decimal(btc), "ETH-USDT": Decimal(1)}, quote=Decimal(usdt))
    return Exposure(holdings=holdings, mid_prices={PAIR: PRICE, "ETH-USDT": None})


@pytest.mark.parametrize(
    ("direction", "exposure", "goes_out"),
    [
        ("Sell", _unknown("0.18", "1000"), True),
        ("Sell", _unknown("0.1", "5000"), False),
        ("Sell", _unknown("0.02", "9000"), False),
        ("Buy", _unknown("0.02", "9000"), False),
        ("Buy", _spot("0", "0"), False),
    ],
    ids=["certainly-above", "perhaps-within", "perhaps-below", "perhaps-above", "no-worth"],
)
def test_with_an_unknown_equity_only_what_certainly_comes_nearer_goes_out(
    direction: Any,
    exposure: Exposure,
    goes_out: bool,  # noqa: FBT001  a table
) -> None:
    assert _in_band(direction, "0.01", exposure) is goes_out


def test_perpetual_contracts_have_no_base_share() -> None:
    flat = Exposure(holdings=None, mid_prices={PAIR: PRICE})
    assert _in_band("Buy", "0.1", flat)


_shares = st.decimals(min_value="0.001", max_value="0.2", places=3)
_prices = st.integers(min_value=40_000, max_value=60_000).map(Decimal)


@given(btc=_shares, usdt=st.integers(1, 20_000), resting=_shares, wanted=_shares, prices=st.tuples(_prices, _prices),
       direction=st.sampled_from(["Buy", "Sell"]))  # fmt: skip
def test_whatever_fills_of_one_side_the_share_stays_in_its_band(
    btc: Decimal, usdt: int, resting: Decimal, wanted: Decimal, prices: tuple[Decimal, Decimal], direction: Any
) -> None:
    """At the mid price of now, and at the order's own price should the market have gone there."""
    first, second = (max(price, PRICE) if direction == "Sell" else price for price in prices)
    if not _in_band(direction, str(wanted), _spot(str(btc), str(usdt), _resting(direction, str(resting), first)),
                    price=second):  # fmt: skip
        return
    sign = 1 if direction == "Buy" else -1
    for mid in {PRICE, second if (second - PRICE) * sign < 0 else PRICE}:
        base = (btc + sign * (resting + wanted)) * mid
        equity = base + usdt - sign * (resting * first + wanted * second)
        if direction == "Buy":
            assert base <= equity * Decimal("0.6")
        else:
            assert base >= equity * Decimal("0.4")
