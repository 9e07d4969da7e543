from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from aviary_bot.risk_ledger import DayOpening, RiskLedger
from aviary_bot.risk_limits import AccountLook, RiskFigures, as_share, decide_breach, is_inventory_in_band, measure
from aviary_crds.botconfig import OrderLimits

LIMITS = OrderLimits(
    allowed_pairs=("BTC-USDT",),
    max_order_notional_quote=Decimal(250),
    max_notional_quote=Decimal(1000),
    max_leverage=5,
    max_daily_loss_bps=300,
    max_drawdown_bps=500,
    max_daily_turnover_bps=30_000,
    min_base_share_bps=2_000,
    max_base_share_bps=8_000,
)
OPENING = DayOpening(day=date(2026, 11, 21), equity_quote=Decimal(2000), volume_quote=Decimal(500))
LEDGER = RiskLedger(uid="uid-1", opening=OPENING, peak_equity_quote=Decimal(2500))


def _look(equity: str | None, volume: str | None = "500") -> AccountLook:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return AccountLook(equity_quote=number(equity), volume_quote=number(volume))


def _figures(equity: str | None, volume: str | None = "500", ledger: RiskLedger = LEDGER) -> RiskFigures:
    return measure(ledger, _look(equity, volume), capital_quote=Decimal(1000))


def test_loss_and_turnover_are_of_the_capital_and_the_drawdown_is_of_the_peak() -> None:
    figures = _figures("1975", "2500")
    assert figures.day_loss_bps == Decimal(250)
    assert figures.drawdown_bps == Decimal(2_100)
    assert figures.day_turnover_bps == Decimal(20_000)


def test_a_profit_is_no_loss() -> None:
    figures = _figures("2600", "400")
    nothing = Decimal(0)
    assert figures == RiskFigures(day_loss_bps=nothing, drawdown_bps=nothing, day_turnover_bps=nothing)


@pytest.mark.parametrize(
    ("equity", "volume"), [(None, "500"), ("NaN", "500"), ("Infinity", "500"), ("2000", None), ("2000", "NaN")]
)
def test_what_is_not_a_finite_number_is_unknown(equity: str | None, volume: str | None) -> None:
    assert _look(equity, volume).known is None
    assert _figures(equity, volume) == RiskFigures()


def test_nothing_is_known_before_the_first_look() -> None:
    assert _figures("2000", ledger=RiskLedger(uid="uid-1")) == RiskFigures()


def test_an_account_that_never_was_worth_anything_has_lost_all() -> None:
    assert _figures("-5", ledger=RiskLedger(uid="uid-1", peak_equity_quote=Decimal(0))).drawdown_bps == 10_000


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"day_loss_bps": Decimal(300)}, None),
        (
            {"day_loss_bps": Decimal("300.01")},
            "daily loss 300.01 bps of the capital is above maxDailyLossBps 300",
        ),
        ({"drawdown_bps": Decimal(500)}, None),
        ({"drawdown_bps": Decimal("500.5")}, "drawdown 500.50 bps of the peak is above maxDrawdownBps 500"),
        ({"day_turnover_bps": Decimal(30_000)}, None),
        (
            {"day_turnover_bps": Decimal(30_001)},
            "turnover since 00:00 UTC 30001.00 bps of the capital is above maxDailyTurnoverBps 30000",
        ),
        ({}, None),
    ],
)
def test_a_figure_above_its_limit_is_a_breach_that_names_both(figures: dict[str, Any], said: str | None) -> None:
    assert decide_breach(RiskFigures(**figures), LIMITS) == said


def test_all_limits_that_are_exceeded_are_named() -> None:
    said = decide_breach(RiskFigures(day_loss_bps=Decimal(301), drawdown_bps=Decimal(501)), LIMITS)
    assert said is not None
    assert "maxDailyLossBps" in said
    assert "maxDrawdownBps" in said


@pytest.mark.parametrize(
    ("share", "in_band"), [("0.2", True), ("0.1999", False), ("0.8", True), ("0.8001", False), (None, None)]
)
def test_spot_inventory_is_in_band_by_its_share(share: str | None, in_band: bool | None) -> None:  # noqa: FBT001  a table
    found = is_inventory_in_band(
        LIMITS,
        is_perpetual=False,
        base_share=None if share is None else Decimal(share),
        positions_notional_quote=Decimal(5000),
    )
    assert found is in_band


@pytest.mark.parametrize(("notional", "in_band"), [("1000", True), ("1000.1", False), (None, None)])
def test_perpetual_inventory_is_in_band_by_its_notional(notional: str | None, in_band: bool | None) -> None:  # noqa: FBT001  a table
    found = is_inventory_in_band(
        LIMITS,
        is_perpetual=True,
        base_share=None,
        positions_notional_quote=None if notional is None else Decimal(notional),
    )
    assert found is in_band


def test_basis_points_become_a_share() -> None:
    assert (as_share(Decimal(150)), as_share(None)) == (Decimal("0.015"), None)
