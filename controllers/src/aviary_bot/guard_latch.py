"""Pause and kill: the guard's state, on the volume before it takes effect.

A kill is latched: resume does not clear it, a restart does not forget it. A latch that cannot be read counts as a
kill, because nobody knows that it was none.
"""

from datetime import datetime
from pathlib import Path

from aviary_crds.v1alpha1.tradingbot import GuardState
from pydantic import BaseModel, ConfigDict, ValidationError

from aviary_bot.durable_file import write_durably


class Latch(BaseModel):
    """The guard's state, why, and since when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: GuardState = "Running"
    reasons: tuple[str, ...] = ()
    since: datetime | None = None


RUNNING = Latch()


def decide_pause(latch: Latch, reason: str, now: datetime) -> Latch:
    """Return the latch after a pause. A killed bot stays killed."""
    if latch.state == "HardStopped":
        return latch
    return Latch(state="SoftPaused", reasons=_with(latch.reasons, reason), since=latch.since or now)


def decide_resume(latch: Latch) -> Latch:
    """Return the latch after a resume: a pause ends, a kill does not."""
    return latch if latch.state == "HardStopped" else RUNNING


def decide_kill(latch: Latch, reason: str, now: datetime) -> Latch:
    """Return the latch after a kill. Nothing but taking the latch off the volume ends it."""
    if latch.state == "HardStopped":
        return Latch(state="HardStopped", reasons=_with(latch.reasons, reason), since=latch.since)
    return Latch(state="HardStopped", reasons=(reason,), since=now)


def load_latch(path: Path) -> Latch:
    """Read the latch; Running when there is none, HardStopped when it is there and cannot be read."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return RUNNING
    except OSError as error:
        return Latch(state="HardStopped", reasons=(f"{path} cannot be read ({error.strerror})",))
    try:
        return Latch.model_validate_json(text)
    except ValidationError:
        return Latch(state="HardStopped", reasons=(f"{path} is not readable as the guard's latch; look into it",))


def store_latch(path: Path, latch: Latch) -> None:
    """Write the latch to the volume.

    Raises:
        OSError: when the volume cannot be written; then the state must not be told as stored.
    """
    write_durably(path, latch.model_dump_json().encode())


def _with(reasons: tuple[str, ...], reason: str) -> tuple[str, ...]:
    # The list is shown in a status: bounded, and no reason twice.
    kept = reasons if reason in reasons else (*reasons, reason)
    return kept[-16:]
