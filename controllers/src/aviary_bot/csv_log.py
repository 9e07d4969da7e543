"""Rows for spreadsheets: appended in bunches, flushed when due and at the end, bounded in size (rows R-090, R-094).

A file that another version wrote with other columns is set aside whole: rows under a header that is not theirs are lost
as surely as deleted ones.
"""

import csv
from collections.abc import Callable, Mapping
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 64 * 1024 * 1024
"""A file that is larger is set aside as `.1`, replacing the one set aside before: a volume must not fill up."""


class CsvLog:
    """One CSV file. Times are `monotonic()` seconds. A volume that cannot be written loses rows, never the bot."""

    def __init__(
        self,
        path: Path,
        columns: tuple[str, ...],
        *,
        buffer_rows: int,
        flush_seconds: float,
        observe_write: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._path = path
        self._columns = columns
        self._buffer_rows = buffer_rows
        self._flush_seconds = flush_seconds
        self._observe_write = observe_write
        self._monotonic = monotonic
        self._rows: list[Mapping[str, str]] = []
        self._oldest = 0.0
        self._columns_checked = False

    def add(self, row: Mapping[str, str]) -> None:
        """Keep a row; write when the buffer is full.

        Raises:
            OSError: when the volume cannot be written; the rows are kept for the next try, up to ten buffers.
        """
        if not self._rows:
            self._oldest = self._monotonic()
        self._rows.append(row)
        del self._rows[: -10 * self._buffer_rows]
        if len(self._rows) >= self._buffer_rows:
            self.flush()

    def flush_when_due(self) -> None:
        """Write when the oldest row has waited long enough."""
        if self._rows and self._monotonic() - self._oldest >= self._flush_seconds:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        if not self._rows:
            return
        started = self._monotonic()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._set_aside_when_large()
        self._set_aside_other_columns()
        text = StringIO()
        writer = csv.DictWriter(text, self._columns)
        if not self._path.exists() or self._path.stat().st_size == 0:
            writer.writeheader()
        writer.writerows(self._rows)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
        self._rows.clear()
        self._observe_write(self._monotonic() - started)

    def _set_aside_when_large(self) -> None:
        if self._path.exists() and self._path.stat().st_size > LARGEST_BYTES:
            self._path.replace(self._path.with_name(self._path.name + ".1"))

    def _set_aside_other_columns(self) -> None:
        if self._columns_checked:
            return
        if self._path.exists():
            with self._path.open(encoding="utf-8", newline="") as file:
                columns = tuple(next(csv.reader(file), self._columns))
            if columns != self._columns:
                self._path.replace(self._free_name())
        self._columns_checked = True

    def _free_name(self) -> Path:
        """Return a name beside the file that nothing has; there is one more of them for each change of the columns."""
        names = (self._path.with_name(f"{self._path.name}.columns-{number}") for number in count(1))
        return next(name for name in names if not name.exists())
