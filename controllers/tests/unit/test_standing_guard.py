import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aviary_bot.order_guard import Exposure, OrderRequest, Refused
from aviary_bot.risk_limits import AccountLook
from aviary_bot.standing_guard import StandingGuard
from aviary_crds.botconfig import BotConfig
from aviary_crds.v1alpha1.tradingbot import Mode
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Clock, bot_config, guard_of

PAIR = "BTC-USDT"
PRICE = Decimal(50_000)
ORDER = OrderRequest(trading_pair=PAIR, direction="Buy", quantity=Decimal("0.001"), price=PRICE)
TOO_BIG = OrderRequest(trading_pair=PAIR, direction="Buy", quantity=Decimal(1), price=PRICE)
FLAT = Exposure(holdings=None, mid_prices={PAIR: PRICE})


@pytest.fixture
def guard(tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock) -> StandingGuard:
    return guard_of(tmp_path, make_config(), clock)


def _refused(guard: StandingGuard, order: OrderRequest = ORDER) -> Refused | None:
    return guard.review(order, FLAT)


def test_refusals_are_counted_by_code_and_the_last_one_is_kept(guard: StandingGuard) -> None:
    _refused(guard, TOO_BIG)
    _refused(guard, TOO_BIG)
    view = guard.view()
    assert view.refusals == {"OrderNotional": 2}
    assert view.last_refusal is not None
    assert "50000.00" in view.last_refusal.message
    assert "250" in view.last_refusal.message


def test_an_order_that_passes_is_not_counted(guard: StandingGuard) -> None:
    assert _refused(guard) is None
    assert guard.view().refusals == {}


