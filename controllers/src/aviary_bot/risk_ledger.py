"""What the limits must not forget over a restart: the day's opening, the peak, and counts since the bot was made.

On the volume before it takes effect and read before the first tick, so a bot trips where it would have tripped without
the restart. It is of the bot, not of its account, and is the same in every mode.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from aviary_crds.botstate import FailureReason
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aviary_bot.boot_document import BotFailed, first_error
from aviary_bot.durable_file import write_durably


class DayOpening(BaseModel):
    """The account at the first look of a UTC day: its equity, and what it had traded since the bot was made."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    day: date
    equity_quote: Decimal
    volume_quote: Decimal


class RiskLedger(BaseModel):
    """The persisted document."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = Field(default=1, ge=1, le=1)
    uid: str
    opening: DayOpening | None = None
    peak_equity_quote: Decimal | None = None
    starts: int = Field(default=0, ge=0)
    hard_stops: int = Field(default=0, ge=0)
    counted_stop: str | None = None
    """Which hard stop was counted last, so that a crash between latch and ledger counts it neither twice nor never."""
    rejected_orders: int = Field(default=0, ge=0)


def started(ledger: RiskLedger, noted: DayOpening | None) -> RiskLedger:
    """Return the ledger after a start of the process.

    `noted` is what the day began with where a version without a ledger left it: that loss is not forgotten either.
    """
    changes: dict[str, object] = {"starts": ledger.starts + 1}
    if ledger.opening is None and noted is not None:
        changes |= {"opening": noted, "peak_equity_quote": noted.equity_quote}
    return ledger.model_copy(update=changes)


def observed(ledger: RiskLedger, *, equity: Decimal, volume: Decimal, now: datetime) -> RiskLedger:
    """Return the ledger after a look at the account; the same object when there is nothing new.

    A day begins once: a clock that was set back does not begin an earlier one, nor the same one again.
    """
    changes: dict[str, object] = {}
    today = now.astimezone(UTC).date()
    if ledger.opening is None or today > ledger.opening.day:
        changes["opening"] = DayOpening(day=today, equity_quote=equity, volume_quote=volume)
    if ledger.peak_equity_quote is None or equity > ledger.peak_equity_quote:
        changes["peak_equity_quote"] = equity
    return ledger.model_copy(update=changes) if changes else ledger


def stop_counted(ledger: RiskLedger, stop: str) -> RiskLedger:
    """Return the ledger with this hard stop counted; the same object when it was counted before."""
    if ledger.counted_stop == stop:
        return ledger
    return ledger.model_copy(update={"hard_stops": ledger.hard_stops + 1, "counted_stop": stop})


class RiskMemory:
    """The ledger in force, and its file."""

    def __init__(self, path: Path, ledger: RiskLedger) -> None:
        self._path = path
        self._ledger = ledger
        self._stored = False

    @property
    def ledger(self) -> RiskLedger:
        """What is known now."""
        return self._ledger

    def keep(self, ledger: RiskLedger) -> None:
        """Store the ledger when it is new, or the last one could not be stored.

        Raises:
            OSError: the volume cannot be written. The ledger is in force all the same; orders must be held.
        """
        if ledger == self._ledger and self._stored:
            return
        self._ledger, self._stored = ledger, False
        write_durably(self._path, ledger.model_dump_json().encode())
        self._stored = True


def load_memory(path: Path, *, uid: str) -> RiskMemory:
    """Read the ledger of this bot, or begin one when the volume has none.

    Raises:
        BotFailed: it is there and cannot be read, or is another bot's (DatabaseUnreadable): beginning anew would
            forget a loss.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return RiskMemory(path, RiskLedger(uid=uid))
    except OSError as error:
        raise BotFailed(FailureReason.DATABASE_UNREADABLE, f"{path} cannot be read: {error.strerror}") from None
    try:
        ledger = RiskLedger.model_validate_json(text)
    except ValidationError as error:
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE,
            f"{path} is damaged ({first_error(error)}); move it away to begin the day and the peak anew",
        ) from None
    if ledger.uid != uid:
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE,
            f"{path} is of another bot (uid {ledger.uid}); delete its PersistentVolumeClaim, or move data/aviary away",
        )
    return RiskMemory(path, ledger)
