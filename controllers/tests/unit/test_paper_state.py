from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.paper_state import DayStart, PaperState, first_state, load_state, noted_opening
from aviary_bot.risk_ledger import DayOpening
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


def test_an_opening_that_an_older_version_noted_is_not_lost(make_config: Callable[..., BotConfig]) -> None:
    state = first_state(make_config()).model_copy(
        update={"day_start": DayStart(day=NOON.date(), equity_quote=Decimal(1000)), "volume_quote": Decimal(700)}
    )
    again = PaperState.model_validate_json(state.model_dump_json())
    noted = DayOpening(day=NOON.date(), equity_quote=Decimal(1000), volume_quote=Decimal(700))
    assert noted_opening(again) == noted
    assert noted_opening(first_state(make_config())) is None
