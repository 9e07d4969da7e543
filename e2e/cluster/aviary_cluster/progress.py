"""Progress lines on standard error: standard output carries results only."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say what begins, and when it is done how many seconds it took."""
    say(f"  {what} ...")
    begin = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - begin:.1f} s")
