import csv
from pathlib import Path

import pytest
from aviary_bot import csv_log
from aviary_bot.csv_log import CsvLog

from .conftest import Clock


def _log(path: Path, clock: Clock, writes: list[float] | None = None) -> CsvLog:
    observed = [] if writes is None else writes
    return CsvLog(
        path, ("time", "price"), buffer_rows=3, flush_seconds=5.0, observe_write=observed.append, monotonic=clock
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _row(number: int) -> dict[str, str]:
    return {"time": str(number), "price": f"{number},5"}


def test_rows_are_written_when_the_buffer_is_full(tmp_path: Path, clock: Clock) -> None:
    writes: list[float] = []
    log = _log(tmp_path / "deep" / "fills.csv", clock, writes)
    log.add(_row(1))
    log.add(_row(2))
    assert not (tmp_path / "deep").exists()
    log.add(_row(3))
    assert _rows(tmp_path / "deep" / "fills.csv") == [_row(1), _row(2), _row(3)]
    assert len(writes) == 1


def test_rows_are_written_when_the_oldest_has_waited(tmp_path: Path, clock: Clock) -> None:
    log = _log(tmp_path / "fills.csv", clock)
    log.add(_row(1))
    clock.now += 4.9
    log.flush_when_due()
    assert not (tmp_path / "fills.csv").exists()
    clock.now += 0.2
    log.flush_when_due()
    assert _rows(tmp_path / "fills.csv") == [_row(1)]


def test_a_later_process_appends_without_a_second_header(tmp_path: Path, clock: Clock) -> None:
    for number in (1, 2):
        log = _log(tmp_path / "fills.csv", clock)
        log.add(_row(number))
        log.flush()
    assert _rows(tmp_path / "fills.csv") == [_row(1), _row(2)]


def test_a_large_file_is_set_aside(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_log, "LARGEST_BYTES", 10)
    log = _log(tmp_path / "fills.csv", clock)
    for number in (1, 2):
        log.add(_row(number))
        log.flush()
    assert (_rows(tmp_path / "fills.csv.1"), _rows(tmp_path / "fills.csv")) == ([_row(1)], [_row(2)])


def test_rows_survive_a_volume_that_cannot_be_written_for_a_while(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "fills.csv"
    path.mkdir()
    log = _log(path, clock)
    for number in range(100):
        try:
            log.add(_row(number))
        except OSError:
            continue
    path.rmdir()
    log.flush()
    assert [row["time"] for row in _rows(path)] == [str(number) for number in range(70, 100)]


def test_a_file_with_other_columns_is_set_aside_whole(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "minute.csv"
    for text in ("time,mid\n1,50000\n", "time\n2\n"):
        path.write_text(text)
        log = _log(path, clock)
        for number in (1, 2):
            log.add(_row(number))
            log.flush()
        assert _rows(path) == [_row(1), _row(2)]
    kept = [(tmp_path / f"minute.csv.columns-{number}").read_text() for number in (1, 2)]
    assert kept == ["time,mid\n1,50000\n", "time\n2\n"]


def test_an_empty_file_gets_its_header(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "fills.csv").touch()
    log = _log(tmp_path / "fills.csv", clock)
    log.add(_row(1))
    log.flush()
    assert _rows(tmp_path / "fills.csv") == [_row(1)]
