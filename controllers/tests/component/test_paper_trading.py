"""Bots trade on paper against the simulated venue: the real Hummingbot, the real connectors, real sockets."""

import csv
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, Phase

from .configs import FAST_QUOTES, bot_config
from .processes import BotProcess, Venue, eventually

MakeBot = Callable[..., BotProcess]


def _trades(state: BotState) -> bool:
    return state.ready and state.figures.fills >= 3


def _working_set(pid: int) -> int:
    """Return anonymous memory in MB: what a pod is charged with beyond the page cache it shares."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024


@pytest.mark.parametrize(
    ("connector", "market"),
    [("bitget", {}), ("bitget_perpetual", {"leverage": 2})],
    ids=["spot", "perpetual"],
)
def test_a_bot_trades_stops_clean_and_goes_on_where_it_stopped(
    make_bot: MakeBot, venue: Venue, connector: str, market: dict[str, object]
) -> None:
    private = venue.private_requests()
    bot = make_bot(bot_config("trader", connector=connector, market=market))
    state = bot.wait_until("it trades", _trades)
    assert state.guard.refusals == {}
    assert all(fill.simulated for fill in state.recent_fills)
    assert state.figures.open_notional_quote is not None
    assert state.figures.open_notional_quote <= 1000
    assert _working_set(bot.pid) < 210
    assert None not in state.risk.model_dump(exclude={"base_share_bps"}).values()
    assert (state.risk.base_share_bps is None) == connector.endswith("_perpetual")
    assert (state.risk.inventory_in_band, state.starts) == (True, 1)
    assert state.figures.fee_source in {f"api:{connector}", f"connector:{connector}"}

    code, seconds = bot.terminate()
    assert (code, seconds < 6.0) == (0, True), f"exit code {code} after {seconds:.1f} s"
    paper = json.loads((bot.data / "aviary" / "paper.json").read_text())
    risk = json.loads((bot.data / "aviary" / "risk.json").read_text())
    with (bot.data / "aviary" / "fills.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == paper["fills"]
    assert _unfinished_orders(bot) == []

    bot.start()
    again = bot.wait_until("it is ready again", lambda state: state.ready and state.figures.fills >= paper["fills"])
    assert again.figures.day_start_equity_quote == Decimal(risk["opening"]["equity_quote"])
    assert again.starts == 2
    bot.wait_until("it trades on", lambda state: state.figures.fills > paper["fills"])
    assert venue.private_requests() == private, "a paper bot called the venue with keys"


def _unfinished_orders(bot: BotProcess) -> list[str]:
    """Return orders of Hummingbot's database that are neither cancelled, filled nor failed."""
    finished = "('OrderCancelled', 'BuyOrderCompleted', 'SellOrderCompleted', 'OrderFailure')"
    with closing(sqlite3.connect(bot.data / "aviary.sqlite")) as database:
        return [row[0] for row in database.execute(f'SELECT id FROM "Order" WHERE last_status NOT IN {finished}')]  # noqa: S608  a constant


def test_a_killed_bot_takes_its_old_orders_off_before_it_places_new_ones(make_bot: MakeBot, venue: Venue) -> None:
    venue.ask("freeze", {"on": True})
    try:
        bot = make_bot(bot_config("killed", parameters={"spreads_bps": [50, 60], "refresh_seconds": 3600}))
        bot.wait_until("its orders rest", lambda state: state.figures.open_orders == 4)
        old = set(eventually("the orders are in the database", lambda: _unfinished_orders(bot)))
        bot.kill()
        bot.start()
        bot.wait_until("new orders rest", lambda state: state.figures.open_orders == 4)
        new = eventually("the new orders are in the database", lambda: _unfinished_orders(bot))
        assert old.isdisjoint(new)
        assert "cancelling 4 orders of an earlier process" in bot.log()
        assert _last_status(bot, old) == {"OrderCancelled"}
    finally:
        venue.ask("heal", {})


def _last_status(bot: BotProcess, orders: set[str]) -> set[str]:
    with closing(sqlite3.connect(bot.data / "aviary.sqlite")) as database:
        rows = dict(database.execute('SELECT id, last_status FROM "Order"'))
    return {rows[order] for order in orders}


def test_no_trade_is_ready_and_places_nothing(make_bot: MakeBot) -> None:
    bot = make_bot(bot_config("silent", mode="NoTrade"))
    bot.wait_until("it is ready", lambda state: state.ready)
    begun = time.monotonic()
    bot.wait_until("the strategy ran for 5 s", lambda _state: time.monotonic() - begun > 5.0)
    state = bot.state()
    assert (state.figures.open_orders, state.figures.fills, state.guard.state) == (0, 0, "Running")
    assert "Created" not in bot.log()
    assert bot.terminate()[0] == 0


