from datetime import UTC, datetime
from pathlib import Path

import pytest
from aviary_bot.guard_latch import RUNNING, Latch, decide_kill, decide_pause, decide_resume, load_latch, store_latch

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KILLED = Latch(state="HardStopped", reasons=("loss",), since=NOW)


def test_a_pause_keeps_its_first_time_and_gathers_reasons() -> None:
    paused = decide_pause(decide_pause(RUNNING, "news", NOW), "maintenance", NOW.replace(hour=13))
    assert paused == Latch(state="SoftPaused", reasons=("news", "maintenance"), since=NOW)


def test_the_same_reason_is_listed_once() -> None:
    assert decide_pause(decide_pause(RUNNING, "news", NOW), "news", NOW).reasons == ("news",)


def test_reasons_are_bounded() -> None:
    latch = RUNNING
    for number in range(50):
        latch = decide_kill(latch, f"reason {number}", NOW)
    assert len(latch.reasons) == 16


def test_resume_ends_a_pause() -> None:
    assert decide_resume(decide_pause(RUNNING, "news", NOW)) == RUNNING


def test_neither_resume_nor_pause_ends_a_kill() -> None:
    assert (decide_resume(KILLED), decide_pause(KILLED, "news", NOW)) == (KILLED, KILLED)


def test_a_kill_replaces_a_pause_with_its_reason() -> None:
    killed = decide_kill(decide_pause(RUNNING, "news", NOW), "loss", NOW)
    assert killed == KILLED


def test_no_file_means_running(tmp_path: Path) -> None:
    assert load_latch(tmp_path / "guard.json") == RUNNING


def test_a_stored_latch_is_read_back(tmp_path: Path) -> None:
    store_latch(tmp_path / "aviary" / "guard.json", KILLED)
    assert load_latch(tmp_path / "aviary" / "guard.json") == KILLED


@pytest.mark.parametrize("text", ["", "{", '{"state": "Maybe"}', '{"state": "Running", "extra": 1}', "\x00"])
def test_a_latch_that_cannot_be_read_counts_as_a_kill(tmp_path: Path, text: str) -> None:
    (tmp_path / "guard.json").write_text(text)
    latch = load_latch(tmp_path / "guard.json")
    assert latch.state == "HardStopped"
    assert "guard.json" in latch.reasons[0]


def test_a_folder_in_place_of_the_latch_counts_as_a_kill(tmp_path: Path) -> None:
    (tmp_path / "guard.json").mkdir()
    assert load_latch(tmp_path / "guard.json").state == "HardStopped"
