"""How many cancels a strategy may send in a minute, and what comes of more (row R-066).

Beyond the budget the bot is held until the rate is back within it; a bot that is over it in three minutes in a row is
stopped. Pure: times are `monotonic()` seconds.
"""

from collections import deque
from typing import Final, Literal

WINDOW_SECONDS: Final = 60.0

MOST_IN_A_ROW: Final = 3
"""The breach that ends the patience."""

type BudgetState = Literal["Within", "Exceeded", "Exhausted"]


class CancelBudget:
    """The cancels of the last minute, and the breaches in a row.

    Breaches less than a minute after the first of their minute are that minute's; one that comes later than two
    minutes after it begins a new row.
    """

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self._exceeded: int | None = None
        self._row = 0
        self._row_since: float | None = None
        self.breaches = 0

    def note(self, now: float) -> None:
        """Count a cancel that is sent now."""
        self._sent.append(now)

    def count(self, now: float) -> int:
        """Return the cancels of the last 60 seconds."""
        while self._sent and now - self._sent[0] >= WINDOW_SECONDS:
            self._sent.popleft()
        return len(self._sent)

    def judge(self, limit: int, now: float) -> BudgetState:
        """Return how the rate stands against the limit of now.

        An exceeded budget is within again at three quarters of the limit: released at the limit itself, the very next
        cancel would exceed it, and each hold takes all orders off the book. Another limit than the exceeded one counts
        as it is.
        """
        count = self.count(now)
        if self._exceeded is None and count > limit:
            self._exceeded = limit
            self._breach(now)
        elif self._exceeded is not None and count <= (limit * 3 // 4 if limit == self._exceeded else limit):
            self._exceeded = None
        if self._exceeded is None:
            return "Within"
        return "Exhausted" if self._row >= MOST_IN_A_ROW else "Exceeded"

    def _breach(self, now: float) -> None:
        age = None if self._row_since is None else now - self._row_since
        if age is not None and age < WINDOW_SECONDS:
            return
        self._row = self._row + 1 if age is not None and age < 2 * WINDOW_SECONDS else 1
        self._row_since = now
        self.breaches += 1
