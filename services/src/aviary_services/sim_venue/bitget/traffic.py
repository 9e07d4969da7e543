"""What came in: requests by path and account, paths that nobody knows, and who asks too often."""

from collections import Counter

from aviary_services.sim_venue.bitget.envelope import OK

MAX_UNKNOWN_PATHS = 100
UNKNOWN = "unknown"


class Traffic:
    """Counters since the start. An unknown path is a finding: a client wants something the venue lacks."""

    def __init__(self) -> None:
        self.by_path: Counter[str] = Counter()
        self.by_account: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.unknown_paths: Counter[str] = Counter()

    def count(self, *, method: str, path: str, known: bool, account: str | None, code: str) -> bool:
        """Note one answered request; True when it is the first for an unknown path."""
        self.by_path[path if known else UNKNOWN] += 1
        if account is not None:
            self.by_account[account] += 1
        if code != OK:
            self.failures[code] += 1
        asked = f"{method} {path}"[:200]
        if known or (asked not in self.unknown_paths and len(self.unknown_paths) >= MAX_UNKNOWN_PATHS):
            return False
        self.unknown_paths[asked] += 1
        return self.unknown_paths[asked] == 1


class RateLimiter:
    """Counts requests per client in whole seconds of the clock."""

    def __init__(self) -> None:
        self._second = 0
        self._counts: Counter[str] = Counter()

    def allows(self, client: str, *, per_second: int, now_ns: int) -> bool:
        """Count a request and say whether it is within the limit; 0 is no limit."""
        if per_second <= 0:
            return True
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second = second
            self._counts.clear()
        self._counts[client] += 1
        return self._counts[client] <= per_second
