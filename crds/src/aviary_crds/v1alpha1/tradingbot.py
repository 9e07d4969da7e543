"""TradingBot: one Hummingbot bot as its desk wants it to be.

``spec.mode`` is a request. What the bot may do is ``status.grantedMode``: the lowest of the request, what a gate
grants for this digest, the desk's ceiling and the kill state. The operator never writes ``spec``.
Field list: requirements section 3; units: ``aviary_crds.quantities``.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from aviary_crds.conditions import Condition
from aviary_crds.quantities import (
    CONNECTOR_PATTERN,
    IMAGE_PATTERN,
    MODULE_PATTERN,
    Bps,
    ObjectName,
    PositiveDecimalString,
    Quantity,
    SignedDecimalString,
    TradingPair,
)
from aviary_crds.v1alpha1.base import IMMUTABLE, SpecModel, StatusModel, cel

_PERPETUAL: Final = "(self.connector.endsWith('_perpetual') || self.connector.endsWith('_perpetual_testnet'))"


class Mode(StrEnum):
    """What a bot may do, from nothing to real money. The order of the members is the order of the ladder."""

    DISABLED = "Disabled"
    NO_TRADE = "NoTrade"
    PAPER = "Paper"
    TESTNET = "Testnet"
    LIVE = "Live"

    @property
    def rank(self) -> int:
        """Place on the ladder, 0 for Disabled."""
        return list(Mode).index(self)

    @property
    def needs_grant(self) -> bool:
        """Whether a PromotionGate has to grant this mode: it trades with keys at a venue."""
        return self in {Mode.TESTNET, Mode.LIVE}


class PositionMode(StrEnum):
    """How a perpetual venue keeps positions of one pair."""

    ONE_WAY = "OneWay"
    HEDGE = "Hedge"


class UpdatePolicy(StrEnum):
    """Who decides when a change that needs a restart is made: a restart of a bot is a trading action."""

    AUTO = "Auto"
    MANUAL = "Manual"


class ControllerType(StrEnum):
    """The folder Hummingbot loads a V2 controller from."""

    MARKET_MAKING = "market_making"
    DIRECTIONAL_TRADING = "directional_trading"
    GENERIC = "generic"


class ObjectRef(SpecModel):
    """Names an object in the same namespace."""

    name: ObjectName = Field(description="Name of the object, in the same namespace")


class ConfigMapKeyRef(SpecModel):
    """Names one key of a ConfigMap in the same namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap, in the same namespace")
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = Field(
        description="Key that holds the text"
    )


class StrategyCode(SpecModel):
    """Where the source of a controller of one's own lies."""

    config_map_ref: ConfigMapKeyRef = Field(description="ConfigMap key that holds the Python module")


class Strategy(SpecModel):
    """Which Hummingbot V2 controller trades, and how."""

    controller: Annotated[str, StringConstraints(pattern=MODULE_PATTERN)] = Field(
        description="Module name of the controller, as Hummingbot's controller_name"
    )
    type: ControllerType = Field(
        default=ControllerType.MARKET_MAKING,
        description="Kind of controller, as Hummingbot's controller_type",
    )
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] = Field(
        default="1", description="Version of the strategy as the desk counts it; part of the digest"
    )
    parameters: Annotated[
        dict[str, Any],
        WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "maxProperties": 128}),
    ] = Field(default_factory=dict, description="The controller's own fields, checked by its own schema in the bot")
    code: StrategyCode | None = Field(
        default=None,
        description="Source of a controller of one's own; without it the image's controllers are used",
    )


