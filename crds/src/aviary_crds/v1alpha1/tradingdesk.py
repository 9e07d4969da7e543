"""TradingDesk: the ceilings that every bot naming it must stay under.

Written by the risk owner, one per desk. Lists of modes, connectors and pairs name what is allowed, and cannot be left
out or empty: a ceiling that is forgotten must not be a ceiling that is open.
"""

from typing import Annotated

from pydantic import Field

from aviary_crds.conditions import Conditions
from aviary_crds.quantities import Connector, PositiveDecimalString, TradingPair
from aviary_crds.rules import Distinct, Text
from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.references import CaRef, ServiceRef

__all__ = [
    "CaRef",
    "Ceilings",
    "Promotion",
    "ServiceRef",
    "TradingDeskSpec",
    "TradingDeskStatus",
    "VenueOverride",
]

_HostName = Annotated[
    str,
    Text(
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
        message="a host name is written in full and in lower case, without https:// and port, such as api.bitget.com",
        max_length=253,
    ),
]


class Ceilings(SpecModel):
    """What no bot of the desk may exceed."""

    modes: Annotated[tuple[Mode, ...], Field(min_length=1, max_length=5), Distinct()] = Field(
        description="Modes a bot may be granted"
    )
    connectors: Annotated[tuple[Connector, ...], Field(min_length=1, max_length=32), Distinct()] = Field(
        description="Connectors a bot may use"
    )
    trading_pairs: Annotated[tuple[TradingPair, ...], Field(min_length=1, max_length=256), Distinct()] = Field(
        description="Pairs a bot may trade"
    )
    max_order_notional_quote: PositiveDecimalString = Field(description="Largest notional of one order, quote asset")
    max_bot_notional_quote: PositiveDecimalString = Field(
        description="Largest notional of one bot's positions and resting orders together, quote asset"
    )
    max_total_notional_quote: PositiveDecimalString = Field(
        description="Largest sum of the notional ceilings of all bots of the desk, quote asset"
    )
    max_leverage: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(default=1, description="Largest leverage")
    max_live_bots: Annotated[int, Field(strict=True, ge=0, le=1_000)] = Field(
        default=0, description="Largest number of bots that may be Live at once"
    )


class VenueOverride(SpecModel):
    """Sends a venue's host names to a Service: the simulated venue, or a gateway of the desk's own."""

    hosts: Annotated[tuple[_HostName, ...], Field(min_length=1, max_length=16), Distinct()] = Field(
        description="Host names of the venue, such as api.bitget.com"
    )
    service: ServiceRef = Field(description="Service that answers instead, on port 443")
    ca: CaRef = Field(description="Certificate authority that the bots trust instead of the public ones")


class Promotion(SpecModel):
    """What the desk asks of promotions, whatever its gates say."""

    two_persons: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="True: whoever last changed a bot cannot approve it. Changes of the desk's bots must then carry "
        "the annotation aviary.trading/changed-by with the user's own name",
    )
    max_grant_seconds: Annotated[int, Field(strict=True, ge=60, le=604_800)] = Field(
        default=86_400, description="No grant lasts longer without being renewed"
    )


class TradingDeskSpec(SpecModel):
    """The desk's ceilings and where its venues are."""

    ceilings: Ceilings = Field(description="What no bot of the desk may exceed")
    promotion: Promotion = Field(
        default_factory=Promotion, description="What the desk asks of promotions, whatever its gates say"
    )
    venue_overrides: Annotated[
        tuple[VenueOverride, ...], Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default=(), description="Venues answered by a Service in the cluster, such as the simulated venue")


class TradingDeskStatus(StatusModel):
    """What the operator observed of the desk."""

    observed_generation: Annotated[int, Field(ge=0)] = Field(
        default=0, description="The metadata.generation this status is about"
    )
    bots: Annotated[int, Field(ge=0)] = Field(default=0, description="Bots that name this desk")
    conditions: Conditions = Field(default=(), description="Observations: Ready")
