"""The evidence log: every measurement, on the operator's volume, before it counts.

One append-only file per gate, hash-chained, synced to disk before ``append`` returns. Measurements that arrive while a
sync is under way share the next one. All file work is done in threads of its own; the loop never waits for a disk.

What goes wrong closes the gate and nothing else: a volume that cannot be written, a chain that is broken, a file that
somebody else writes too. A last line that a crash cut short is cut off, for it never counted.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, Protocol, override

import structlog

from aviary_operator.gates.evidence_chain import (
    GENESIS,
    Chain,
    ChainError,
    Entry,
    dump_entry,
    follow_chain,
    load_entries,
    seal_line,
)

_THREADS: Final = 4

log = structlog.get_logger(__name__)


class EvidenceError(Exception):
    """Evidence cannot be kept; the message says why and what to do."""


class EvidenceBusyError(EvidenceError):
    """Another process writes the log: an operator that is ending, or one too many."""


class EvidenceLog(Protocol):
    """Where measurements are kept. Methods are about one gate each, by its uid."""

    async def open(self, gate_uid: str, *, anchor: str = "") -> bool:
        """Make the log of a gate ready and return whether it knows the hash ``anchor``, an empty one always.

        Raises:
            EvidenceError: when it cannot be written, or what is in it cannot be trusted.
        """

    async def append(self, entry: Entry) -> str:
        """Store ``entry`` for good and return its hash.

        Raises:
            EvidenceError: when it is not stored; then it must not count.
        """

    def head(self, gate_uid: str) -> str:
        """Return the hash of the newest entry, "" when there is none."""

    async def read(self, gate_uid: str, *, keep: Callable[[bytes], bool]) -> Sequence[Entry]:
        """Return those entries whose line ``keep`` takes, the oldest first.

        Raises:
            EvidenceError: when they cannot be read.
        """

    async def close(self, gate_uid: str) -> None:
        """Let go of a gate that is gone. What was written stays."""


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    done: "asyncio.Future[str]"


@dataclass(slots=True)
class _Book:
    """The open file of one gate."""

    path: Path
    file: FileIO
    chain: Chain
    bad: str | None = None
    waiting: list[_Waiting] = field(default_factory=list)
    writer: "asyncio.Task[None] | None" = None


type Sync = Callable[[FileIO, bytes], None]


def write_through(file: FileIO, data: bytes) -> None:
    """Write all of ``data`` and have it on the disk."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