def test_control_retunes_pauses_and_kills(make_bot: MakeBot) -> None:
    config = bot_config("tuned")
    bot = make_bot(config)
    bot.wait_until("it trades", _trades)

    assert bot.control("pause", {"reason": "news"}, token="guess").status == 401
    _retunes(bot, config)

    paused = bot.control("pause", {"reason": "news"})
    assert (paused.status, paused.json()["state"]) == (200, "SoftPaused")
    state = bot.state()
    assert (state.figures.open_orders, state.guard.reasons) == (0, ("news",))
    assert bot.control("resume", {}).json()["state"] == "Running"
    bot.wait_until("it trades again", lambda state: (state.figures.open_orders or 0) > 0)

    assert bot.control("kill", {"reason": "loss"}).json()["state"] == "HardStopped"
    assert bot.state().figures.open_orders == 0
    assert bot.control("resume", {}).json()["state"] == "HardStopped"
    assert bot.terminate()[0] == 0
    bot.start()
    state = bot.wait_until("it is ready again", lambda state: state.ready)
    assert (state.guard.state, state.guard.reasons) == ("HardStopped", ("loss",))
    assert state.figures.open_orders == 0


def _retunes(bot: BotProcess, config: BotConfig) -> None:
    def changed(parameters: dict[str, Any], **changes: Any) -> bytes:
        new = bot_config("tuned", parameters=FAST_QUOTES | parameters, **changes)
        return new.sealed(boot_revision=config.boot_revision).model_dump_json(by_alias=True).encode()

    wide = changed({"spreads_bps": [300]}, digest="sha256:two")
    answer = bot.control("retune", wide)
    assert answer.status == 200, answer.text
    revision = BotConfig.model_validate_json(wide).revision
    assert answer.json()["revision"] == revision == bot.state().config.revision
    bot.wait_until("one wide level a side is left", _quotes_wide, seconds=10)

    for body, status, part in (
        (changed({"spreads_bps": [300]}, stopBudgetSeconds=29), 409, "stopBudgetSeconds"),
        (changed({"spreads_bps": [20, 10]}, digest="sha256:two"), 422, "spreads_bps must ascend"),
        (changed({"spreads_bps": ["x"]}, digest="sha256:two"), 422, "spreads_bps"),
        (wide.replace(b"300", b"301"), 400, "not its content's hash"),
        (b"{", 400, "not a bot configuration"),
    ):
        refused = bot.control("retune", body)
        assert (refused.status, part in refused.text) == (status, True), refused.text
    assert bot.state().config.revision == revision
    # Hummingbot reads the files anew every ten seconds: what was refused must not come back that way.
    assert bot.control("retune", changed({}, digest="sha256:three")).status == 200


def _quotes_wide(state: BotState) -> bool:
    return state.figures.open_orders == 2 and state.ready


def test_a_limit_that_is_tightened_below_the_figure_stops_the_bot_for_good(make_bot: MakeBot) -> None:
    config = bot_config("tightened")
    bot = make_bot(config)
    bot.wait_until("it trades", _trades)
    tight = bot_config("tightened", limits={"maxDailyTurnoverBps": 1}).sealed(boot_revision=config.boot_revision)
    assert bot.control("retune", tight.model_dump_json(by_alias=True).encode()).status == 200
    state = bot.wait_until("it is stopped", lambda state: state.guard.state == "HardStopped", seconds=5)
    assert "above maxDailyTurnoverBps 1" in state.guard.reasons[0]
    state = bot.wait_until("its book is empty", lambda state: state.figures.open_orders == 0, seconds=5)
    bot.kill()
    bot.start()
    again = bot.wait_until("it is ready again", lambda state: state.ready)
    assert (again.guard.state, again.guard.reasons, again.risk.hard_stops) == ("HardStopped", state.guard.reasons, 1)
    assert (again.figures.open_orders, again.figures.fills) == (0, state.figures.fills)


