import logging
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_bot.order_guard import Exposure, OrderRequest, Refused
from aviary_bot.standing_guard import StandingGuard
from aviary_crds.botconfig import BotConfig
from aviary_crds.v1alpha1.tradingbot import Mode

from .conftest import Clock

PAIR = "BTC-USDT"
PRICE = Decimal(50_000)
ORDER = OrderRequest(trading_pair=PAIR, direction="Buy", quantity=Decimal("0.001"), price=PRICE)
TOO_BIG = OrderRequest(trading_pair=PAIR, direction="Buy", quantity=Decimal(1), price=PRICE)
FLAT = Exposure(mid_prices={PAIR: PRICE})


@pytest.fixture
def guard(tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock) -> StandingGuard:
    return _guard(tmp_path, make_config(), clock)


def _guard(folder: Path, config: BotConfig, clock: Clock, mode: Mode = Mode.PAPER) -> StandingGuard:
    return StandingGuard(mode=mode, limits=config.limits, latch_path=folder / "guard.json", monotonic=clock)


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
    again = _guard(tmp_path, make_config(), clock)
    refused = _refused(again)
    assert (again.state, again.view().reasons) == ("SoftPaused", ("news",))
    assert refused is not None
    assert refused.code == "Paused"


def test_a_kill_survives_resume_and_restart(
    guard: StandingGuard, tmp_path: Path, make_config: Callable[..., BotConfig], clock: Clock
) -> None:
    guard.kill("loss")
    guard.resume()
    again = _guard(tmp_path, make_config(), clock)
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
    guard = _guard(tmp_path, make_config(), clock, Mode.NO_TRADE)
    refused = _refused(guard)
    assert not guard.lets_orders_out
    assert refused is not None
    assert refused.code == "ModeNoTrade"