class FileEvidenceLog(EvidenceLog):
    """``EvidenceLog`` in JSON lines below one folder."""

    def __init__(self, folder: Path | None, *, write: Sync = write_through) -> None:
        self._folder = folder
        self._write = write
        self._books: dict[str, _Book] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="evidence")

    @override
    async def open(self, gate_uid: str, *, anchor: str = "") -> bool:
        async with self._opening.setdefault(gate_uid, asyncio.Lock()):
            book = self._books.get(gate_uid)
            if book is not None and book.bad is None:
                return True  # the anchor is asked for when a log is first seen; later it is our own
            if book is not None:
                await self._forget(gate_uid)
            folder = self._folder
            if folder is None:
                raise EvidenceError(
                    "there is no evidence volume: set AVIARY_EVIDENCE_DIR (gates.evidence of the chart aviary)"
                )
            opened = await self._in_thread(lambda: _open_book(folder, gate_uid, anchor))
            self._books[gate_uid] = opened[0]
            return opened[1]

    @override
    async def append(self, entry: Entry) -> str:
        book = self._books.get(entry.gate_uid)
        if book is None:
            raise EvidenceError(f"the evidence log of gate {entry.gate} is not open")
        waiting = _Waiting(entry, asyncio.get_running_loop().create_future())
        book.waiting.append(waiting)
        if book.writer is None or book.writer.done():
            # a task of its own: whoever appends may go away, what was begun is finished
            book.writer = asyncio.create_task(self._write_waiting(book), name=f"evidence of {entry.gate}")
        return await waiting.done

    @override
    def head(self, gate_uid: str) -> str:
        book = self._books.get(gate_uid)
        return book.chain.head if book is not None and book.chain.entries else ""

    @override
    async def read(self, gate_uid: str, *, keep: Callable[[bytes], bool]) -> Sequence[Entry]:
        book = self._books.get(gate_uid)
        if book is None:
            return ()

        def find() -> Sequence[Entry]:
            with book.path.open("rb") as file:
                return load_entries(line for line in _lines(file, book.chain.size) if keep(line))

        return await self._in_thread(find)

    @override
    async def close(self, gate_uid: str) -> None:
        await self._forget(gate_uid)
        self._opening.pop(gate_uid, None)

    async def close_all(self) -> None:
        """Close every file and end the threads."""
        for gate_uid in list(self._books):
            await self._forget(gate_uid)
        self._threads.shutdown(wait=False)

    async def _write_waiting(self, book: _Book) -> None:
        while book.waiting:
            batch, book.waiting = book.waiting, []
            await self._write_batch(book, batch)

    async def _write_batch(self, book: _Book, batch: Sequence[_Waiting]) -> None:
        try:
            heads = await self._in_thread(lambda: self._store(book, [item.entry for item in batch]))
        except EvidenceError as error:
            book.bad = book.bad or str(error)
            for item in batch:
                if not item.done.done():
                    item.done.set_exception(EvidenceError(str(error)))
                    item.done.exception()  # whoever was cancelled does not ask any more
            return
        for item, head in zip(batch, heads, strict=True):
            if not item.done.done():
                item.done.set_result(head)

    def _store(self, book: _Book, entries: Sequence[Entry]) -> list[str]:
        """Write entries as one; on failure leave nothing of them, or the log is closed until it is opened anew."""
        if book.bad is not None:
            raise EvidenceError(book.bad)
        known = os.fstat(book.file.fileno())
        if known.st_nlink == 0 or not book.path.exists():
            raise EvidenceError(f"{book.path} was removed while it was in use; evidence before that is lost")
        if known.st_size != book.chain.size:
            raise EvidenceError(
                f"{book.path} was changed by somebody else: it has {known.st_size} bytes, not {book.chain.size}"
            )
        chain, lines, heads = book.chain, bytearray(), list[str]()
        for entry in entries:
            line, chain = seal_line(dump_entry(entry), chain=chain)
            lines += line
            heads.append(chain.head)
        try:
            self._write(book.file, bytes(lines))
        except OSError as error:
            with suppress(OSError):  # what is left of it is cut off when the log is opened again
                os.ftruncate(book.file.fileno(), book.chain.size)
            raise EvidenceError(f"{book.path} cannot be written: {error}; look at the evidence volume") from error
        book.chain = chain
        return heads

    async def _forget(self, gate_uid: str) -> None:
        book = self._books.pop(gate_uid, None)
        if book is None:
            return
        book.bad = book.bad or "the log is closed"
        if book.writer is not None:
            await asyncio.gather(book.writer, return_exceptions=True)
        with suppress(EvidenceError):
            await self._in_thread(book.file.close)

    async def _in_thread[T](self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (OSError, ChainError) as error:
            raise EvidenceError(str(error)) from error


def log_path(folder: Path, gate_uid: str) -> Path:
    """Return the file of a gate's log.

    Raises:
        EvidenceError: when the uid is none: it becomes part of a path.
    """
    if not gate_uid or not all(char.isascii() and (char.isalnum() or char == "-") for char in gate_uid):
        raise EvidenceError(f"{gate_uid!r} is no uid")
    return folder / f"{gate_uid}.jsonl"


def _open_book(folder: Path, gate_uid: str, anchor: str) -> tuple[_Book, bool]:
    path = log_path(folder, gate_uid)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be opened: {error}; look at the evidence volume") from error
    file = FileIO(number, "a+")
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EvidenceBusyError(f"another process writes {path}: {error}; run one operator only") from error
        found = anchor in {"", GENESIS}

        def look(head: str, _: bytes) -> None:
            nonlocal found
            found = found or head == anchor

        with path.open("rb") as reader:
            chain = follow_chain(reader, each=look)
        if chain.torn:
            log.warning("a torn last line was cut off", file=str(path), bytes=chain.torn, entries=chain.entries)
            os.ftruncate(number, chain.size)
        sync_folder(folder)
    except ChainError as error:
        file.close()
        raise EvidenceError(f"{path}: {error}; move the file away: the gate's evidence begins anew") from error
    except BaseException:
        file.close()
        raise
    return _Book(path, file, Chain(chain.head, chain.entries, chain.size)), found


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a file that was made or renamed is there after a crash."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the lines up to ``size`` bytes."""
    while size > 0 and (line := file.readline()):
        size -= len(line)
        yield line
