"""The venue's clock: wall time that never goes back, because order events and tapes are read by time."""

import time


class VenueClock:
    """Wall time in nanoseconds. When the machine's clock is set back, it stands still until that has caught up."""

    def __init__(self) -> None:
        self._latest_ns = 0

    def now_ns(self) -> int:
        """Return the time, never less than the last time returned."""
        self._latest_ns = max(self._latest_ns, time.time_ns())
        return self._latest_ns
