import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.bot import Bot, RetuneRefused
from aviary_bot.engine_view import EngineReading
from aviary_bot.metrics import BotMetrics
from aviary_bot.metrics_reference import reference
from aviary_bot.order_guard import ENFORCED
from aviary_bot.risk_limits import RiskFigures
from aviary_bot.telemetry import FILL_COLUMNS, MINUTE_COLUMNS, minute_row
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, ConnectorReadiness, FailureReason, Phase, RiskView
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode
from prometheus_client import generate_latest

from .conftest import guard_of

READING = EngineReading(
    tick_age_seconds=0.5,
    connectors=(ConnectorReadiness(name="bitget", ready=True, flags={"order_books_initialized": True}),),
    not_ready_because=None,
    equity_quote=Decimal(990),
    day_start_equity_quote=Decimal(1000),
    open_orders=2,
    open_notional_quote=Decimal("500.5"),
    mid_prices={"BTC-USDT": Decimal(50_000)},
    positions_notional_quote=Decimal(400),
    base_share=Decimal("0.5"),
    leverage=1,
    fee_source="api:bitget",
    risk=RiskFigures(day_loss_bps=Decimal(100), drawdown_bps=Decimal("99.00990099"), day_turnover_bps=Decimal(15_000)),
    fills=3,
    volume_quote=Decimal(1500),
    executors={"running": 2},
    websocket_reconnects=1,
)


@dataclass
class FakeEngine:
    reading: EngineReading = READING
    refuses: str | None = None
    retuned: list[BotConfig] = field(default_factory=list)
    obeyed: list[GuardState] = field(default_factory=list)
    updatable_parameters: tuple[str, ...] = ("spreads_bps",)

    def read(self) -> EngineReading:
        return self.reading

    def retune(self, config: BotConfig) -> None:
        if self.refuses is not None:
            raise BotFailed(FailureReason.STRATEGY_INVALID, self.refuses)
        self.retuned.append(config)

    async def obey_guard(self, state: GuardState) -> None:
        await asyncio.sleep(0)
        self.obeyed.append(state)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def running(make_config: Callable[..., BotConfig], engine: FakeEngine, tmp_path: Path) -> Bot:
    bot = Bot(on_log_level=lambda _level: None)
    bot.config = make_config()
    bot.guard = guard_of(tmp_path, bot.config, lambda: 0.0)
    bot.engine = engine
    bot.run()
    return bot


# -- probes ----------------------------------------------------------------------------------------------------------


def test_a_bot_that_starts_is_alive_and_not_ready() -> None:
    bot = Bot(on_log_level=lambda _level: None)
    reading = bot.read()
    assert bot.dead_because(reading) is None
    assert bot.not_ready_because(reading) == "Starting: waits for its configuration"
    assert bot.still_starting_because() == "Starting: waits for its configuration"


def test_a_running_bot_is_ready(running: Bot) -> None:
    assert running.not_ready_because(running.read()) is None
    assert running.still_starting_because() is None


@pytest.mark.parametrize(("age", "part"), [(None, "never ticked"), (20.1, "20 s ago")])
def test_a_strategy_that_does_not_tick_is_dead(running: Bot, engine: FakeEngine, age: float | None, part: str) -> None:
    engine.reading = EngineReading(tick_age_seconds=age, not_ready_because=None)
    reading = running.read()
    assert part in str(running.dead_because(reading))
    assert running.not_ready_because(reading) == running.dead_because(reading)


def test_a_failed_bot_is_alive_and_says_why(running: Bot, engine: FakeEngine) -> None:
    engine.reading = EngineReading()
    running.fail(BotFailed(FailureReason.STRATEGY_ENDED, "all controllers have ended"))
    state = running.state()
    assert running.dead_because(running.read()) is None
    assert running.still_starting_because() is None
    assert (state.phase, state.reason, state.ready) == (Phase.FAILED, FailureReason.STRATEGY_ENDED, False)
    assert state.message == "all controllers have ended"


def test_what_the_connector_lacks_is_why_the_bot_is_not_ready(running: Bot, engine: FakeEngine) -> None:
    engine.reading = EngineReading(tick_age_seconds=1.0, not_ready_because="bitget: order_books_initialized")
    assert running.not_ready_because(running.read()) == "bitget: order_books_initialized"


