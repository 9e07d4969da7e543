"""What a paper bot must not forget over a restart: its account and its counters.

Written to the volume after every fill; a paper bot that lost it would start with a new fortune, and its profit and
loss would be made up.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import FailureReason
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aviary_bot.boot_document import BotFailed, first_error
from aviary_bot.perpetual_account import PerpetualAccount
from aviary_bot.risk_ledger import DayOpening
from aviary_bot.spot_account import SpotAccount


class DayStart(BaseModel):
    """Equity at the first look of a UTC day, as versions noted it that had no `risk.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    equity_quote: Decimal


class PaperState(BaseModel):
    """The persisted document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(default=1, ge=1, le=1)
    uid: str
    connector: str
    seeded: bool = False
    account: Annotated[SpotAccount | PerpetualAccount, Field(discriminator="kind")]
    fills: int = 0
    volume_quote: Decimal = Decimal(0)
    fees_quote: Decimal = Decimal(0)
    last_fill_time: datetime | None = None
    day_start: DayStart | None = None
    """Never written: read once, where a version without `risk.json` left it."""


def first_state(config: BotConfig) -> PaperState:
    """Return the state of a bot that never traded: the start balances."""
    balances = dict(config.start_balances)
    perpetual = config.market.is_perpetual
    account = PerpetualAccount(wallets=balances) if perpetual else SpotAccount(balances=balances)
    return PaperState(uid=config.uid, connector=config.market.connector, account=account)


def load_state(path: Path, config: BotConfig) -> PaperState:
    """Read the state of this bot, or begin one when the volume has none.

    Raises:
        BotFailed: it is there and cannot be read, or belongs to another bot (DatabaseUnreadable): going on with a new
            fortune would make up profit and loss.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return first_state(config)
    except OSError as error:
        raise BotFailed(FailureReason.DATABASE_UNREADABLE, f"{path} cannot be read: {error.strerror}") from None
    try:
        state = PaperState.model_validate_json(text)
    except ValidationError as error:
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE,
            f"{path} is damaged ({first_error(error)}); move it away to begin with new paper balances",
        ) from None
    if (state.uid, state.connector) != (config.uid, config.market.connector):
        raise BotFailed(
            FailureReason.DATABASE_UNREADABLE,
            f"the volume belongs to another bot (uid {state.uid}, connector {state.connector}); delete its "
            "PersistentVolumeClaim, or move data/aviary away",
        )
    return state


def noted_opening(state: PaperState) -> DayOpening | None:
    """Return what the day began with where an older version noted it here; its turnover counts from now on."""
    noted = state.day_start
    if noted is None:
        return None
    return DayOpening(day=noted.day, equity_quote=noted.equity_quote, volume_quote=state.volume_quote)
