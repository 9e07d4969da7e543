"""The evidence log: what is in it counts, what is broken closes the gate, what a crash cut off is cut off."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import FileIO
from pathlib import Path

import pytest
import pytest_asyncio
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_operator.gates.evidence_chain import Chain, ChainError, Entry, belongs_to, follow_chain, load_entry
from aviary_operator.gates.evidence_log import EvidenceError, FileEvidenceLog, write_through
from aviary_operator.gates.measurement import Measurement

from .questions import DIGEST, GATE_UID

BEGAN = datetime(2026, 11, 25, 8, 0, 0, 123_456, tzinfo=UTC)


def entry(number: int = 1, *, gate_uid: str = GATE_UID, **changes: object) -> Entry:
    measurement = Measurement(
        check="fills",
        time=BEGAN + timedelta(seconds=number),
        outcome=CheckState.PASSED,
        reason="WithinThreshold",
        message="5, must be at least 1",
        value=Decimal("5.000000000001"),
        observed=BEGAN,
        query="Fills over all of the run",
        window_seconds=0,
        sha256="sha256:" + "c" * 64,
    )
    plain = Entry(
        namespace="desk",
        gate="to-live",
        gate_uid=gate_uid,
        bot="alpha",
        digest=DIGEST,
        source="bot",
        definition="sha256:" + "d" * 64,
        began=BEGAN,
        measurement=measurement,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[FileEvidenceLog]:
    """Give an empty log."""
    made = FileEvidenceLog(tmp_path)
    await made.open(GATE_UID)
    yield made
    await made.close_all()


def file_of(folder: Path) -> Path:
    return folder / f"{GATE_UID}.jsonl"


async def write(folder: Path, count: int) -> list[str]:
    """Write entries with a log of their own, and close it."""
    log = FileEvidenceLog(folder)
    await log.open(GATE_UID)
    heads = [await log.append(entry(number)) for number in range(1, count + 1)]
    await log.close_all()
    return heads


async def read(log: FileEvidenceLog) -> Sequence[Entry]:
    return await log.read(GATE_UID, keep=lambda _: True)


async def test_entry_comes_back_as_it_was(log: FileEvidenceLog) -> None:
    without = replace(entry().measurement, value=None, observed=None, sha256=None, outcome=CheckState.ERRORED)
    written = [entry(1), entry(2, measurement=without), entry(3, bot='ünï\n"codé')]
    for item in written:
        await log.append(item)
    assert list(await read(log)) == written


async def test_head_is_the_hash_of_the_newest_entry_and_survives_a_restart(tmp_path: Path) -> None:
    heads = await write(tmp_path, 3)
    log = FileEvidenceLog(tmp_path)
    assert log.head(GATE_UID) == ""
    assert await log.open(GATE_UID, anchor=heads[1])
    assert log.head(GATE_UID) == heads[2]
    await log.append(entry(4))
    await log.close_all()
    with file_of(tmp_path).open("rb") as file:
        assert follow_chain(file).entries == 4


async def test_entries_are_on_the_disk_before_they_count(tmp_path: Path) -> None:
    synced: list[int] = []

    def watch(file: FileIO, data: bytes) -> None:
        write_through(file, data)
        synced.append(os.fstat(file.fileno()).st_size)

    log = FileEvidenceLog(tmp_path, write=watch)
    await log.open(GATE_UID)
    await log.append(entry())
    assert synced == [file_of(tmp_path).stat().st_size]
    await log.close_all()


async def test_many_at_once_share_a_sync_and_keep_their_order(tmp_path: Path) -> None:
    batches: list[int] = []

    def count(file: FileIO, data: bytes) -> None:
        batches.append(data.count(b"\n"))
        write_through(file, data)

    log = FileEvidenceLog(tmp_path, write=count)
    await log.open(GATE_UID)
    heads = await asyncio.gather(*(log.append(entry(number)) for number in range(100)))
    assert len(set(heads)) == sum(batches) == 100
    assert len(batches) < 10
    assert [item.measurement.time for item in await read(log)] == [
        entry(number).measurement.time for number in range(100)
    ]
    await log.close_all()


@pytest.mark.parametrize("left", [1, 30, 200])
async def test_line_that_a_crash_cut_short_is_cut_off(tmp_path: Path, left: int) -> None:
    heads = await write(tmp_path, 3)
    path = file_of(tmp_path)
    raw = path.read_bytes()
    second = raw[: raw.rindex(b"\n", 0, -1) + 1]
    path.write_bytes(second + raw[len(second) :][:left])
    log = FileEvidenceLog(tmp_path)
    assert await log.open(GATE_UID, anchor=heads[1])
    assert path.read_bytes() == second
    assert log.head(GATE_UID) == heads[1]
    await log.append(entry(9))
    await log.close_all()
    with path.open("rb") as file:
        assert follow_chain(file).entries == 3


async def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    await write(tmp_path, 2)
    path = file_of(tmp_path)
    raw = path.read_bytes()
    for place in range(0, raw.rindex(b"\n", 0, -1), 7):
        broken = bytearray(raw)
        broken[place] ^= 0x01
        path.write_bytes(broken)
        with path.open("rb") as file, pytest.raises(ChainError):
            follow_chain(file)


@pytest.mark.parametrize(
    "order",
    [[0, 2, 1], [1, 2], [0, 2], [0, 0, 1, 2], [2, 1, 0]],
    ids=["swapped", "no-first", "no-middle", "twice", "back"],
)
async def test_line_taken_out_put_in_or_moved_closes_the_log(tmp_path: Path, order: list[int]) -> None:
    await write(tmp_path, 3)
    path = file_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number] for number in order))
    log = FileEvidenceLog(tmp_path)
    with pytest.raises(EvidenceError, match=r"line . does not follow|line . is not what"):
        await log.open(GATE_UID)
    await log.close_all()


async def test_log_that_was_shortened_at_a_lines_end_does_not_know_the_anchor(tmp_path: Path) -> None:
    heads = await write(tmp_path, 3)
    path = file_of(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    log = FileEvidenceLog(tmp_path)
    assert not await log.open(GATE_UID, anchor=heads[2])
    await log.close_all()


async def test_lost_volume_does_not_know_the_anchor(tmp_path: Path) -> None:
    log = FileEvidenceLog(tmp_path / "new")
    assert not await log.open(GATE_UID, anchor="sha256:" + "e" * 64)
    await log.close_all()


async def test_second_writer_is_refused(log: FileEvidenceLog, tmp_path: Path) -> None:
    other = FileEvidenceLog(tmp_path)
    with pytest.raises(EvidenceError, match="another process"):
        await other.open(GATE_UID)
    await log.append(entry())
    await other.close_all()


async def test_file_that_somebody_else_wrote_to_closes_the_log(log: FileEvidenceLog, tmp_path: Path) -> None:
    await log.append(entry(1))
    with file_of(tmp_path).open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(EvidenceError, match="changed by somebody else"):
        await log.append(entry(2))
    with pytest.raises(EvidenceError):
        await log.append(entry(3))
    with pytest.raises(EvidenceError, match="line 2"):
        await log.open(GATE_UID)


async def test_removed_file_closes_the_log_and_begins_anew(log: FileEvidenceLog, tmp_path: Path) -> None:
    head = await log.append(entry(1))
    file_of(tmp_path).unlink()
    with pytest.raises(EvidenceError, match="removed"):
        await log.append(entry(2))
    assert not await log.open(GATE_UID, anchor=head)
    await log.append(entry(3))


async def test_full_disk_stores_nothing_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    full = False

    def write_some(file: FileIO, data: bytes) -> None:
        if full:
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_through(file, data)

    log = FileEvidenceLog(tmp_path, write=write_some)
    await log.open(GATE_UID)
    head = await log.append(entry(1))
    size = file_of(tmp_path).stat().st_size
    full = True
    results = await asyncio.gather(*(log.append(entry(number)) for number in (2, 3)), return_exceptions=True)
    assert all(isinstance(item, EvidenceError) and "No space left" in str(item) for item in results)
    assert file_of(tmp_path).stat().st_size == size
    assert log.head(GATE_UID) == head
    full = False
    with pytest.raises(EvidenceError):
        await log.append(entry(4))
    assert await log.open(GATE_UID, anchor=head)
    await log.append(entry(5))
    assert [item.measurement.time.second for item in await read(log)] == [1, 5]
    await log.close_all()


async def test_disk_that_fails_to_sync_stores_nothing(tmp_path: Path) -> None:
    def fail(file: FileIO, data: bytes) -> None:
        file.write(data)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    log = FileEvidenceLog(tmp_path, write=fail)
    await log.open(GATE_UID)
    with pytest.raises(EvidenceError, match="cannot be written"):
        await log.append(entry())
    assert file_of(tmp_path).read_bytes() == b""
    await log.close_all()


async def test_volume_that_is_not_there_or_read_only_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="AVIARY_EVIDENCE_DIR"):
        await FileEvidenceLog(None).open(GATE_UID)
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="evidence volume"):
        await FileEvidenceLog(tmp_path / "file").open(GATE_UID)


@pytest.mark.parametrize("uid", ["", "../escape", "a/b", "a.b", "ü"])
async def test_uid_that_is_none_leads_nowhere(tmp_path: Path, uid: str) -> None:
    with pytest.raises(EvidenceError, match="no uid"):
        await FileEvidenceLog(tmp_path).open(uid)


async def test_link_in_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    file_of(tmp_path).symlink_to(tmp_path / "other")
    with pytest.raises(EvidenceError):
        await FileEvidenceLog(tmp_path).open(GATE_UID)


async def test_append_to_a_log_that_is_not_open_is_refused(log: FileEvidenceLog) -> None:
    with pytest.raises(EvidenceError, match="not open"):
        await log.append(entry(gate_uid="another"))


async def test_caller_that_goes_away_does_not_break_the_log(log: FileEvidenceLog) -> None:
    tasks = [asyncio.create_task(log.append(entry(number))) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(item, str) for item in results[1::2])
    await log.append(entry(99))
    assert (await read(log))[-1] == entry(99)


async def test_entries_of_one_stretch_are_told_apart_by_its_beginning(log: FileEvidenceLog) -> None:
    later = BEGAN + timedelta(hours=1)
    await log.append(entry(1))
    await log.append(entry(2, began=later))
    mark = belongs_to(later)
    assert await log.read(GATE_UID, keep=lambda line: mark in line) == (entry(2, began=later),)


def test_line_that_is_no_entry_is_refused() -> None:
    for line in (b"", b"{}", b'{"entry":{}}', b'{"entry":{"measurement":{"check":1}}}', b"[1]"):
        with pytest.raises(ChainError):
            load_entry(line)


def test_new_chain_has_no_entries() -> None:
    assert Chain().entries == 0