class Market(SpecModel):
    """Where the bot trades."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                f"{_PERPETUAL} || self.leverage == 1",
                "leverage above 1 needs a perpetual connector (its name ends in _perpetual); use leverage 1 on spot",
            ),
            (
                f"{_PERPETUAL} || self.positionMode == 'OneWay'",
                "positionMode Hedge needs a perpetual connector; use OneWay on spot",
            ),
        )
    )

    connector: Annotated[str, StringConstraints(pattern=CONNECTOR_PATTERN, max_length=63)] = Field(
        description="Hummingbot connector, such as bitget or bitget_perpetual. Paper is a mode, never a connector name",
        json_schema_extra=cel(
            (
                IMMUTABLE,
                "the connector of a bot cannot change: its history belongs to one venue; make a new TradingBot",
            ),
            (
                "!self.endsWith('_paper_trade')",
                "paper trading is spec.mode: Paper; name the real connector, without _paper_trade",
            ),
        ),
    )
    trading_pairs: Annotated[
        tuple[TradingPair, ...],
        Field(min_length=1, max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(description="Pairs as BASE-QUOTE, upper case, such as BTC-USDT")
    position_mode: PositionMode = Field(default=PositionMode.ONE_WAY, description="OneWay or Hedge; perpetuals only")
    leverage: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(
        default=1, description="Leverage the bot sets at the venue; at most safety.maxLeverage"
    )

    @property
    def is_perpetual(self) -> bool:
        """Whether the connector trades perpetual contracts."""
        return self.connector.endswith(("_perpetual", "_perpetual_testnet"))

    @model_validator(mode="after")
    def _spot_has_no_leverage(self) -> Self:
        if self.connector.endswith("_paper_trade"):
            raise ValueError("paper trading is spec.mode: Paper; name the real connector, without _paper_trade")
        if not self.is_perpetual and (self.leverage != 1 or self.position_mode is not PositionMode.ONE_WAY):
            raise ValueError("leverage above 1 and positionMode Hedge need a perpetual connector")
        if len(set(self.trading_pairs)) != len(self.trading_pairs):
            raise ValueError("tradingPairs names a pair twice")
        return self


class Capital(SpecModel):
    """How much the bot works with."""

    total_amount_quote: PositiveDecimalString = Field(
        description="Capital in the quote asset, divided evenly over the trading pairs"
    )


class Safety(SpecModel):
    """The envelope: what the bot must never exceed, whatever its strategy wants.

    Enforced on every order by the order guard in the bot. ``status`` tells in EnvelopeEnforced which fields the
    running bot enforces; no mode above Paper is granted while one is not.
    """

    max_order_notional_quote: PositiveDecimalString = Field(
        default=Decimal(250), description="Largest notional of one order, in the quote asset"
    )
    max_notional_quote: PositiveDecimalString | None = Field(
        default=None,
        description="Largest notional of positions and resting orders together, in the quote asset; "
        "mandatory for Live, otherwise capital.totalAmountQuote",
    )
    max_leverage: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(
        default=5, description="Largest leverage; market.leverage must not exceed it"
    )
    max_daily_loss_bps: Bps = Field(default=300, description="Loss since 00:00 UTC, in basis points of the capital")
    max_drawdown_bps: Bps = Field(default=500, description="Fall from the equity's peak, in basis points")
    max_daily_turnover_bps: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] = Field(
        default=30_000,
        description="Traded notional since 00:00 UTC, in basis points of the capital; 30000 is three times",
    )


class Paper(SpecModel):
    """How fills are simulated in Paper. The same seed and the same market give the same fills."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("self.partialMinBps <= self.partialMaxBps", "partialMinBps must not be above partialMaxBps"),
        )
    )

    seed: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)] = Field(
        default=7, description="Seed of all randomness"
    )
    latency_millis: Annotated[int, Field(strict=True, ge=0, le=60_000)] = Field(
        default=150, description="Time until an order or a cancel takes effect"
    )
    queue_participation_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=3_500, description="Share of the volume traded at its price that a resting order gets"
    )
    partial_min_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=1_500, description="Smallest share of the rest that one fill takes"
    )
    partial_max_bps: Annotated[int, Field(strict=True, ge=1, le=10_000)] = Field(
        default=8_500, description="Largest share of the rest that one fill takes"
    )
    start_balances: Annotated[
        dict[str, PositiveDecimalString],
        WithJsonSchema(
            {
                "type": "object",
                "maxProperties": 32,
                "additionalProperties": {
                    "type": "string",
                    "pattern": r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$",
                    "maxLength": 32,
                },
            }
        ),
    ] = Field(
        default_factory=dict,
        description="Balances at the first start, by asset; empty means capital.totalAmountQuote of the quote asset, "
        "and on spot as much again of the base asset",
    )

    @model_validator(mode="after")
    def _partial_range(self) -> Self:
        if self.partial_min_bps > self.partial_max_bps:
            raise ValueError("partialMinBps must not be above partialMaxBps")
        return self


class FeeMode(StrEnum):
    """Where the fees of simulated fills come from."""

    AUTO = "Auto"
    MANUAL = "Manual"


