"""``/state``: what a bot says about itself, in one versioned document.

The launcher serves it, the operator reads it. A field that the bot cannot know is null, never a guess: whoever reads
null reads "no".
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from aviary_crds.quantities import SignedDecimalString
from aviary_crds.v1alpha1.base import StatusModel
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode

FiniteSeconds = Annotated[float, Field(allow_inf_nan=False)]
"""A span of time. NaN is refused: it is neither above nor below any limit, so every check of it would pass."""


class Phase(StrEnum):
    """Where the process is."""

    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    FAILED = "Failed"
    """The strategy cannot start or has ended; nothing trades; ``reason`` and ``message`` say why."""


class FailureReason(StrEnum):
    """Why a bot is in phase Failed."""

    CONFIG_CORRUPT = "ConfigCorrupt"
    STRATEGY_INVALID = "StrategyInvalid"
    CONNECTOR_UNSUPPORTED = "ConnectorUnsupported"
    DATABASE_UNREADABLE = "DatabaseUnreadable"
    ORDERS_UNVERIFIED = "OrdersUnverified"
    STRATEGY_ENDED = "StrategyEnded"
    START_FAILED = "StartFailed"


class ConfigState(StatusModel):
    """Which configuration is in force."""

    revision: str = Field(description="Revision in force")
    boot_revision: str = Field(description="Revision the process was started for")
    updatable_parameters: tuple[str, ...] = Field(
        default=(),
        description="Controller fields that take effect without a restart, as Hummingbot declares them",
    )
    error: str | None = Field(
        default=None, description="Why the last retune was refused; the old configuration is in force"
    )


class ConnectorReadiness(StatusModel):
    """The connector's own readiness flags (R-033) and the age of its data."""

    name: str = Field(description="Connector")
    ready: bool = Field(description="All flags true")
    flags: dict[str, bool] = Field(default_factory=dict, description="The connector's status_dict")
    book_age_seconds: FiniteSeconds | None = Field(default=None, description="Age of the youngest order book update")


class Figures(StatusModel):
    """The account as the bot sees it, in the quote asset."""

    equity_quote: SignedDecimalString | None = Field(default=None, description="Equity now")
    day_start_equity_quote: SignedDecimalString | None = Field(
        default=None, description="Equity at 00:00 UTC or first start"
    )
    day_pnl_quote: SignedDecimalString | None = Field(default=None, description="Equity now less at the day's start")
    open_orders: int | None = Field(default=None, description="Resting orders")
    open_notional_quote: SignedDecimalString | None = Field(default=None, description="Positions and resting orders")
    fills: int = Field(default=0, description="Fills since the bot was made")
    volume_quote: SignedDecimalString | None = Field(default=None, description="Traded notional since the bot was made")
    rejected_orders: int | None = Field(default=None, description="Orders the venue rejected since the bot was made")
    fee_source: str | None = Field(
        default=None,
        max_length=128,
        description="Where the fees come from: api:, connector: or project: and a name, or manual",
    )
    last_fill_time: AwareDatetime | None = Field(default=None, description="Time of the last fill")


class RiskView(StatusModel):
    """What the limits of ``spec.safety`` are compared with."""

    day_loss_bps: SignedDecimalString | None = Field(
        default=None, description="Loss since 00:00 UTC, basis points of the capital; 0 in profit"
    )
    drawdown_bps: SignedDecimalString | None = Field(
        default=None, description="Fall of the equity from its peak, basis points of the peak"
    )
    day_turnover_bps: SignedDecimalString | None = Field(
        default=None, description="Traded notional since 00:00 UTC, basis points of the capital"
    )
    cancels_last_minute: int | None = Field(default=None, description="Cancels sent in the last 60 seconds")
    cancels_in_budget: bool | None = Field(
        default=None, description="Whether they are within safety.maxCancelsPerMinute"
    )
    base_share_bps: SignedDecimalString | None = Field(
        default=None, description="Share of the equity held in base assets, basis points; spot only"
    )
    inventory_in_band: bool | None = Field(
        default=None,
        description="Spot: whether the base share is within safety.minBaseShareBps and maxBaseShareBps. "
        "Perpetuals: whether the positions' notional is within the bot's total",
    )
    leverage: int | None = Field(default=None, description="Highest leverage of any pair")
    hard_stops: int | None = Field(default=None, description="Hard stops since the bot was made")


class Refusal(StatusModel):
    """An order that the guard refused."""

    time: AwareDatetime = Field(description="When")
    code: str = Field(description="Which limit, such as OrderNotional")
    message: str = Field(description="What was asked, what the limit is")


class GuardView(StatusModel):
    """The order guard."""

    state: GuardState = Field(description="Running, SoftPaused or HardStopped")
    reasons: tuple[str, ...] = Field(default=(), description="Why it is not Running")
    enforced: tuple[str, ...] = Field(default=(), description="Fields of spec.safety that this bot enforces")
    refusals: dict[str, int] = Field(default_factory=dict, description="Refused orders since the start, by code")
    last_refusal: Refusal | None = Field(default=None, description="The last one")


class FillRecord(StatusModel):
    """One fill."""

    time_ns: int = Field(description="Time, nanoseconds since the epoch")
    order_id: str = Field(description="Client order id")
    trade_id: str = Field(description="Trade id")
    trading_pair: str = Field(description="Pair")
    side: Literal["Buy", "Sell"] = Field(description="Side")
    price: SignedDecimalString = Field(description="Price, quote per base")
    quantity: SignedDecimalString = Field(description="Quantity, base")
    fee_quote: SignedDecimalString = Field(description="Fee, quote")
    liquidity: Literal["Maker", "Taker"] = Field(description="Maker or Taker")
    simulated: bool = Field(description="True in Paper")


class BotState(StatusModel):
    """The document."""

    schema_version: int = Field(default=1, description="Version of this document")
    time: AwareDatetime = Field(description="When this was said, by the bot's clock")
    name: str = Field(description="Name of the TradingBot")
    namespace: str = Field(description="Namespace of the TradingBot")
    uid: str = Field(description="uid of the TradingBot")
    mode: Mode = Field(description="Mode the process runs in")
    granted_mode: Mode | None = Field(
        default=None,
        description="Mode that the operator granted; above the mode it runs in while there is no path to it",
    )
    digest: str = Field(description="Subject digest it was started with")
    phase: Phase = Field(description="Where the process is")
    reason: FailureReason | None = Field(default=None, description="Why it is Failed")
    message: str = Field(default="", description="For people: what it does, or why it does not")
    start_time: AwareDatetime = Field(description="Start of the process")
    ready: bool = Field(description="Whether it can trade right now: what /readyz says")
    tick_age_seconds: FiniteSeconds | None = Field(default=None, description="Age of the strategy's last tick")
    config: ConfigState = Field(description="Configuration in force")
    connectors: tuple[ConnectorReadiness, ...] = Field(default=(), description="Connectors and their flags")
    figures: Figures = Field(default_factory=Figures, description="The account as the bot sees it")
    guard: GuardView = Field(description="The order guard")
    risk: RiskView = Field(default_factory=RiskView, description="What the limits are compared with")
    starts: int | None = Field(default=None, description="Starts of the process since the bot was made")
    recent_fills: tuple[FillRecord, ...] = Field(default=(), description="The last fills, newest last, at most 50")
    versions: dict[str, str] = Field(default_factory=dict, description="Versions of aviary-bot and hummingbot")
