"""``bot.json``: the bot's configuration with Hummingbot's own files in it.

Closes Hummingbot's traps by writing what it would otherwise guess: the controller's id, leverage (its default is 20),
position mode (HEDGE), rebalancing by market orders (on), amounts per level (None, and a crash every second), reports to
its makers (on). What keys there are and what each means: controllers/README.md.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from aviary_crds.botconfig import BotConfig, OrderLimits, RenderedController
from aviary_crds.digest import sha256_hex, subject_digest
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.tradingbot import (
    ControllerType,
    LogLevel,
    Mode,
    PositionMode,
    TradingBotSpec,
)

from aviary_operator.bots.guard import quote_assets

STOP_BUDGET_SECONDS: Final = 45
"""Time the engine has to stop. Measured: 13 s with filled positions, 27 s with executors that hang."""

_SMALLEST_SHARE: Final = Decimal("0.00000001")
_LOG_LEVELS: Final[Mapping[LogLevel, str]] = {
    LogLevel.DEBUG: "DEBUG",
    LogLevel.INFO: "INFO",
    LogLevel.WARNING: "WARNING",
}
_POSITION_MODES: Final[Mapping[PositionMode, str]] = {PositionMode.ONE_WAY: "ONEWAY", PositionMode.HEDGE: "HEDGE"}


def render_config(
    spec: TradingBotSpec,
    *,
    name: str,
    namespace: str,
    uid: str,
    mode: Mode,
    limits: OrderLimits,
    code: str | None,
    granted: Mode | None = None,
    capital: Decimal | None = None,
) -> BotConfig:
    """Return the configuration of a bot in ``mode``, not yet sealed.

    Args:
        spec: a spec that the guard let through.
        name: the TradingBot's name.
        namespace: its namespace.
        uid: its uid.
        mode: the mode to run in, NoTrade or above.
        limits: the envelope.
        code: source of the strategy when the spec names one.
        granted: the granted mode, when it is not ``mode``.
        capital: what is granted of the capital, quote asset; None when no grant bounds it.
    """
    amount = spec.capital.total_amount_quote if capital is None else min(spec.capital.total_amount_quote, capital)
    controllers = tuple(
        render_controller(spec, name=name, pair=pair, amount=amount) for pair in spec.market.trading_pairs
    )
    return BotConfig(
        name=name,
        namespace=namespace,
        uid=uid,
        mode=mode,
        granted_mode=granted or mode,
        digest=subject_digest(spec, code=code),
        controller=spec.strategy.controller,
        controller_type=spec.strategy.type,
        code_sha256=None if code is None else sha256_hex(code.encode()),
        controllers=controllers,
        client=render_client(spec, name=name),
        script={
            "script_file_name": "aviary.py",
            "controllers_config": [controller.file for controller in controllers],
        },
        market=spec.market,
        total_amount_quote=amount,
        limits=limits,
        paper=spec.paper,
        start_balances=render_start_balances(spec),
        fees=spec.fees,
        telemetry=spec.telemetry,
        stop_budget_seconds=STOP_BUDGET_SECONDS,
    )


def render_client(spec: TradingBotSpec, *, name: str) -> dict[str, Any]:
    """Return conf_client.yml: what differs from Hummingbot's defaults. ``{}`` is Hummingbot's word for "off"."""
    return {
        "instance_id": name,
        "log_level": _LOG_LEVELS[spec.telemetry.log_level],
        "send_error_logs": False,
        "anonymized_metrics_mode": {},
        "mqtt_bridge": {"mqtt_autostart": False},
    }


def render_controller(spec: TradingBotSpec, *, name: str, pair: str, amount: Decimal) -> RenderedController:
    """Return the controller's file for one pair: the parameters, overlaid with what the operator decides.

    The capital ``amount`` is divided evenly over the pairs, rounded down. The id stays the same over updates:
    Hummingbot keeps positions under it.
    """
    slug = pair.lower()
    share = amount / len(spec.market.trading_pairs)
    config: dict[str, Any] = {
        **spec.strategy.parameters,
        "id": f"{name}-{slug}",
        "controller_name": spec.strategy.controller,
        "controller_type": spec.strategy.type.value,
        "total_amount_quote": decimal_text(share.quantize(_SMALLEST_SHARE, rounding=ROUND_DOWN)),
        "manual_kill_switch": False,
        "connector_name": spec.market.connector,
        "trading_pair": pair,
        "leverage": spec.market.leverage,
        "position_mode": _POSITION_MODES[spec.market.position_mode],
        "skip_rebalance": True,
    }
    if spec.strategy.type is ControllerType.MARKET_MAKING:
        for side in ("buy", "sell"):
            levels = _count_levels(config.get(f"{side}_spreads"))
            if levels and config.get(f"{side}_amounts_pct") is None:
                config[f"{side}_amounts_pct"] = [1] * levels
    return RenderedController(file=f"{slug}.yml", config=config)


def render_start_balances(spec: TradingBotSpec) -> dict[str, Decimal]:
    """Return the paper balances of the first start; on spot the bot adds the base asset at the first price it sees."""
    if spec.paper.start_balances:
        return dict(spec.paper.start_balances)
    return dict.fromkeys(sorted(quote_assets(spec.market)), spec.capital.total_amount_quote)


def _count_levels(spreads: object) -> int:
    """Return how many levels a spreads parameter names: Hummingbot takes a list or text separated by commas."""
    match spreads:
        case list():
            return len(spreads)
        case str():
            return len([part for part in spreads.split(",") if part.strip()])
        case int() | float():
            return 1
        case _:
            return 0
