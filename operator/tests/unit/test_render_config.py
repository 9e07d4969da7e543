"""bot.json: Hummingbot's files with every trap closed."""

from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotSpec
from aviary_operator.bots.decide.envelope import build_limits
from aviary_operator.bots.render.config import (
    render_client,
    render_config,
    render_controller,
    render_start_balances,
)

from .builders import UID, bot_spec


def controller(**changes: Any) -> dict[str, Any]:
    return render_controller(bot_spec(**changes), name="alpha", pair="BTC-USDT", amount=Decimal(1000)).config


def render(spec: TradingBotSpec, code: str | None = None) -> Any:
    limits = build_limits(spec, None)
    return render_config(spec, name="alpha", namespace="desk", uid=UID, mode=Mode.PAPER, limits=limits, code=code)


def test_controller_states_what_hummingbot_would_guess() -> None:
    assert controller() == {
        "spreads_bps": [10, 20],
        "refresh_seconds": 15,
        "id": "alpha-btc-usdt",
        "controller_name": "simple_market_maker",
        "controller_type": "market_making",
        "total_amount_quote": "1000",
        "manual_kill_switch": False,
        "connector_name": "bitget",
        "trading_pair": "BTC-USDT",
        "leverage": 1,
        "position_mode": "ONEWAY",
        "skip_rebalance": True,
    }


def test_perpetual_carries_its_leverage_and_position_mode() -> None:
    market = {"connector": "bitget_perpetual", "leverage": 3, "positionMode": "Hedge"}
    found = controller(market=market)
    assert (found["leverage"], found["position_mode"]) == (3, "HEDGE")


@pytest.mark.parametrize(
    ("parameters", "buy", "sell"),
    [
        ({"buy_spreads": [0.01, 0.02], "sell_spreads": [0.01]}, [1, 1], [1]),
        ({"buy_spreads": "0.01, 0.02, 0.03", "sell_spreads": 0.01}, [1, 1, 1], [1]),
        ({"buy_spreads": [0.01, 0.02], "buy_amounts_pct": [3, 1]}, [3, 1], None),
        ({"buy_spreads": [0.01], "buy_amounts_pct": None}, [1], None),
        ({}, None, None),
    ],
)
def test_amounts_are_never_left_to_none(parameters: dict[str, Any], buy: Any, sell: Any) -> None:
    found = controller(strategy={"parameters": parameters})
    assert found.get("buy_amounts_pct") == buy
    assert found.get("sell_amounts_pct") == sell


def test_other_kinds_of_controller_get_no_amounts() -> None:
    found = controller(strategy={"type": "generic", "parameters": {"buy_spreads": [1]}})
    assert "buy_amounts_pct" not in found


def test_capital_is_divided_over_the_pairs_and_never_rounded_up() -> None:
    spec = bot_spec(market={"tradingPairs": ["BTC-USDT", "ETH-USDT", "SOL-USDT"]})
    config = render(spec)
    assert [item.file for item in config.controllers] == ["btc-usdt.yml", "eth-usdt.yml", "sol-usdt.yml"]
    shares = [Decimal(item.config["total_amount_quote"]) for item in config.controllers]
    assert shares == [Decimal("333.33333333")] * 3
    assert sum(shares) <= spec.capital.total_amount_quote
    assert config.script["controllers_config"] == [item.file for item in config.controllers]


def test_hummingbot_reports_to_nobody() -> None:
    client = render_client(bot_spec(telemetry={"logLevel": "Debug"}), name="alpha")
    assert client == {
        "instance_id": "alpha",
        "log_level": "DEBUG",
        "send_error_logs": False,
        "anonymized_metrics_mode": {},
        "mqtt_bridge": {"mqtt_autostart": False},
    }


def test_start_balances_default_to_the_capital() -> None:
    assert render_start_balances(bot_spec()) == {"USDT": Decimal(1000)}
    given = bot_spec(paper={"startBalances": {"BTC": "0.5"}})
    assert render_start_balances(given) == {"BTC": Decimal("0.5")}


def test_revision_moves_with_the_content_and_only_with_it() -> None:
    first, same = render(bot_spec()).sealed(), render(bot_spec()).sealed()
    assert first.revision == same.revision
    assert first.intact
    assert render(bot_spec(capital={"totalAmountQuote": "1001"})).sealed().revision != first.revision


def test_code_of_ones_own_is_named_by_its_hash() -> None:
    spec = bot_spec(strategy={"code": {"configMapRef": {"name": "mine", "key": "mine.py"}}})
    config = render(spec, code="class A: ...\n")
    assert config.code_sha256 is not None
    assert config.code_sha256.startswith("sha256:")
    assert render(spec, code="class B: ...\n").digest != config.digest
