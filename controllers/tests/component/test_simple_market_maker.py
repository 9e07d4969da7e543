"""The market maker's quotes, without a market: prices, sizes, skew, and the bound on its inventory."""

import asyncio
import itertools
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aviary_bot.bot_paths import BotPaths
from aviary_bot.hb.controller_loading import load_controllers, parsed
from aviary_bot.hb.home_tree import lay_out
from hummingbot.core.data_type.common import PositionAction, TradeType

from .configs import bot_config

MID = Decimal(50_000)
RULES = SimpleNamespace(
    min_base_amount_increment=Decimal("0.0001"), min_order_size=Decimal("0.0001"), min_notional_size=Decimal(5)
)


class Market:
    """What a controller asks the market data provider."""

    def __init__(self) -> None:
        self.mid: Decimal | None = MID
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now

    def get_price_by_type(self, *_args: Any) -> Decimal:
        return Decimal("NaN") if self.mid is None else self.mid

    def get_trading_rules(self, *_args: Any) -> Any:
        return RULES


class Maker:
    """The controller with its surroundings."""

    def __init__(self, folder: Path, **parameters: Any) -> None:
        position_mode = parameters.pop("position_mode", "OneWay")
        perpetual = position_mode == "Hedge"
        config = bot_config(
            "alpha",
            connector="bitget_perpetual" if perpetual else "bitget",
            parameters={"spreads_bps": [10, 20], "fill_cooldown_seconds": 0} | parameters,
            market={"positionMode": position_mode} if perpetual else {},
        )
        lay_out(BotPaths(home=folder / "home", packages=folder / "packages"), config, None)
        (loaded,) = load_controllers(config).values()
        values = parsed(loaded)
        self.market = Market()
        self.controller = values.get_controller_class()(values, self.market, asyncio.Queue())
        self.long = self.short = Decimal(0)
        self.controller.use_position_source(lambda: (self.long, self.short))
        self._ids = itertools.count()

    async def act(self) -> list[Any]:
        await self.controller.update_processed_data()
        actions: list[Any] = self.controller.determine_executor_actions()
        return actions

    async def quotes(self) -> dict[str, Any]:
        return {action.executor_config.level_id: action.executor_config for action in await self.act()}

    def rests(self, config: Any, *, filled: Decimal = Decimal(0), **changes: Any) -> Any:
        """Let an executor rest with the order of a quote."""
        info = {
            "id": str(next(self._ids)),
            "timestamp": self.market.now,
            "is_active": True,
            "is_done": False,
            "close_timestamp": None,
            "filled_amount_quote": filled * config.price,
            "config": config,
            "custom_info": {"level_id": config.level_id, "order_id": "o", "executed_amount_base": filled},
        }
        executor = SimpleNamespace(**(info | changes))
        self.controller.executors_info.append(executor)
        return executor


pytestmark = pytest.mark.usefixtures("fresh_packages")


def _notional(quotes: dict[str, Any], side: str) -> Decimal:
    return sum((quote.amount * quote.price for name, quote in quotes.items() if name.startswith(side)), Decimal(0))


async def test_both_sides_are_quoted_symmetrically_around_the_mid_price(tmp_path: Path) -> None:
    quotes = await Maker(tmp_path).quotes()
    assert {name: quote.price for name, quote in quotes.items()} == {
        "buy_0": MID * Decimal("0.999"),
        "buy_1": MID * Decimal("0.998"),
        "sell_0": MID * Decimal("1.001"),
        "sell_1": MID * Decimal("1.002"),
    }
    assert {quote.execution_strategy.name for quote in quotes.values()} == {"LIMIT_MAKER"}


async def test_half_of_the_capital_less_a_reserve_stands_on_each_side(tmp_path: Path) -> None:
    quotes = await Maker(tmp_path).quotes()
    for side in ("buy", "sell"):
        assert Decimal(460) < _notional(quotes, side) <= Decimal(475)


async def test_weights_divide_a_side(tmp_path: Path) -> None:
    quotes = await Maker(tmp_path, level_weights=[3, 1]).quotes()
    assert quotes["buy_0"].amount == Decimal("0.0071")
    assert quotes["buy_1"].amount == Decimal("0.0023")


