"""Whole objects, as a manifest says them and the API server returns them."""

import re
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from aviary_crds.rules import Rule, cel_text
from aviary_crds.v1alpha1.base import RuledModel, StatusModel
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec, PromotionApprovalStatus
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec, PromotionGateStatus
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec, TradingBotStatus
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec, TradingDeskStatus

BOT_NAME_LIMIT: Final = 52
"""A pod carries the label ``controller-revision-hash: NAME-HASH`` of at most 63 characters; the hash takes 11."""

_BOT_NAME: Final = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"


class ObjectMeta(StatusModel):
    """What this API reads of an object's metadata."""

    name: Annotated[str, Field(min_length=1, max_length=253)] = Field(description="Name of the object")
    namespace: str | None = Field(default=None, description="Namespace of the object")
    uid: str | None = Field(default=None, description="A new object of the same name has another one")
    generation: int | None = Field(default=None, description="Counts changes of the spec")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations")


def _fits_children(name: str) -> bool:
    return len(name) <= BOT_NAME_LIMIT and re.fullmatch(_BOT_NAME, name) is not None


class ApiObject(RuledModel):
    """An object of this API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    api_version: Literal["aviary.trading/v1alpha1"] = Field(
        default="aviary.trading/v1alpha1", description="Group and version"
    )
    metadata: ObjectMeta = Field(description="Name and labels")


class TradingBot(ApiObject):
    """One bot."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"size(self.metadata.name) <= {BOT_NAME_LIMIT} && self.metadata.name.matches({cel_text(_BOT_NAME)})",
            message=f"the name of a TradingBot begins with a letter, has lower-case letters, digits and hyphens only, "
            f"and at most {BOT_NAME_LIMIT} characters: its Service, pod and volume are named after it",
            holds=lambda bot: _fits_children(bot.metadata.name),
            field=".metadata.name",
        ),
    )

    kind: Literal["TradingBot"] = Field(default="TradingBot", description="Kind")
    spec: TradingBotSpec = Field(description="What the desk wants the bot to be")
    status: TradingBotStatus = Field(default_factory=TradingBotStatus, description="What the operator observed")


class TradingDesk(ApiObject):
    """One desk."""

    kind: Literal["TradingDesk"] = Field(default="TradingDesk", description="Kind")
    spec: TradingDeskSpec = Field(description="The desk's ceilings")
    status: TradingDeskStatus = Field(default_factory=TradingDeskStatus, description="What the operator observed")


class PromotionGate(ApiObject):
    """One gate."""

    kind: Literal["PromotionGate"] = Field(default="PromotionGate", description="Kind")
    spec: PromotionGateSpec = Field(description="Which evidence lets the bot take the step")
    status: PromotionGateStatus = Field(default_factory=PromotionGateStatus, description="What the operator observed")


class PromotionApproval(ApiObject):
    """One approval."""

    kind: Literal["PromotionApproval"] = Field(default="PromotionApproval", description="Kind")
    spec: PromotionApprovalSpec = Field(description="One person's yes")
    status: PromotionApprovalStatus = Field(
        default_factory=PromotionApprovalStatus, description="What the operator observed"
    )