class Fees(SpecModel):
    """Fees of simulated fills."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "self.mode != 'Manual' || (has(self.makerBps) && has(self.takerBps))",
                "fees.mode Manual needs makerBps and takerBps",
            ),
            (
                "self.mode == 'Manual' || (!has(self.makerBps) && !has(self.takerBps))",
                "makerBps and takerBps count only with fees.mode: Manual; set it, or take them out",
            ),
        )
    )

    mode: FeeMode = Field(
        default=FeeMode.AUTO, description="Auto: the connector's published fees. Manual: as given here"
    )
    maker_bps: Annotated[int, Field(strict=True, ge=0, le=1_000)] | None = Field(
        default=None, description="Maker fee in basis points, with mode Manual"
    )
    taker_bps: Annotated[int, Field(strict=True, ge=0, le=1_000)] | None = Field(
        default=None, description="Taker fee in basis points, with mode Manual"
    )

    @model_validator(mode="after")
    def _manual_is_complete(self) -> Self:
        given = self.maker_bps is not None, self.taker_bps is not None
        if self.mode is FeeMode.MANUAL and not all(given):
            raise ValueError("fees.mode Manual needs makerBps and takerBps")
        if self.mode is FeeMode.AUTO and any(given):
            raise ValueError("makerBps and takerBps count only with fees.mode: Manual")
        return self


class LogLevel(StrEnum):
    """How much the bot logs."""

    DEBUG = "Debug"
    INFO = "Info"
    WARNING = "Warning"


class Telemetry(SpecModel):
    """What the bot writes about itself."""

    log_level: LogLevel = Field(default=LogLevel.INFO, description="Debug, Info or Warning")
    csv_buffer_rows: Annotated[int, Field(strict=True, ge=1, le=1_000)] = Field(
        default=10, description="Rows of fills.csv and minute.csv kept before they are written"
    )
    csv_flush_seconds: Annotated[int, Field(strict=True, ge=1, le=300)] = Field(
        default=5, description="Longest time a row stays unwritten"
    )


class Storage(SpecModel):
    """The bot's volume: database, logs, the guard's memory."""

    size: Quantity = Field(default="1Gi", description="Size of the volume")
    storage_class_name: ObjectName | None = Field(
        default=None, description="StorageClass; the cluster's default when left out"
    )


class ResourceAmounts(SpecModel):
    """An amount of processor and memory."""

    cpu: Quantity | None = Field(default=None, description="Processor, such as 250m")
    memory: Quantity | None = Field(default=None, description="Memory, such as 300Mi")


class Resources(SpecModel):
    """What the bot's container asks for and may use. A low processor limit makes its start very slow."""

    requests: ResourceAmounts = Field(
        default=ResourceAmounts(cpu="100m", memory="300Mi"), description="What the scheduler reserves"
    )
    limits: ResourceAmounts = Field(
        default=ResourceAmounts(memory="512Mi"), description="What the container may use at most"
    )


