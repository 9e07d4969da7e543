"""TradingDesk: the ceilings that every bot naming it must stay under.

Written by the risk owner, one per desk. An empty list of modes, connectors or pairs allows none: a ceiling that is
forgotten must not be a ceiling that is open.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from aviary_crds.conditions import Condition
from aviary_crds.quantities import CONNECTOR_PATTERN, ObjectName, PositiveDecimalString, TradingPair
from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from aviary_crds.v1alpha1.tradingbot import Mode

_SET = {"x-kubernetes-list-type": "set"}


class Ceilings(SpecModel):
    """What no bot of the desk may exceed."""

    modes: Annotated[tuple[Mode, ...], Field(min_length=1, max_length=5, json_schema_extra=_SET)] = Field(
        description="Modes a bot may be granted"
    )
    connectors: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=CONNECTOR_PATTERN, max_length=63)], ...],
        Field(min_length=1, max_length=32, json_schema_extra=_SET),
    ] = Field(description="Connectors a bot may use")
    trading_pairs: Annotated[tuple[TradingPair, ...], Field(min_length=1, max_length=256, json_schema_extra=_SET)] = (
        Field(description="Pairs a bot may trade")
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


class ServiceRef(SpecModel):
    """Names a Service."""

    name: ObjectName = Field(description="Name of the Service")
    namespace: ObjectName = Field(description="Namespace of the Service")


class CaRef(SpecModel):
    """Names the ConfigMap key that holds a certificate authority."""

    name: ObjectName = Field(description="Name of the ConfigMap")
    namespace: ObjectName = Field(description="Namespace of the ConfigMap")
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = Field(
        default="ca.crt", description="Key that holds the certificate, PEM"
    )


class VenueOverride(SpecModel):
    """Sends a venue's host names to a Service: the simulated venue, or a gateway of the desk's own."""

    hosts: Annotated[
        tuple[
            Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)],
            ...,
        ],
        Field(min_length=1, max_length=16, json_schema_extra=_SET),
    ] = Field(description="Host names of the venue, such as api.bitget.com")
    service: ServiceRef = Field(description="Service that answers instead, on port 443")
    ca: CaRef = Field(description="Certificate authority that the bots trust instead of the public ones")


class TradingDeskSpec(SpecModel):
    """The desk's ceilings and where its venues are."""

    ceilings: Ceilings = Field(description="What no bot of the desk may exceed")
    venue_overrides: Annotated[
        tuple[VenueOverride, ...], Field(max_length=8, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default=(), description="Venues answered by a Service in the cluster, such as the simulated venue")


class TradingDeskStatus(StatusModel):
    """What the operator observed of the desk."""

    observed_generation: int = Field(default=0, ge=0, description="The metadata.generation this status is about")
    bots: int = Field(default=0, ge=0, description="Bots that name this desk")
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = Field(default=(), description="Observations: Ready")