def test_a_bot_beyond_its_cancel_budget_is_held_with_an_empty_book(make_bot: MakeBot) -> None:
    quotes = {"spreads_bps": [200, 300], "refresh_seconds": 2}
    bot = make_bot(bot_config("hasty", parameters=quotes, limits={"maxCancelsPerMinute": 5}))
    state = bot.wait_until("it is held", lambda state: state.guard.state == "SoftPaused")
    assert state.guard.reasons == ("more cancels in a minute than maxCancelsPerMinute 5",)
    assert state.risk.cancels_in_budget is False
    state = bot.wait_until("its book is empty", lambda state: state.figures.open_orders == 0, seconds=5)
    assert state.risk.cancels_last_minute == 6, "what the guard takes off does not count"
    metrics = bot.get("metrics")
    assert metrics is not None
    assert "hbot_cancel_per_min 6.0" in metrics.text
    assert "hbot_cancel_budget_breach_count 1.0" in metrics.text


def test_a_volume_that_cannot_be_written_holds_orders_until_it_can(make_bot: MakeBot) -> None:
    bot = make_bot(bot_config("stuck"))
    bot.wait_until("it trades", _trades)
    obstacle = bot.data / "aviary" / "paper.json.new"
    obstacle.mkdir()
    state = bot.wait_until("orders are held", lambda state: state.guard.state == "SoftPaused")
    assert "paper.json cannot be written" in state.guard.reasons[0]
    held = bot.wait_until("its book is empty", lambda state: state.figures.open_orders == 0, seconds=5)
    obstacle.rmdir()
    bot.wait_until("it trades again", lambda state: state.figures.fills > held.figures.fills)
    assert bot.state().guard.reasons == ()


GREEDY = '''
"""Asks for far more than its limits, as often as it may."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hummingbot.core.data_type import common
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.order_executor import data_types
from hummingbot.strategy_v2.models import executor_actions


class GreedyConfig(controller_base.ControllerConfigBase):
    connector_name: str
    trading_pair: str

    def update_markets(self, markets):
        return markets.add_or_update(self.connector_name, self.trading_pair)


class Greedy(controller_base.ControllerBase):
    async def update_processed_data(self):
        pass

    def determine_executor_actions(self):
        if any(executor.is_active for executor in self.executors_info):
            return []
        config = data_types.OrderExecutorConfig(
            timestamp=self.market_data_provider.time(),
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            side=common.TradeType.BUY,
            amount=Decimal("0.0099"),
            price=Decimal("100000"),
            execution_strategy=data_types.ExecutionStrategy.LIMIT,
        )
        return [executor_actions.CreateExecutorAction(controller_id=self.config.id, executor_config=config)]
'''


def test_own_code_that_asks_for_too_much_is_refused_and_does_not_spin(make_bot: MakeBot) -> None:
    bot = make_bot(bot_config("greedy", controller="greedy", parameters={}, code=GREEDY), code=GREEDY)
    state = bot.wait_until("orders are refused", lambda state: state.guard.refusals.get("OrderNotional", 0) >= 2)
    refused, begun = state.guard.refusals["OrderNotional"], time.monotonic()
    bot.wait_until("8 s pass", lambda _state: time.monotonic() - begun > 8.0)
    state = bot.state()
    assert state.guard.refusals["OrderNotional"] - refused <= 3, "the strategy spins against the guard"
    assert (state.figures.fills, state.figures.open_orders) == (0, 0)
    assert state.guard.last_refusal is not None
    assert "above maxOrderNotionalQuote 500" in state.guard.last_refusal.message


def test_a_broken_strategy_is_told_and_nothing_trades(make_bot: MakeBot) -> None:
    broken = GREEDY.replace("class GreedyConfig(", "class GreedyConfig((")
    bot = make_bot(bot_config("broken", controller="greedy", parameters={}, code=broken), code=broken)
    state = bot.wait_until("it is Failed", lambda state: state.phase is Phase.FAILED)
    assert state.reason == "StrategyInvalid"
    assert "SyntaxError" in state.message
    assert [answer.status for path in ("livez", "readyz") if (answer := bot.get(path))] == [200, 503]
    assert bot.terminate()[0] == 0


def test_the_venue_may_go_and_come_back_without_a_restart(make_bot: MakeBot, venue: Venue) -> None:
    """In hedge mode, which has a long and a short position of its own kind."""
    market = {"leverage": 2, "positionMode": "Hedge"}
    bot = make_bot(bot_config("steadfast", connector="bitget_perpetual", market=market))
    before = bot.wait_until("it trades", _trades)
    venue.ask("drop-sockets", {})
    bot.wait_until("it trades on", lambda state: state.ready and state.figures.fills > before.figures.fills + 1)
    metrics = bot.get("metrics")
    assert metrics is not None
    assert "hbot_ws_reconnect_total 1.0" in metrics.text
