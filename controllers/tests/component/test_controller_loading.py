"""What a strategy must be to be let near the market, with Hummingbot's own classes."""

from pathlib import Path
from typing import Any

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.bot_paths import BotPaths
from aviary_bot.hb.controller_loading import load_controllers, reloaded
from aviary_bot.hb.home_tree import lay_out
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import FailureReason

from .configs import bot_config
from .test_paper_trading import GREEDY

PICKS_ANOTHER = """
from controllers.market_making.simple_market_maker import SimpleMarketMaker, SimpleMarketMakerConfig


class ZzGuardedConfig(SimpleMarketMakerConfig):
    pass


class ZzGuarded(SimpleMarketMaker):
    pass
"""


pytestmark = pytest.mark.usefixtures("fresh_packages")


def _lay_out(folder: Path, config: BotConfig, code: str | None = None) -> None:
    paths = BotPaths(home=folder / "home", mounted=folder / "etc", packages=folder / "packages")
    lay_out(paths, config, None if code is None else code.encode())


def test_the_market_maker_of_the_image_loads_and_declares_what_is_hot(tmp_path: Path) -> None:
    config = bot_config("alpha")
    _lay_out(tmp_path, config)
    (loaded,) = load_controllers(config).values()
    assert loaded.config_class.__module__ == "controllers.market_making.simple_market_maker"
    assert loaded.updatable == {
        "fill_cooldown_seconds",
        "inventory_skew_bps",
        "level_weights",
        "refresh_seconds",
        "spreads_bps",
        "total_amount_quote",
    }
    assert "skip_rebalance" not in loaded.config


@pytest.mark.parametrize(
    ("changes", "code", "part"),
    [
        ({"controller": "nobody", "parameters": {}}, None, "no controller 'nobody'"),
        ({"controller": "own", "parameters": {}}, "x = 1", "no configuration class"),
        ({"controller": "own", "parameters": {}}, "1 / 0", "line 1: ZeroDivisionError"),
        ({"controller": "own", "parameters": {}}, "import nowhere_at_all", "nowhere_at_all"),
        ({"controller": "own", "parameters": {}}, "raise SystemExit(3)", "SystemExit"),
        ({"controller": "own", "parameters": {}}, PICKS_ANOTHER, "import the module, not the class"),
        ({"controller": "own", "parameters": {"unknown_field": 1}}, GREEDY, "unknown_field"),
        ({"parameters": {"spreads_bps": [0]}}, None, "spreads_bps.0"),
        ({"parameters": {"spreads_bps": [5, 5]}}, None, "must ascend"),
        ({"parameters": {"spreads_bps": [5], "level_weights": [1, 2]}}, None, "one weight for each"),
        ({"parameters": {"take_profit": "0.1"}}, None, "take_profit"),
    ],
)
def test_what_cannot_run_is_refused_with_the_place(
    tmp_path: Path, changes: dict[str, Any], code: str | None, part: str
) -> None:
    config = bot_config("alpha", code=code, **changes)
    _lay_out(tmp_path, config, code)
    with pytest.raises(BotFailed) as failed:
        load_controllers(config)
    assert failed.value.reason is FailureReason.STRATEGY_INVALID
    assert part in failed.value.message


def test_a_controller_may_trade_the_bots_market_only(tmp_path: Path) -> None:
    for replaced, part in ((("connector_name", "binance"), "binance"), (("trading_pair", "ETH-USDT"), "ETH-USDT")):
        config = bot_config("alpha")
        controller = config.controllers[0]
        changed = controller.model_copy(update={"config": controller.config | dict([replaced])})
        _lay_out(tmp_path, config)
        with pytest.raises(BotFailed, match=part):
            load_controllers(config.model_copy(update={"controllers": (changed,)}))


def test_a_refused_value_leaves_the_loaded_controller_as_it_was(tmp_path: Path) -> None:
    config = bot_config("alpha")
    _lay_out(tmp_path, config)
    (loaded,) = load_controllers(config).values()
    before = dict(loaded.config)
    bad = config.controllers[0].model_copy(update={"config": loaded.config | {"spreads_bps": [7, 3]}})
    with pytest.raises(BotFailed, match="must ascend"):
        reloaded(loaded, bad)
    assert loaded.config == before