# -- state -----------------------------------------------------------------------------------------------------------


def test_the_state_has_figures_and_configuration(running: Bot) -> None:
    state = BotState.model_validate_json(running.state().model_dump_json(by_alias=True))
    assert state.ready
    assert (state.figures.equity_quote, state.figures.day_pnl_quote) == (Decimal(990), Decimal(-10))
    assert running.config is not None
    assert state.config.revision == running.config.revision
    assert state.config.updatable_parameters == ("spreads_bps",)
    assert state.guard.enforced == ENFORCED


def test_the_state_says_what_the_limits_are_compared_with(running: Bot) -> None:
    assert running.guard is not None
    running.guard.note_start(None)
    running.guard.note_cancel()
    running.guard.note_rejection()
    running.guard.kill("loss")
    state = BotState.model_validate_json(running.state().model_dump_json(by_alias=True))
    assert state.risk == RiskView(
        day_loss_bps=Decimal(100),
        drawdown_bps=Decimal("99.0099"),
        day_turnover_bps=Decimal(15_000),
        cancels_last_minute=1,
        cancels_in_budget=True,
        base_share_bps=Decimal(5_000),
        inventory_in_band=True,
        leverage=1,
        hard_stops=1,
    )
    assert (state.starts, state.figures.rejected_orders, state.figures.fee_source) == (1, 1, "api:bitget")


def test_the_granted_mode_is_what_the_configuration_says(running: Bot, make_config: Callable[..., BotConfig]) -> None:
    assert running.state().granted_mode is None
    running.retune(_changed(running, make_config, grantedMode="Live"))
    assert running.state().granted_mode is Mode.LIVE


def test_unknown_figures_are_null_never_zero() -> None:
    state = Bot(on_log_level=lambda _level: None).state()
    figures = state.figures
    assert (figures.equity_quote, figures.day_pnl_quote, figures.open_orders) == (None, None, None)
    assert (figures.rejected_orders, figures.fee_source, state.starts) == (None, None, None)
    assert state.risk == RiskView()


def test_what_the_engine_does_not_know_is_null(running: Bot, engine: FakeEngine) -> None:
    engine.reading = EngineReading()
    risk = running.state().risk
    assert (risk.day_loss_bps, risk.drawdown_bps, risk.day_turnover_bps, risk.base_share_bps) == (None,) * 4
    assert (risk.inventory_in_band, risk.leverage) == (None, None)


# -- control ---------------------------------------------------------------------------------------------------------


async def test_pause_and_kill_take_resting_orders_off(running: Bot, engine: FakeEngine) -> None:
    assert (await running.pause("news")).state == "SoftPaused"
    assert (await running.kill("loss")).state == "HardStopped"
    assert (await running.resume()).state == "HardStopped"
    assert engine.obeyed == ["SoftPaused", "HardStopped"]


async def test_a_kill_that_cannot_be_stored_still_takes_orders_off(
    running: Bot, engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "guard.json.new").mkdir()
    with pytest.raises(OSError, match="guard"):
        await running.kill("loss")
    assert engine.obeyed == ["HardStopped"]


async def test_before_the_guard_is_up_control_is_refused() -> None:
    with pytest.raises(RetuneRefused, match="not up yet") as refused:
        await Bot(on_log_level=lambda _level: None).pause("news")
    assert refused.value.status == 409


# -- retune ----------------------------------------------------------------------------------------------------------


def _changed(bot: Bot, make_config: Callable[..., BotConfig], **changes: Any) -> BotConfig:
    assert bot.config is not None
    return make_config(**changes).sealed(boot_revision=bot.config.boot_revision)


def test_a_hot_change_comes_into_force(running: Bot, engine: FakeEngine, make_config: Callable[..., BotConfig]) -> None:
    new = _changed(running, make_config, telemetry={"logLevel": "Debug"})
    assert running.retune(new).revision == new.revision
    assert engine.retuned == [new]


