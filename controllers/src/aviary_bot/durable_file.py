"""Files that must survive a crash at any moment: the guard's latch, paper balances, controller configuration."""

import os
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Replace the file's content so that a reader, or a start after a crash, sees the old or the new, never a mixture.

    When it returns, the new content is on the disk. The folder is made when it is missing.

    Raises:
        OSError: when the volume cannot be written; the old content is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # Without it the rename itself may be lost with the power.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
