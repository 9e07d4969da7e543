"""Waiting on a condition with a deadline: the only way anything here waits."""

import time
from collections.abc import Callable
from typing import Final

POLL_SECONDS: Final = 0.25


class DeadlineExceededError(AssertionError):
    """What was awaited did not come to pass in time."""


def until[T](what: str, probe: Callable[[], T | None], *, seconds: float, poll_seconds: float = POLL_SECONDS) -> T:
    """Return the first value of ``probe`` that is neither None nor False, asking again until ``seconds`` have passed.

    Raises:
        DeadlineExceededError: names ``what`` was awaited, for how long, and the last thing the probe raised.
    """
    begin = time.monotonic()
    trouble = ""
    while True:
        try:
            value = probe()
            trouble = ""
        except (LookupError, OSError, ValueError, RuntimeError) as error:
            value, trouble = None, f"; last error: {error}"
        if value is not None and value is not False:
            return value
        if time.monotonic() - begin > seconds:
            raise DeadlineExceededError(f"waited {seconds:.0f} s in vain for {what}{trouble}")
        time.sleep(poll_seconds)


def throughout(what: str, probe: Callable[[], bool], *, seconds: float, poll_seconds: float = 1.0) -> int:
    """Ask ``probe`` for ``seconds``; return how often it said yes.

    Raises:
        AssertionError: at its first no; names ``what`` should have held.
    """
    begin = time.monotonic()
    looks = 0
    while True:
        if not probe():
            raise AssertionError(f"{what}: no longer so after {time.monotonic() - begin:.1f} s")
        looks += 1
        if time.monotonic() - begin > seconds:
            return looks
        time.sleep(poll_seconds)
