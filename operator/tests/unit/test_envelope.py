"""The envelope: ceilings clamp, what cannot be clamped is refused, the total goes to the oldest first."""

from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.botconfig import OrderLimits
from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_crds.v1alpha1.tradingdesk import Ceilings
from aviary_operator.bots.decide.envelope import (
    Claim,
    build_limits,
    claims_total,
    find_market_refusal,
    find_total_refusal,
    tighten_limits,
)
from hypothesis import given
from hypothesis import strategies as st

from .builders import bot_spec, desk_view

CEILINGS = desk_view().spec.ceilings
MONEY = st.decimals(min_value="0.01", max_value="100000", places=2)
BPS = st.integers(0, 10_000)
LIMITS = st.fixed_dictionaries(
    {
        "allowed_pairs": st.just(("BTC-USDT",)),
        "max_order_notional_quote": MONEY,
        "max_notional_quote": MONEY,
        "max_leverage": st.integers(1, 20),
        "max_daily_loss_bps": BPS,
        "max_drawdown_bps": BPS,
        "max_daily_turnover_bps": st.integers(1, 1_000_000),
        "max_cancels_per_minute": st.integers(1, 6_000),
        "min_base_share_bps": BPS,
        "max_base_share_bps": BPS,
    }
).map(OrderLimits.model_validate)


@pytest.mark.parametrize(
    ("safety", "ceilings", "order", "total", "leverage"),
    [
        ({}, None, 250, 1000, 5),
        ({"maxNotionalQuote": "400"}, None, 250, 400, 5),
        ({}, CEILINGS, 200, 1000, 3),
        ({"maxOrderNotionalQuote": "50", "maxNotionalQuote": "9000"}, CEILINGS, 50, 1500, 3),
    ],
)
def test_limits_are_the_tighter_of_bot_and_desk(
    safety: dict[str, Any], ceilings: Ceilings | None, order: int, total: int, leverage: int
) -> None:
    limits = build_limits(bot_spec(safety=safety), ceilings)
    assert limits.max_order_notional_quote == Decimal(order)
    assert limits.max_notional_quote == Decimal(total)
    assert limits.max_leverage == leverage
    assert limits.allowed_pairs == ("BTC-USDT",)


@given(LIMITS, LIMITS)
def test_tightening_never_loosens(running: OrderLimits, wanted: OrderLimits) -> None:
    tight = tighten_limits(running, wanted)
    for name in set(OrderLimits.model_fields) - {"allowed_pairs", "min_base_share_bps"}:
        assert getattr(tight, name) == min(getattr(running, name), getattr(wanted, name)), name
    assert tight.min_base_share_bps == max(running.min_base_share_bps, wanted.min_base_share_bps)


def test_granted_capital_bounds_the_total() -> None:
    assert build_limits(bot_spec(), None, capital=Decimal(70)).max_notional_quote == Decimal(70)
    assert build_limits(bot_spec(), None, capital=Decimal(7000)).max_notional_quote == Decimal(1000)


def test_limits_carry_the_whole_envelope() -> None:
    safety = {"maxDailyLossBps": 11, "maxDrawdownBps": 12, "maxDailyTurnoverBps": 13, "maxCancelsPerMinute": 14}
    limits = build_limits(bot_spec(safety={**safety, "minBaseShareBps": 15, "maxBaseShareBps": 16}), None)
    assert (limits.max_daily_loss_bps, limits.max_drawdown_bps, limits.max_daily_turnover_bps) == (11, 12, 13)
    assert (limits.max_cancels_per_minute, limits.min_base_share_bps, limits.max_base_share_bps) == (14, 15, 16)


@pytest.mark.parametrize(
    ("market", "reason", "says"),
    [
        ({}, None, ""),
        ({"connector": "binance"}, "ConnectorNotAllowed", "it allows bitget, bitget_perpetual"),
        ({"tradingPairs": ["BTC-USDT", "DOGE-USDT"]}, "PairNotAllowed", "does not allow DOGE-USDT"),
        (
            {"connector": "bitget_perpetual", "leverage": 4},
            "LeverageAboveCeiling",
            "4 is above desk risk's ceiling of 3",
        ),
        ({"connector": "bitget_perpetual", "leverage": 3}, None, ""),
    ],
)
def test_market_outside_the_desk_is_refused(market: dict[str, Any], reason: str | None, says: str) -> None:
    refusal = find_market_refusal(bot_spec(market=market).market, CEILINGS, desk="risk")
    assert (refusal.reason if refusal else None) == reason
    assert says in (refusal.message if refusal else "")


def claim(created: str, name: str, notional: int | None) -> Claim:
    return Claim(created, name, None if notional is None else Decimal(notional))


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ([claim("1", "a", 1000), claim("2", "b", 1000)], ""),
        ([claim("1", "a", 1000), claim("2", "b", 1000), claim("3", "c", 1000)], "c"),
        ([claim("3", "a", 1000), claim("2", "b", 1000), claim("1", "c", 1000)], "a"),
        ([claim("1", "b", 1500), claim("1", "a", 1500)], "b"),
        ([claim("1", "a", 1500), claim("2", "b", 1500), claim("3", "c", 1000)], "b"),
        ([claim("1", "a", None), claim("2", "b", 1000), claim("3", "c", 1)], "c"),
        ([claim("1", "a", 90000), claim("2", "b", 1000)], ""),
    ],
)
def test_total_is_given_to_the_oldest_first(claims: list[Claim], refused: str) -> None:
    found = [item.name for item in claims if find_total_refusal(item.name, claims, CEILINGS, desk="risk")]
    assert "".join(found) == refused


def test_bot_whose_claim_is_unknown_is_refused() -> None:
    refusal = find_total_refusal("a", [], CEILINGS, desk="risk")
    assert refusal is not None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3000)), max_size=8, unique_by=lambda item: item[0]))
def test_bots_that_are_not_refused_fit_into_the_total(rows: list[tuple[int, int]]) -> None:
    claims = [claim(str(created), f"bot-{created}", notional) for created, notional in rows]
    taken = [
        min(item.notional or Decimal(0), CEILINGS.max_bot_notional_quote)
        for item in claims
        if find_total_refusal(item.name, claims, CEILINGS, desk="risk") is None
    ]
    assert sum(taken) <= CEILINGS.max_total_notional_quote


def test_only_modes_that_send_orders_claim_the_total() -> None:
    assert [mode for mode in Mode if claims_total(mode)] == [Mode.PAPER, Mode.TESTNET, Mode.LIVE]
