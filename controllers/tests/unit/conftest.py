from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aviary_bot.risk_ledger import load_memory
from aviary_bot.standing_guard import StandingGuard
from aviary_crds.botconfig import BotConfig


def bot_config(**changes: Any) -> BotConfig:
    """Return a sealed configuration of a spot paper bot, with fields replaced."""
    document: dict[str, Any] = {
        "name": "alpha",
        "namespace": "desk",
        "uid": "uid-1",
        "mode": "Paper",
        "digest": "sha256:one",
        "controller": "simple_market_maker",
        "controllerType": "market_making",
        "controllers": [{"file": "alpha-btc-usdt.yml", "config": {"id": "alpha-btc-usdt", "spreads_bps": [10]}}],
        "client": {"instance_id": "alpha", "log_level": "INFO"},
        "script": {"script_file_name": "aviary.py", "controllers_config": ["alpha-btc-usdt.yml"]},
        "market": {"connector": "bitget", "tradingPairs": ["BTC-USDT"]},
        "totalAmountQuote": "1000",
        "limits": {
            "allowedPairs": ["BTC-USDT"],
            "maxOrderNotionalQuote": "250",
            "maxNotionalQuote": "1000",
            "maxLeverage": 5,
        },
        "paper": {},
        "startBalances": {"USDT": Decimal(1000)},
        "fees": {},
        "telemetry": {},
        "stopBudgetSeconds": 30,
    }
    return BotConfig.model_validate(document | changes).sealed()


@pytest.fixture
def make_config() -> Callable[..., BotConfig]:
    return bot_config


def guard_of(folder: Path, config: BotConfig, monotonic: Callable[[], float]) -> StandingGuard:
    """Return the guard that a process of this bot has, with what the folder remembers."""
    return StandingGuard(
        mode=config.mode,
        limits=config.limits,
        capital_quote=config.total_amount_quote,
        latch_path=folder / "guard.json",
        memory=load_memory(folder / "risk.json", uid=config.uid),
        monotonic=monotonic,
    )


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()
