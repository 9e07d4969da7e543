"""Whether a strategy may start another executor: Hummingbot retries what cannot work twice a second, for ever.

A level whose executor ended without having done anything (refused by the guard, by the venue, or for lack of balance)
waits before the next try, each time twice as long, up to a minute. An executor that ended well ends the wait.
"""

from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Level:
    """What a controller tries again and again: one of its levels, or lacking those one side of a pair."""

    controller_id: str
    trading_pair: str
    name: str


@dataclass(slots=True)
class _Wait:
    seconds: float
    until: float


class CreateGate:
    """Remembers the failures of each level. Time is `monotonic()` seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._waits: dict[Level, _Wait] = {}

    def is_open(self, level: Level) -> bool:
        """Whether the level may try now."""
        wait = self._waits.get(level)
        return wait is None or self._monotonic() >= wait.until

    def note_failure(self, level: Level) -> None:
        """Let the level wait, twice as long as the last time."""
        before = self._waits.get(level)
        seconds = FIRST_WAIT_SECONDS if before is None else min(LONGEST_WAIT_SECONDS, before.seconds * 2)
        self._waits[level] = _Wait(seconds, self._monotonic() + seconds)

    def note_success(self, level: Level) -> None:
        """Forget the level's failures."""
        self._waits.pop(level, None)
