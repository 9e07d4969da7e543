"""Configurations of test bots, as the operator renders them."""

import hashlib
from pathlib import Path
from typing import Any

from aviary_bot.risk_ledger import load_memory
from aviary_bot.standing_guard import StandingGuard
from aviary_crds.botconfig import BotConfig

FAST_QUOTES = {"spreads_bps": [2, 5], "refresh_seconds": 8, "fill_cooldown_seconds": 0}


def bot_config(
    name: str,
    *,
    connector: str = "bitget",
    pairs: tuple[str, ...] = ("BTC-USDT",),
    controller: str = "simple_market_maker",
    parameters: dict[str, Any] | None = None,
    code: str | None = None,
    **changes: Any,
) -> BotConfig:
    """Return a sealed configuration; `changes` replace fields of the document."""
    market: dict[str, Any] = {"connector": connector, "tradingPairs": list(pairs)} | changes.pop("market", {})
    controllers = []
    for pair in pairs:
        slug = pair.lower()
        rendered = {
            "id": f"{name}-{slug}",
            "controller_name": controller,
            "controller_type": "market_making",
            "total_amount_quote": "1000",
            "manual_kill_switch": False,
            "connector_name": connector,
            "trading_pair": pair,
            "leverage": market.get("leverage", 1),
            "position_mode": {"OneWay": "ONEWAY", "Hedge": "HEDGE"}[market.get("positionMode", "OneWay")],
            "skip_rebalance": True,
        }
        config = dict(FAST_QUOTES if parameters is None else parameters) | rendered
        controllers.append({"file": f"{name}-{slug}.yml", "config": config})
    limits = {
        "allowedPairs": list(pairs),
        "maxOrderNotionalQuote": "500",
        "maxNotionalQuote": str(1000 * len(pairs)),
        "maxLeverage": 5,
        # The simulated venue fills in a minute what a market fills in a day.
        "maxDailyTurnoverBps": 10_000_000,
    } | changes.pop("limits", {})
    document: dict[str, Any] = {
        "name": name,
        "namespace": "tests",
        "uid": f"uid-{name}",
        "mode": "Paper",
        "digest": "sha256:one",
        "controller": controller,
        "controllerType": "market_making",
        "codeSha256": None if code is None else "sha256:" + hashlib.sha256(code.encode()).hexdigest(),
        "controllers": controllers,
        "client": {
            "instance_id": name,
            "log_level": "INFO",
            "send_error_logs": False,
            "anonymized_metrics_mode": {},
            "mqtt_bridge": {"mqtt_autostart": False},
        },
        "script": {
            "script_file_name": "aviary.py",
            "controllers_config": [controller["file"] for controller in controllers],
        },
        "market": market,
        "totalAmountQuote": str(1000 * len(pairs)),
        "limits": limits,
        "paper": {},
        "startBalances": {"USDT": str(1000 * len(pairs))},
        "fees": {},
        "telemetry": {},
        "stopBudgetSeconds": 30,
    }
    return BotConfig.model_validate(document | changes).sealed()


def guard_of(folder: Path, config: BotConfig) -> StandingGuard:
    """Return the guard that a process of this bot has, with what the folder remembers; its clock stands still."""
    return StandingGuard(
        mode=config.mode,
        limits=config.limits,
        capital_quote=config.total_amount_quote,
        latch_path=folder / "guard.json",
        memory=load_memory(folder / "risk.json", uid=config.uid),
        monotonic=lambda: 0.0,
    )
