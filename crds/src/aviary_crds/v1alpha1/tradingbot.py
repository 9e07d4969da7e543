"""TradingBot: one Hummingbot bot as its desk wants it to be.

``spec.mode`` is a request. What the bot may do is ``status.grantedMode``: the lowest of the request, what a gate
grants for this digest, the desk's ceiling and the kill state. The operator never writes ``spec``.
Units: ``aviary_crds.quantities``. The parts of the spec are in the modules beside this one, and can be imported from
here.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from aviary_crds.conditions import Conditions
from aviary_crds.quantities import ImageReference, SignedDecimalString
from aviary_crds.rules import Immutable, Rule
from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from aviary_crds.v1alpha1.envelope import Capital, Safety
from aviary_crds.v1alpha1.housing import LogLevel, ResourceAmounts, Resources, Storage, Telemetry, UpdatePolicy
from aviary_crds.v1alpha1.market import Market, PositionMode
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.references import ConfigMapKeyRef, ObjectRef
from aviary_crds.v1alpha1.simulation import FeeMode, Fees, Paper
from aviary_crds.v1alpha1.strategy import ControllerType, Strategy, StrategyCode

__all__ = [
    "Capital",
    "ConfigMapKeyRef",
    "ControllerType",
    "FeeMode",
    "Fees",
    "GuardState",
    "LogLevel",
    "Market",
    "Mode",
    "ObjectRef",
    "Observed",
    "Paper",
    "PositionMode",
    "ResourceAmounts",
    "Resources",
    "Safety",
    "Storage",
    "Strategy",
    "StrategyCode",
    "Telemetry",
    "TradingBotSpec",
    "TradingBotStatus",
    "UpdatePolicy",
]


class TradingBotSpec(SpecModel):
    """What the desk wants this bot to be."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!(self.mode in ['Testnet', 'Live']) || has(self.gateRef)",
            message="mode Testnet and Live need gateRef: the PromotionGate whose evidence grants the mode",
            holds=lambda spec: not spec.mode.needs_grant or spec.gate_ref is not None,
            field=".gateRef",
        ),
        Rule(
            cel="!(self.mode in ['Testnet', 'Live']) || has(self.deskRef)",
            message="mode Testnet and Live need deskRef: the TradingDesk whose ceilings bound the bot",
            holds=lambda spec: not spec.mode.needs_grant or spec.desk_ref is not None,
            field=".deskRef",
        ),
        Rule(
            cel="self.mode != 'Live' || has(self.safety.maxNotionalQuote)",
            message="mode Live needs safety.maxNotionalQuote: the largest exposure the bot may ever have",
            holds=lambda spec: spec.mode is not Mode.LIVE or spec.safety.max_notional_quote is not None,
            field=".safety.maxNotionalQuote",
        ),
        Rule(
            cel="self.mode in ['Testnet', 'Live'] || !has(self.credentialsRef)",
            message="credentialsRef is allowed with mode Testnet or Live only: a paper bot holds no keys",
            holds=lambda spec: spec.mode.needs_grant or spec.credentials_ref is None,
            field=".credentialsRef",
        ),
        Rule(
            cel="self.market.leverage <= self.safety.maxLeverage",
            message="market.leverage must not be above safety.maxLeverage",
            holds=lambda spec: spec.market.leverage <= spec.safety.max_leverage,
            field=".market.leverage",
        ),
    )

    mode: Mode = Field(default=Mode.PAPER, description="Requested mode. status.grantedMode says what was granted")
    image: ImageReference = Field(description="Bot image with a fixed tag or, better, a digest; never latest")
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
    storage: Annotated[Storage, Immutable(message="the volume of a bot cannot change; make a new TradingBot")] = Field(
        default_factory=Storage, description="The bot's volume"
    )
    resources: Resources = Field(default_factory=Resources, description="Processor and memory of the bot's container")
    update_policy: UpdatePolicy = Field(
        default=UpdatePolicy.AUTO,
        description="Whether changes that need a restart are made at once or wait for a person",
    )
    suspend: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="True stops the operator from touching this bot; the bot goes on"
    )


GuardState = Literal["Running", "SoftPaused", "HardStopped"]

_Count = Annotated[int, Field(ge=0)]
_Hash = Annotated[str, Field(max_length=80)]


class Observed(StatusModel):
    """Slow figures from the bot, written at most once a minute. Fast figures belong to Prometheus."""

    equity_quote: SignedDecimalString | None = Field(default=None, description="Equity in the quote asset")
    day_pnl_quote: SignedDecimalString | None = Field(
        default=None, description="Profit or loss since 00:00 UTC, in the quote asset"
    )
    open_orders: _Count | None = Field(default=None, description="Orders resting at the venue, simulated ones in Paper")
    fills: _Count | None = Field(default=None, description="Fills since the bot was made")
    refused_orders: _Count | None = Field(default=None, description="Orders the order guard refused since the start")
    last_fill_time: AwareDatetime | None = Field(default=None, description="Time of the last fill")
    guard_state: GuardState | None = Field(default=None, description="Running, SoftPaused or HardStopped")
    guard_reasons: Annotated[
        tuple[Annotated[str, Field(max_length=256)], ...],
        Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = Field(default=(), description="Why the guard is not Running")
    observed_time: AwareDatetime | None = Field(default=None, description="When the bot said so")


class TradingBotStatus(StatusModel):
    """What the operator observed. Written by the operator alone."""

    observed_generation: _Count = Field(default=0, description="The metadata.generation this status is about")
    granted_mode: Mode | None = Field(default=None, description="What the bot may do now")
    granted_capital_quote: SignedDecimalString | None = Field(
        default=None, description="Ceiling of the capital that the gate grants with the mode, quote asset"
    )
    digest: _Hash | None = Field(default=None, description="Subject digest: evidence and approvals belong to it")
    revision: _Hash | None = Field(default=None, description="Revision of the configuration that the spec asks for")
    running_revision: _Hash | None = Field(default=None, description="Revision of the configuration that the bot runs")
    pod_name: Annotated[str, Field(max_length=253)] | None = Field(default=None, description="The bot's pod")
    image_id: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="Image the pod runs, as the node reports it"
    )
    observed: Observed = Field(default_factory=Observed, description="Slow figures from the bot")
    conditions: Conditions = Field(
        default=(),
        description="Observations: Ready, EnvelopeValid, EnvelopeEnforced, ModeGranted, ConfigInSync, …",
    )
