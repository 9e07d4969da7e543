from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.paper_state import DayStart, PaperState, day_rolled, first_state, load_state
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import FailureReason

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_without_a_file_the_start_balances_count(tmp_path: Path, make_config: Callable[..., BotConfig]) -> None:
    state = load_state(tmp_path / "paper.json", make_config())
    assert (state.account.kind, state.fills, state.seeded) == ("Spot", 0, False)


def test_a_stored_state_is_read_back_exactly(tmp_path: Path, make_config: Callable[..., BotConfig]) -> None:
    config = make_config()
    state = first_state(config).model_copy(
        update={"fills": 7, "volume_quote": Decimal("1.000000000000000001"), "last_fill_time": NOON}
    )
    (tmp_path / "paper.json").write_text(state.model_dump_json())
    assert load_state(tmp_path / "paper.json", config) == state


@pytest.mark.parametrize("text", ["", "{", "{}", '{"uid": "uid-1"}'])
def test_a_damaged_state_stops_the_bot(tmp_path: Path, make_config: Callable[..., BotConfig], text: str) -> None:
    (tmp_path / "paper.json").write_text(text)
    with pytest.raises(BotFailed, match="damaged") as failed:
        load_state(tmp_path / "paper.json", make_config())
    assert failed.value.reason is FailureReason.DATABASE_UNREADABLE


@pytest.mark.parametrize("change", [{"uid": "uid-2"}, {"connector": "binance"}])
def test_the_volume_of_another_bot_is_not_taken_over(
    tmp_path: Path, make_config: Callable[..., BotConfig], change: dict[str, str]
) -> None:
    config = make_config()
    (tmp_path / "paper.json").write_text(first_state(config).model_copy(update=change).model_dump_json())
    with pytest.raises(BotFailed, match="another bot"):
        load_state(tmp_path / "paper.json", config)


def _state(make_config: Callable[..., BotConfig], day_start: DayStart | None) -> PaperState:
    return first_state(make_config()).model_copy(update={"day_start": day_start})


def test_the_first_equity_of_a_day_is_kept_all_day(make_config: Callable[..., BotConfig]) -> None:
    first = day_rolled(_state(make_config, None), Decimal(1000), NOON)
    assert first.day_start == DayStart(day=NOON.date(), equity_quote=Decimal(1000))
    assert day_rolled(first, Decimal(900), NOON.replace(hour=23)) is first


def test_a_new_day_begins_with_its_own_equity(make_config: Callable[..., BotConfig]) -> None:
    before = _state(make_config, DayStart(day=NOON.date(), equity_quote=Decimal(1000)))
    after = day_rolled(before, Decimal(900), NOON.replace(day=22, hour=0))
    assert after.day_start == DayStart(day=NOON.date().replace(day=22), equity_quote=Decimal(900))


def test_a_day_does_not_begin_with_an_unknown_equity(make_config: Callable[..., BotConfig]) -> None:
    before = _state(make_config, None)
    assert day_rolled(before, None, NOON) is before