@pytest.mark.parametrize(
    ("changes", "refuses", "status", "part"),
    [
        ({"stopBudgetSeconds": 9}, None, 409, "stopBudgetSeconds"),
        ({"digest": "sha256:two"}, "alpha-btc-usdt.yml: spreads_bps: must ascend", 422, "spreads_bps"),
    ],
)
def test_a_refused_change_is_told_and_leaves_the_old_one(
    running: Bot,
    engine: FakeEngine,
    make_config: Callable[..., BotConfig],
    changes: dict[str, Any],
    refuses: str | None,
    status: int,
    part: str,
) -> None:
    old, engine.refuses = running.config, refuses
    with pytest.raises(RetuneRefused, match=part) as refused:
        running.retune(_changed(running, make_config, **changes))
    assert refused.value.status == status
    assert running.config is old
    assert part in str(running.state().config.error)


def test_an_edited_configuration_is_refused(running: Bot, make_config: Callable[..., BotConfig]) -> None:
    new = _changed(running, make_config, telemetry={"logLevel": "Debug"}).model_copy(update={"revision": "sha256:x"})
    with pytest.raises(RetuneRefused) as refused:
        running.retune(new)
    assert refused.value.status == 400


def test_the_error_of_a_refused_change_ends_with_the_next_good_one(
    running: Bot, make_config: Callable[..., BotConfig]
) -> None:
    with pytest.raises(RetuneRefused):
        running.retune(_changed(running, make_config, stopBudgetSeconds=9))
    running.retune(_changed(running, make_config, digest="sha256:two"))
    assert running.state().config.error is None


def test_a_bot_that_does_not_run_cannot_be_retuned(running: Bot, make_config: Callable[..., BotConfig]) -> None:
    running.fail(BotFailed(FailureReason.STRATEGY_ENDED, "ended"))
    with pytest.raises(RetuneRefused, match="Failed") as refused:
        running.retune(_changed(running, make_config))
    assert refused.value.status == 409


# -- metrics and rows ------------------------------------------------------------------------------------------------


def _scrape(bot: Bot) -> str:
    metrics = BotMetrics()
    metrics.watch(bot)
    return generate_latest(metrics.registry).decode()


def test_a_scrape_has_the_figures_and_no_order_ids(running: Bot) -> None:
    text = _scrape(running)
    for line in (
        "hbot_ready 1.0",
        "hbot_equity_quote 990.0",
        "hbot_day_pnl_quote -10.0",
        "hbot_daily_loss_pct 0.01",
        "hbot_bot_fills_total 3.0",
        'hbot_mid_price{trading_pair="BTC-USDT"} 50000.0',
        'hbot_guard_state{state="Running"} 1.0',
        'hbot_executor_count{state="running"} 2.0',
        "hbot_ws_reconnect_total 1.0",
        "hbot_drawdown_pct 0.009900990099",
        "hbot_turnover_today_x 1.5",
        "hbot_cancel_per_min 0.0",
        "hbot_cancel_budget_breach_count 0.0",
        "hbot_rejected_orders_total 0.0",
        'hbot_info{connector="bitget",controller="simple_market_maker",granted="",mode="Paper"} 1.0',
    ):
        assert line in text
    assert "order_id" not in text


def test_an_unknown_figure_is_left_out_of_a_scrape() -> None:
    text = _scrape(Bot(on_log_level=lambda _level: None))
    assert "hbot_ready 0.0" in text
    assert "\nhbot_equity_quote" not in text


def test_the_reference_names_every_metric_of_a_scrape(running: Bot) -> None:
    page = reference()
    names = {line.split()[2] for line in _scrape(running).splitlines() if line.startswith("# TYPE")}
    created = {name for name in names if name.endswith("_created")}
    assert len(names - created) > 15
    assert [name for name in sorted(names - created) if f"`{name}`" not in page] == []


def test_a_minute_row_has_every_column(running: Bot) -> None:
    assert running.guard is not None
    row = minute_row(READING, running.guard, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert tuple(row) == MINUTE_COLUMNS
    assert (row["mid"], row["daily_loss_pct"], row["state"]) == ("50000", "0.01", "Running")
    assert (row["drawdown_pct"], row["turnover_today_x"], row["cancel_per_min"]) == ("0.00990099", "1.5", "0")
    assert (row["reject_count"], row["fee_source"]) == ("0", "api:bitget")


def test_the_columns_of_both_files_are_unique() -> None:
    assert all(len(set(columns)) == len(columns) for columns in (FILL_COLUMNS, MINUTE_COLUMNS))