def test_each_code_is_logged_once_a_minute(
    guard: StandingGuard, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            _refused(guard, TOO_BIG)
            clock.now += 1.0
    assert len(caplog.records) == 2


def test_a_pause_is_on_the_volume_and_restored(
    guard: StandingGuard, tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    guard.pause("news")
    again = guard_of(tmp_path, make_config(), clock)
    refused = _refused(again)
    assert (again.state, again.view().reasons) == ("SoftPaused", ("news",))
    assert refused is not None
    assert refused.code == "Paused"


def test_a_kill_survives_resume_and_restart(
    guard: StandingGuard, tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    guard.kill("loss")
    guard.resume()
    again = guard_of(tmp_path, make_config(), clock)
    again.resume()
    assert (guard.state, again.state) == ("HardStopped", "HardStopped")


def test_a_kill_is_in_force_even_when_the_volume_cannot_be_written(guard: StandingGuard, tmp_path: Path) -> None:
    (tmp_path / "guard.json.new").mkdir()
    with pytest.raises(OSError, match=r"guard\.json\.new"):
        guard.kill("loss")
    assert guard.state == "HardStopped"


def test_a_pause_that_cannot_be_stored_is_not_told_as_in_force(guard: StandingGuard, tmp_path: Path) -> None:
    (tmp_path / "guard.json.new").mkdir()
    with pytest.raises(OSError, match=r"guard\.json\.new"):
        guard.pause("news")
    assert guard.state == "Running"


def test_a_hold_refuses_until_its_own_part_releases_it(guard: StandingGuard) -> None:
    guard.hold("volume", "paper.json cannot be written")
    guard.hold("stop", "the bot is stopping")
    guard.release("volume")
    refused = _refused(guard)
    assert refused is not None
    assert refused.message == "orders are held: the bot is stopping"
    assert not guard.lets_orders_out
    guard.release("stop")
    assert guard.lets_orders_out


def test_a_hold_is_shown_as_a_pause_and_is_not_stored(guard: StandingGuard, tmp_path: Path) -> None:
    guard.hold("volume", "paper.json cannot be written")
    assert (guard.state, guard.view().reasons) == ("SoftPaused", ("paper.json cannot be written",))
    assert not (tmp_path / "guard.json").exists()


def test_no_trade_lets_nothing_out(tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock) -> None:
    guard = guard_of(tmp_path, make_config(mode=Mode.NO_TRADE), clock)
    refused = _refused(guard)
    assert not guard.lets_orders_out
    assert refused is not None
    assert refused.code == "ModeNoTrade"


# -- loss limits -----------------------------------------------------------------------------------------------------


def _state(guard: StandingGuard) -> str:
    return guard.state


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _look(equity: Decimal | str | None, volume: Decimal | int = 0) -> AccountLook:
    known = None if equity is None else Decimal(equity)
    return AccountLook(equity_quote=known, volume_quote=Decimal(volume), lacking="no price of ETH-USDT")


@pytest.mark.parametrize(
    ("equities", "volume", "reason"),
    [
        (("1000", "970"), 0, None),
        (("1000", "969.99"), 0, "daily loss 300.10 bps of the capital is above maxDailyLossBps 300"),
        (("10000", "9980"), 30_000, None),
        (("10000", "9980"), 30_001, "turnover since 00:00 UTC 300010.00 bps of the capital is above"),
    ],
)
def test_a_breach_stops_the_bot_for_good_and_says_figure_and_limit(
    tmp_path: Path,
    make_config: Callable[..., BotConfig],
    clock: Clock,
    equities: tuple[str, ...],
    volume: int,
    reason: str | None,
) -> None:
    limits = make_config().limits.model_copy(update={"max_daily_turnover_bps": 300_000})
    config = make_config(limits=limits)
    guard = guard_of(tmp_path, config, clock)
    for number, equity in enumerate(equities):
        guard.observe(_look(equity, volume * number), NOON)
    assert _state(guard) == ("Running" if reason is None else "HardStopped")
    assert reason is None or reason in guard.view().reasons[0]
    again = guard_of(tmp_path, config, clock)
    assert (again.state, again.view().reasons) == (guard.state, guard.view().reasons)
    assert again.ledger.hard_stops == (0 if reason is None else 1)


def test_a_drawdown_over_days_stops_the_bot(guard: StandingGuard) -> None:
    guard.observe(_look("1000"), NOON)
    guard.observe(_look("975"), NOON + timedelta(days=1))
    guard.observe(_look("950"), NOON + timedelta(days=2))
    assert _state(guard) == "Running"
    guard.observe(_look("949"), NOON + timedelta(days=3))
    assert guard.view().reasons == ("drawdown 510.00 bps of the peak is above maxDrawdownBps 500",)


def test_a_breach_is_stopped_once_however_long_it_lasts(guard: StandingGuard) -> None:
    guard.observe(_look("1000"), NOON)
    for equity in ("960", "950", "940"):
        guard.observe(_look(equity), NOON)
    assert (guard.kills, len(guard.view().reasons), guard.ledger.hard_stops) == (1, 1, 1)


def test_a_paused_bot_is_stopped_too(guard: StandingGuard) -> None:
    guard.observe(_look("1000"), NOON)
    guard.pause("news")
    guard.observe(_look("900"), NOON)
    assert _state(guard) == "HardStopped"


def test_a_stop_that_cannot_be_stored_is_in_force(guard: StandingGuard, tmp_path: Path) -> None:
    guard.observe(_look("1000"), NOON)
    (tmp_path / "guard.json.new").mkdir()
    guard.observe(_look("900"), NOON)
    assert _state(guard) == "HardStopped"


def test_a_tightened_limit_counts_at_the_next_look_and_a_loosened_one_too(
    guard: StandingGuard, make_config: Callable[..., BotConfig]
) -> None:
    loose, tight = (make_config().limits.model_copy(update={"max_daily_loss_bps": bps}) for bps in (400, 100))
    guard.limits = loose
    guard.observe(_look("1000"), NOON)
    guard.observe(_look("965"), NOON)
    assert _state(guard) == "Running"
    guard.limits = tight
    guard.observe(_look("965"), NOON)
    assert "350.00 bps" in guard.view().reasons[0]
    assert "maxDailyLossBps 100" in guard.view().reasons[0]


def test_a_limit_of_nothing_stops_at_the_first_loss(
    guard: StandingGuard, make_config: Callable[..., BotConfig]
) -> None:
    guard.limits = make_config().limits.model_copy(update={"max_daily_loss_bps": 0})
    guard.observe(_look("1000"), NOON)
    assert _state(guard) == "Running"
    guard.observe(_look("999.999999"), NOON)
    assert _state(guard) == "HardStopped"


@pytest.mark.parametrize("equity", [None, "NaN"])
def test_an_equity_unknown_for_long_holds_orders_until_it_is_known(
    guard: StandingGuard, clock: Clock, equity: str | None
) -> None:
    guard.observe(_look("1000"), NOON)
    guard.observe(_look(equity), NOON)
    clock.now += 30.0
    guard.observe(_look(equity), NOON)
    assert _state(guard) == "Running"
    clock.now += 0.1
    guard.observe(_look(equity), NOON)
    assert _state(guard) == "SoftPaused"
    assert guard.view().reasons == ("the equity is unknown for more than 30 s: no price of ETH-USDT",)
    guard.observe(_look("1000"), NOON)
    assert _state(guard) == "Running"


def test_short_gaps_do_not_add_up(guard: StandingGuard, clock: Clock) -> None:
    for _ in range(5):
        guard.observe(_look(None), NOON)
        clock.now += 20.0
        guard.observe(_look("1000"), NOON)
    assert _state(guard) == "Running"


def test_orders_are_held_while_the_ledger_cannot_be_written(guard: StandingGuard, tmp_path: Path) -> None:
    obstacle = tmp_path / "risk.json.new"
    obstacle.mkdir()
    guard.observe(_look("1000"), NOON)
    assert _state(guard) == "SoftPaused"
    assert "risk.json cannot be written" in guard.view().reasons[0]
    obstacle.rmdir()
    guard.observe(_look("1000"), NOON)
    assert _state(guard) == "Running"


_steps = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(min_value=-400, max_value=350)),
        st.integers(min_value=0, max_value=1500),
        st.integers(min_value=0, max_value=10),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)
"""Of each second: by how much the equity moves (tenths; None while it is unknown), what is traded, the hours that pass,
and whether the process is restarted before it."""


@settings(max_examples=80, deadline=None)
@given(steps=_steps)
def test_a_restart_never_moves_the_trip(steps: list[tuple[int | None, int, int, bool]]) -> None:
    def trip(folder: Path, *, restarts: bool) -> tuple[int, tuple[str, ...]] | None:
        clock, config = Clock(), bot_config()
        guard = guard_of(folder, config, clock)
        equity, volume, now = Decimal(1000), 0, NOON
        for number, (move, traded, hours, restarted) in enumerate(steps):
            if restarts and restarted:
                guard = guard_of(folder, config, clock)
            equity, volume, now = equity + Decimal(move or 0) / 10, volume + traded, now + timedelta(hours=hours)
            guard.observe(_look(None if move is None else equity, volume), now)
            if guard.state == "HardStopped":
                return number, guard.view().reasons
        return None

    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        assert trip(Path(one), restarts=True) == trip(Path(other), restarts=False)


# -- cancels, counts -------------------------------------------------------------------------------------------------


def _cancels(guard: StandingGuard, count: int) -> None:
    for _ in range(count):
        guard.note_cancel()


def test_too_many_cancels_hold_orders_until_the_rate_is_back(guard: StandingGuard, clock: Clock) -> None:
    _cancels(guard, 50)
    assert _state(guard) == "Running"
    _cancels(guard, 1)
    assert guard.view().reasons == ("more cancels in a minute than maxCancelsPerMinute 50",)
    clock.now += 59.0
    guard.observe(_look("1000"), NOON)
    assert _state(guard) == "SoftPaused"
    clock.now += 1.0
    guard.observe(_look("1000"), NOON)
    assert (_state(guard), guard.cancels_last_minute, guard.cancel_breaches) == ("Running", 0, 1)


def test_what_a_guard_that_does_not_run_takes_off_does_not_count(guard: StandingGuard) -> None:
    guard.hold("stop", "the bot is stopping")
    _cancels(guard, 500)
    guard.release("stop")
    guard.pause("news")
    _cancels(guard, 500)
    assert guard.cancels_last_minute == 0


def test_a_third_minute_of_too_many_cancels_stops_the_bot(guard: StandingGuard, clock: Clock) -> None:
    for minute in range(3):
        assert _state(guard) == "Running", f"in minute {minute}"
        _cancels(guard, 51)
        clock.now += 61.0
        guard.observe(_look("1000"), NOON)
    assert _state(guard) == "HardStopped"
    assert guard.view().reasons == ("more cancels than maxCancelsPerMinute 50 in 3 minutes in a row",)


def test_counts_are_remembered_over_restarts(
    tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    for _ in range(3):
        guard = guard_of(tmp_path, make_config(), clock)
        guard.note_start(None)
        guard.note_rejection()
        guard.kill("loss")
        guard.kill("loss again")
    ledger = guard_of(tmp_path, make_config(), clock).ledger
    assert (ledger.starts, ledger.rejected_orders, ledger.hard_stops) == (3, 3, 1)


def test_a_hard_stop_after_the_latch_was_taken_off_is_another_one(
    tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    guard_of(tmp_path, make_config(), clock).kill("loss")
    (tmp_path / "guard.json").unlink()
    guard = guard_of(tmp_path, make_config(), clock)
    assert _state(guard) == "Running"
    guard.kill("loss")
    assert guard.ledger.hard_stops == 2


def test_a_hard_stop_whose_count_was_lost_in_a_crash_is_counted_at_the_start(
    tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    guard_of(tmp_path, make_config(), clock).kill("loss")
    (tmp_path / "risk.json").unlink()
    for _ in range(2):
        assert guard_of(tmp_path, make_config(), clock).ledger.hard_stops == 1
