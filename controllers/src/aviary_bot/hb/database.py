"""Hummingbot's SQLite file, checked before Hummingbot opens it.

Hummingbot migrates nothing: a file of an older version lacks columns, and the bot would start, trade and fail at the
first write. Such a file is told, not moved: what it holds is somebody's record.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from aviary_crds.botstate import FailureReason
from hummingbot.model import HummingbotBase
from hummingbot.model.executors import Executors
from hummingbot.model.position import Position

from aviary_bot.boot_document import BotFailed

_LOADED = (Executors, Position)
"""Importing the models is what registers their tables."""


def ensure_readable(path: Path) -> None:
    """Return when the database is missing or fits this Hummingbot.

    Raises:
        BotFailed: DatabaseUnreadable, with what is wrong and what to do.
    """
    if not path.exists():
        return
    try:
        missing = _missing_columns(path)
    except sqlite3.Error as error:
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE, f"{path} is damaged ({error}); move it away, Hummingbot makes a new one"
        ) from None
    if missing:
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE,
            f"{path} was made by another Hummingbot version (without {', '.join(missing)}); move it away, "
            "Hummingbot makes a new one",
        )


def _missing_columns(path: Path) -> list[str]:
    missing = []
    # Not read-only: after a crash the first one to open the file must be able to roll its journal back.
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as database:
        for table in HummingbotBase.metadata.tables.values():
            found = {row[1] for row in database.execute(f'PRAGMA table_info("{table.name}")')}
            # A table that is not there at all is made by Hummingbot at the start.
            missing += [f"{table.name}.{column.name}" for column in table.columns if found and column.name not in found]
    return missing
