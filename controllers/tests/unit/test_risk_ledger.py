from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_bot.boot_document import BotFailed
from aviary_bot.risk_ledger import (
    DayOpening,
    RiskLedger,
    RiskMemory,
    load_memory,
    observed,
    started,
    stop_counted,
)
from aviary_crds.botstate import FailureReason
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMPTY = RiskLedger(uid="uid-1")


def _after(ledger: RiskLedger, equity: int, now: datetime, *, volume: int = 0) -> RiskLedger:
    return observed(ledger, equity=Decimal(equity), volume=Decimal(volume), now=now)


def test_the_first_look_of_a_day_is_its_opening() -> None:
    first = _after(EMPTY, 1000, NOON, volume=70)
    assert first.opening == DayOpening(day=NOON.date(), equity_quote=Decimal(1000), volume_quote=Decimal(70))
    assert _after(first, 900, NOON.replace(hour=23), volume=80) is first


def test_a_new_day_begins_with_its_own_equity_and_volume() -> None:
    midnight = NOON.replace(day=22, hour=0)
    after = _after(_after(EMPTY, 1000, NOON), 900, midnight, volume=80)
    assert after.opening == DayOpening(day=midnight.date(), equity_quote=Decimal(900), volume_quote=Decimal(80))
    assert after.peak_equity_quote == 1000


def test_the_day_is_that_of_utc_wherever_the_clock_is() -> None:
    tokyo = timezone(timedelta(hours=9))
    first = _after(EMPTY, 1000, datetime(2026, 11, 22, 1, tzinfo=tokyo))
    assert first.opening is not None
    assert first.opening.day.isoformat() == "2026-11-21"


@given(
    hops=st.lists(st.integers(min_value=-50, max_value=50), min_size=1, max_size=40),
    restarts=st.sets(st.integers(min_value=0, max_value=39)),
)
def test_a_day_begins_once_whatever_clock_and_restarts_do(hops: list[int], restarts: set[int]) -> None:
    ledger, now, openings = EMPTY, NOON, []
    for number, hop in enumerate(hops):
        now += timedelta(hours=hop)
        after = _after(ledger, 1000 - number, now)
        if after.opening != ledger.opening and after.opening is not None:
            openings.append(after.opening.day)
        ledger = RiskLedger.model_validate_json(after.model_dump_json()) if number in restarts else after
    assert openings == sorted(set(openings))


def test_the_peak_only_rises() -> None:
    ledger = EMPTY
    for equity in (1000, 1100, 900, 1050):
        ledger = _after(ledger, equity, NOON)
    assert ledger.peak_equity_quote == 1100


def test_a_hard_stop_is_counted_once() -> None:
    once = stop_counted(EMPTY, "2026-11-21T12:00:00+00:00")
    assert stop_counted(once, "2026-11-21T12:00:00+00:00") is once
    assert stop_counted(once, "2026-11-22T12:00:00+00:00").hard_stops == 2


def test_a_start_takes_over_an_opening_noted_elsewhere_only_when_it_has_none() -> None:
    noted = DayOpening(day=NOON.date(), equity_quote=Decimal(1000), volume_quote=Decimal(0))
    first = started(EMPTY, noted)
    assert (first.starts, first.opening, first.peak_equity_quote) == (1, noted, Decimal(1000))
    later = started(first, noted.model_copy(update={"equity_quote": Decimal(1)}))
    assert (later.starts, later.opening) == (2, noted)
    assert started(EMPTY, None).opening is None


def test_what_was_kept_is_read_back_exactly(tmp_path: Path) -> None:
    ledger = _after(EMPTY, 1000, NOON).model_copy(
        update={"peak_equity_quote": Decimal("1000.000000000000000001"), "starts": 3, "rejected_orders": 2}
    )
    load_memory(tmp_path / "aviary" / "risk.json", uid="uid-1").keep(ledger)
    assert load_memory(tmp_path / "aviary" / "risk.json", uid="uid-1").ledger == ledger


def test_a_ledger_that_is_stored_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "risk.json"
    memory = RiskMemory(path, EMPTY)
    memory.keep(EMPTY)
    written = path.stat().st_ino
    memory.keep(EMPTY)
    assert path.stat().st_ino == written


def test_a_ledger_that_could_not_be_stored_is_in_force_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "risk.json"
    memory = RiskMemory(path, EMPTY)
    obstacle = tmp_path / "risk.json.new"
    obstacle.mkdir()
    new = _after(EMPTY, 1000, NOON)
    for _ in range(2):
        with pytest.raises(OSError, match=r"risk\.json\.new"):
            memory.keep(new)
    assert memory.ledger == new
    obstacle.rmdir()
    memory.keep(new)
    assert load_memory(path, uid="uid-1").ledger == new


@pytest.mark.parametrize(
    "text",
    ["", "{", "{}", '{"uid": "uid-1", "starts": -1}', '{"uid": "uid-1", "peak_equity_quote": "NaN"}',
     '{"uid": "uid-1", "extra": 1}'],
)  # fmt: skip
def test_a_damaged_ledger_stops_the_bot(tmp_path: Path, text: str) -> None:
    (tmp_path / "risk.json").write_text(text)
    with pytest.raises(BotFailed, match="damaged") as failed:
        load_memory(tmp_path / "risk.json", uid="uid-1")
    assert failed.value.reason is FailureReason.DATABASE_UNREADABLE


def test_a_folder_in_place_of_the_ledger_stops_the_bot(tmp_path: Path) -> None:
    (tmp_path / "risk.json").mkdir()
    with pytest.raises(BotFailed, match="cannot be read"):
        load_memory(tmp_path / "risk.json", uid="uid-1")


def test_the_ledger_of_another_bot_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "risk.json").write_text(EMPTY.model_dump_json())
    with pytest.raises(BotFailed, match="another bot"):
        load_memory(tmp_path / "risk.json", uid="uid-2")