async def test_nothing_is_quoted_without_a_price(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    maker.market.mid = None
    assert await maker.act() == []


async def test_a_level_that_has_an_order_is_left_alone(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    quotes = await maker.quotes()
    maker.rests(quotes["buy_0"])
    assert set(await maker.quotes()) == {"buy_1", "sell_0", "sell_1"}


async def test_an_executor_that_lingers_without_an_order_does_not_hold_its_level(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    quotes = await maker.quotes()
    info = {"level_id": "buy_0", "order_id": None, "executed_amount_base": Decimal(0)}
    maker.rests(quotes["buy_0"], is_active=False, custom_info=info)
    again = await maker.quotes()
    assert again["buy_0"].amount == quotes["buy_0"].amount


async def test_old_orders_and_orders_of_levels_that_are_gone_are_replaced(tmp_path: Path) -> None:
    maker = Maker(tmp_path, refresh_seconds=10)
    quotes = await maker.quotes()
    old, fresh = maker.rests(quotes["buy_0"], timestamp=maker.market.now - 11), maker.rests(quotes["sell_0"])
    gone = maker.rests(quotes["buy_1"])
    maker.controller.config = maker.controller.config.model_copy(update={"spreads_bps": [10]})
    stopped = [action for action in await maker.act() if hasattr(action, "executor_id")]
    assert {action.executor_id for action in stopped} == {old.id, gone.id}
    assert fresh.id not in {action.executor_id for action in stopped}
    assert all(action.keep_position for action in stopped)


async def test_a_filled_level_cools_down(tmp_path: Path) -> None:
    maker = Maker(tmp_path, fill_cooldown_seconds=30)
    quotes = await maker.quotes()
    filled = {"is_active": False, "is_done": True, "close_timestamp": maker.market.now}
    maker.rests(quotes["buy_0"], filled=quotes["buy_0"].amount, **filled)
    assert "buy_0" not in await maker.quotes()
    maker.market.now += 31
    assert "buy_0" in await maker.quotes()


@pytest.mark.parametrize("held", ["0.002", "0.0095", "0.02"])
@pytest.mark.parametrize("side", ["long", "short"])
async def test_position_and_orders_never_exceed_the_capital(tmp_path: Path, side: str, held: str) -> None:
    maker = Maker(tmp_path)
    setattr(maker, side, Decimal(held))
    quotes = await maker.quotes()
    adds, reduces = ("buy", "sell") if side == "long" else ("sell", "buy")
    notional = Decimal(held) * MID
    assert _notional(quotes, adds) <= max(Decimal(0), 475 - notional)
    assert 400 < _notional(quotes, reduces) <= 475
    assert (_notional(quotes, adds) == 0) == (notional >= 475)


async def test_orders_sized_for_an_earlier_position_leave_less_for_new_ones(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    quotes = await maker.quotes()
    maker.rests(quotes["sell_1"])
    maker.short = quotes["sell_0"].amount
    again = await maker.quotes()
    resting = quotes["sell_1"].amount * quotes["sell_1"].price
    assert maker.short * MID + resting + _notional(again, "sell") <= 476


async def test_a_full_inventory_shifts_both_sides_against_it(tmp_path: Path) -> None:
    maker = Maker(tmp_path, inventory_skew_bps=50, spreads_bps=[10])
    maker.long = Decimal("0.0095")
    quotes = await maker.quotes()
    centre = MID * (1 - Decimal("0.0050"))
    assert quotes["sell_0"].price == centre * Decimal("1.001")


async def test_in_hedge_mode_closing_orders_close_no_more_than_is_held(tmp_path: Path) -> None:
    maker = Maker(tmp_path, position_mode="Hedge")
    maker.long = Decimal("0.004")
    quotes = await maker.quotes()
    sells = [quote for name, quote in quotes.items() if name.startswith("sell")]
    assert {quote.position_action for quote in sells} == {PositionAction.CLOSE}
    assert 0 < sum(quote.amount for quote in sells) <= maker.long
    assert {quote.position_action for quote in quotes.values() if quote.side is TradeType.BUY} == {PositionAction.OPEN}


async def test_in_hedge_mode_a_long_and_a_short_are_both_worked_off(tmp_path: Path) -> None:
    maker = Maker(tmp_path, position_mode="Hedge")
    maker.long, maker.short = Decimal("0.0095"), Decimal("0.009")
    quotes = await maker.quotes()
    assert {quote.position_action for quote in quotes.values()} == {PositionAction.CLOSE}
    for side, held in (("buy", maker.short), ("sell", maker.long)):
        amounts = [quote.amount for name, quote in quotes.items() if name.startswith(side)]
        assert Decimal("0.008") < sum(amounts) <= held


async def test_amounts_below_the_venues_smallest_are_not_asked_for(tmp_path: Path) -> None:
    quotes = await Maker(tmp_path, level_weights=[1000, 1]).quotes()
    assert set(quotes) == {"buy_0", "sell_0"}
