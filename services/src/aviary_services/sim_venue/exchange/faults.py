"""Faults that drills switch on: what a real venue does on a bad day."""

from dataclasses import dataclass
from enum import StrEnum


class Outage(StrEnum):
    """How the whole venue is away. UNAVAILABLE answers 503 and closes sockets; REFUSED accepts no connection."""

    NONE = "None"
    UNAVAILABLE = "Unavailable"
    REFUSED = "Refused"


@dataclass(slots=True)
class Faults:
    """The faults in force.

    - `outage`: see `Outage`.
    - `silent`: market data is not pushed, everything else works (a stale feed).
    - `latency_ms`: added to every REST request before it is looked at, and to every push.
    - `requests_per_second`: limit per API key, or per address without one; 0 is no limit.
    - `reject_next`: how many of the next orders are refused, and with which message.
    """

    outage: Outage = Outage.NONE
    silent: bool = False
    latency_ms: int = 0
    requests_per_second: int = 0
    reject_next: int = 0
    reject_message: str = "system is abnormal, please try again later"

    def take_rejection(self) -> str | None:
        """Use up one planned rejection and return its message, or None when none is planned."""
        if self.reject_next <= 0:
            return None
        self.reject_next -= 1
        return self.reject_message
