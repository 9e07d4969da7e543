"""What a paper bot must not forget over a restart: its account, its counters and the day's first equity.

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
from aviary_bot.spot_account import SpotAccount


class DayStart(BaseModel):
    """Equity at the first look of a UTC day."""

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


def day_rolled(state: PaperState, equity: Decimal | None, now: datetime) -> PaperState:
    """Return the state with the day's first equity noted; unchanged within a day and while the equity is unknown."""
    if equity is None or (state.day_start is not None and state.day_start.day == now.date()):
        return state
    return state.model_copy(update={"day_start": DayStart(day=now.date(), equity_quote=equity)})