class TradingBotSpec(SpecModel):
    """What the desk wants this bot to be."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "!(self.mode in ['Testnet', 'Live']) || has(self.gateRef)",
                "mode Testnet and Live need gateRef: the PromotionGate whose evidence grants the mode",
            ),
            (
                "!(self.mode in ['Testnet', 'Live']) || has(self.deskRef)",
                "mode Testnet and Live need deskRef: the TradingDesk whose ceilings bound the bot",
            ),
            (
                "self.mode != 'Live' || has(self.safety.maxNotionalQuote)",
                "mode Live needs safety.maxNotionalQuote: the largest exposure the bot may ever have",
            ),
            (
                "self.mode in ['Testnet', 'Live'] || !has(self.credentialsRef)",
                "credentialsRef is allowed with mode Testnet or Live only: a paper bot holds no keys",
            ),
            (
                "self.market.leverage <= self.safety.maxLeverage",
                "market.leverage must not be above safety.maxLeverage",
            ),
        )
    )

    mode: Mode = Field(default=Mode.PAPER, description="Requested mode. status.grantedMode says what was granted")
    image: Annotated[str, StringConstraints(pattern=IMAGE_PATTERN, min_length=3, max_length=512)] = Field(
        description="Bot image with a fixed tag or, better, a digest; never latest",
        json_schema_extra=cel(
            (
                "!self.endsWith(':latest')",
                "image tag latest changes under your feet: name a version or a digest",
            ),
            (
                "self.contains('@sha256:') || self.matches(':[A-Za-z0-9_][A-Za-z0-9_.-]*$')",
                "image needs a tag or a digest: without one it means latest",
            ),
        ),
    )
    desk_ref: ObjectRef | None = Field(
        default=None,
        description="TradingDesk whose ceilings and venue overrides apply; mandatory above Paper",
    )
    gate_ref: ObjectRef | None = Field(default=None, description="PromotionGate that grants modes above Paper")
    credentials_ref: ObjectRef | None = Field(
        default=None,
        description="Secret with the venue's keys; Testnet and Live only, never mounted below them",
    )
    strategy: Strategy = Field(description="Which controller trades, and how")
    market: Market = Field(description="Where the bot trades")
    capital: Capital = Field(description="How much the bot works with")
    safety: Safety = Field(default_factory=Safety, description="What the bot must never exceed")
    paper: Paper = Field(default_factory=Paper, description="How fills are simulated in Paper")
    fees: Fees = Field(default_factory=Fees, description="Fees of simulated fills")
    telemetry: Telemetry = Field(default_factory=Telemetry, description="What the bot writes about itself")
    storage: Storage = Field(
        default_factory=Storage,
        description="The bot's volume",
        json_schema_extra=cel((IMMUTABLE, "the volume of a bot cannot change; make a new TradingBot")),
    )
    resources: Resources = Field(default_factory=Resources, description="Processor and memory of the bot's container")
    update_policy: UpdatePolicy = Field(
        default=UpdatePolicy.AUTO,
        description="Whether changes that need a restart are made at once or wait for a person",
    )
    suspend: bool = Field(default=False, description="True stops the operator from touching this bot; the bot goes on")

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if self.mode.needs_grant and (self.gate_ref is None or self.desk_ref is None):
            raise ValueError("mode Testnet and Live need gateRef and deskRef")
        if self.mode is Mode.LIVE and self.safety.max_notional_quote is None:
            raise ValueError("mode Live needs safety.maxNotionalQuote")
        if not self.mode.needs_grant and self.credentials_ref is not None:
            raise ValueError("credentialsRef is allowed with mode Testnet or Live only")
        if self.market.leverage > self.safety.max_leverage:
            raise ValueError("market.leverage must not be above safety.maxLeverage")
        if self.image.endswith(":latest"):
            raise ValueError("image tag latest changes under your feet: name a version or a digest")
        last = self.image.rsplit("/", 1)[-1]
        if ":" not in last and "@sha256:" not in last:
            raise ValueError("image needs a tag or a digest: without one it means latest")
        return self


GuardState = Literal["Running", "SoftPaused", "HardStopped"]


class Observed(StatusModel):
    """Slow figures from the bot, written at most once a minute. Fast figures belong to Prometheus."""

    equity_quote: SignedDecimalString | None = Field(default=None, description="Equity in the quote asset")
    day_pnl_quote: SignedDecimalString | None = Field(
        default=None, description="Profit or loss since 00:00 UTC, in the quote asset"
    )
    open_orders: int | None = Field(
        default=None, ge=0, description="Orders resting at the venue, simulated ones in Paper"
    )
    fills: int | None = Field(default=None, ge=0, description="Fills since the bot was made")
    refused_orders: int | None = Field(default=None, ge=0, description="Orders the order guard refused since the start")
    last_fill_time: datetime | None = Field(default=None, description="Time of the last fill")
    guard_state: GuardState | None = Field(default=None, description="Running, SoftPaused or HardStopped")
    guard_reasons: tuple[str, ...] = Field(default=(), max_length=16, description="Why the guard is not Running")
    observed_time: datetime | None = Field(default=None, description="When the bot said so")


class TradingBotStatus(StatusModel):
    """What the operator observed. Written by the operator alone."""

    observed_generation: int = Field(default=0, ge=0, description="The metadata.generation this status is about")
    granted_mode: Mode | None = Field(default=None, description="What the bot may do now")
    digest: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        default=None, description="Subject digest: evidence and approvals belong to it"
    )
    revision: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        default=None, description="Revision of the configuration that the spec asks for"
    )
    running_revision: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        default=None, description="Revision of the configuration that the bot runs"
    )
    pod_name: Annotated[str, StringConstraints(max_length=253)] | None = Field(
        default=None, description="The bot's pod"
    )
    image_id: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        default=None, description="Image the pod runs, as the node reports it"
    )
    observed: Observed = Field(default_factory=Observed, description="Slow figures from the bot")
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = Field(
        default=(),
        description="Observations: Ready, EnvelopeValid, EnvelopeEnforced, ModeGranted, ConfigInSync, …",
    )
