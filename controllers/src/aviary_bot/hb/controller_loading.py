"""Strategies, checked before they may trade: the module loads, the class is the one meant, the parameters fit.

Hummingbot takes the alphabetically first configuration class it finds in a module, imported ones included: a module
that imports another controller's class silently runs that other controller. Here the class must be defined in the
module itself, or the bot becomes Failed.
"""

import importlib
import inspect
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from aviary_crds.botconfig import BotConfig, RenderedController
from aviary_crds.botstate import FailureReason
from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy_v2.controllers.controller_base import ControllerBase, ControllerConfigBase
from hummingbot.strategy_v2.controllers.directional_trading_controller_base import (
    DirectionalTradingControllerBase,
    DirectionalTradingControllerConfigBase,
)
from hummingbot.strategy_v2.controllers.market_making_controller_base import (
    MarketMakingControllerBase,
    MarketMakingControllerConfigBase,
)
from pydantic import ValidationError

from aviary_bot.boot_document import BotFailed, first_error

OFFERED: Final = frozenset(
    {
        "total_amount_quote",
        "manual_kill_switch",
        "connector_name",
        "trading_pair",
        "leverage",
        "position_mode",
        "skip_rebalance",
        "buy_amounts_pct",
        "sell_amounts_pct",
    }
)
"""Keys the operator renders for every controller; those a configuration class does not have are left out."""

_NEVER_HOT = frozenset({"manual_kill_switch"})
"""Hummingbot's kill switch flattens at market and revives ended executors; pause and kill are the order guard's."""

_BASE_CONFIGS = (ControllerConfigBase, MarketMakingControllerConfigBase, DirectionalTradingControllerConfigBase)
_BASE_CONTROLLERS = (ControllerBase, MarketMakingControllerBase, DirectionalTradingControllerBase)


@dataclass(frozen=True, slots=True)
class LoadedController:
    """One controller file, checked. `config` is what is written for Hummingbot to read."""

    file: str
    config_class: type[Any]
    config: dict[str, Any]

    @property
    def updatable(self) -> frozenset[str]:
        """Fields that Hummingbot declares changeable without a restart."""
        declared = {
            name
            for name, info in self.config_class.model_fields.items()
            if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("is_updatable")
        }
        return frozenset(declared) - _NEVER_HOT


def load_controllers(config: BotConfig) -> dict[str, LoadedController]:
    """Load and check all controllers of a configuration, by file.

    Raises:
        BotFailed: StrategyInvalid, with the file and what is wrong in it.
    """
    module = _module(config.controller_type.value, config.controller)
    config_class = _picked(module, ControllerConfigBase, _BASE_CONFIGS, "configuration class (ControllerConfigBase)")
    _picked(module, ControllerBase, _BASE_CONTROLLERS, "controller class (ControllerBase)")
    loaded = {}
    for rendered in config.controllers:
        controller = LoadedController(rendered.file, config_class, _fitting(rendered, config_class))
        _check_markets(parsed(controller), controller, config)
        loaded[rendered.file] = controller
    return loaded


def reloaded(controller: LoadedController, rendered: RenderedController) -> LoadedController:
    """Return the controller with other parameters.

    Raises:
        BotFailed: the class refuses a value; the message names it.
    """
    changed = LoadedController(controller.file, controller.config_class, _fitting(rendered, controller.config_class))
    parsed(changed)
    return changed


def parsed(controller: LoadedController) -> Any:
    """Return the configuration object.

    Raises:
        BotFailed: the class refuses a value; the message names it.
    """
    try:
        return controller.config_class(**controller.config)
    except ValidationError as error:
        raise _invalid(f"{controller.file}: {first_error(error)}") from None
    except Exception as error:
        raise _invalid(f"{controller.file}: {type(error).__name__}: {error}") from error


def _module(controller_type: str, controller: str) -> ModuleType:
    name = f"controllers.{controller_type}.{controller}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            raise _invalid(f"there is no controller {controller!r} of type {controller_type!r} in this image") from None
        raise _invalid(f"strategy {controller!r} does not load: {error}") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise _invalid(
            f"strategy {controller!r} does not load: {_where(error)}{type(error).__name__}: {error}"
        ) from error


def _picked(module: ModuleType, kind: type[Any], bases: tuple[type[Any], ...], what: str) -> type[Any]:
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, kind) and member not in bases
    ]
    if not found:
        raise _invalid(f"{module.__name__} has no {what}")
    if found[0].__module__ != module.__name__:
        raise _invalid(
            f"Hummingbot would run {found[0].__module__}.{found[0].__name__} instead of this strategy: it takes the "
            f"first {what} by name, imported ones included; import the module, not the class"
        )
    return found[0]


def _fitting(rendered: RenderedController, config_class: type[Any]) -> dict[str, Any]:
    known = config_class.model_fields
    return {key: value for key, value in rendered.config.items() if key in known or key not in OFFERED}


def _check_markets(parsed_config: Any, controller: LoadedController, config: BotConfig) -> None:
    try:
        markets = parsed_config.update_markets(MarketDict({}))
    except Exception as error:
        raise _invalid(f"{controller.file}: update_markets fails: {type(error).__name__}: {error}") from error
    for connector, pairs in markets.items():
        if connector != config.market.connector:
            raise _invalid(
                f"{controller.file}: trades on {connector!r}; spec.market.connector is {config.market.connector!r}"
            )
        foreign = sorted(set(pairs) - set(config.market.trading_pairs))
        if foreign:
            raise _invalid(f"{controller.file}: trades {', '.join(foreign)}, not among spec.market.tradingPairs")


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/controllers/" in frame.filename]
    return f"line {ours[-1].lineno}: " if ours else ""


def _invalid(message: str) -> BotFailed:
    return BotFailed(FailureReason.STRATEGY_INVALID, message)
