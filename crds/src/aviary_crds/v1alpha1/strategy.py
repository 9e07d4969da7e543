"""Which controller trades, and how."""

import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from aviary_crds.quantities import ModuleName
from aviary_crds.rules import Text
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.references import ConfigMapKeyRef


class ControllerType(StrEnum):
    """The folder Hummingbot loads a V2 controller from."""

    MARKET_MAKING = "market_making"
    DIRECTIONAL_TRADING = "directional_trading"
    GENERIC = "generic"


def _only_json(value: Any, where: str = "parameters") -> Any:
    """Return ``value`` when JSON can carry it as it is; YAML knows dates, NaN and keys that JSON does not."""
    match value:
        case None | bool() | int() | str():
            pass
        case float() if math.isfinite(value):
            pass
        case list():
            for index, inner in enumerate(value):
                _only_json(inner, f"{where}[{index}]")
        case dict():
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise ValueError(f"{where}: the key {key!r} must be a string; put it in quotes")  # noqa: TRY004  pydantic reads ValueError
                _only_json(inner, f"{where}.{key}")
        case _:
            raise ValueError(f"{where}: {value!r} is nothing that JSON can carry; put it in quotes")
    return value


Parameters = Annotated[
    dict[str, Any],
    Field(max_length=128),
    AfterValidator(_only_json),
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "maxProperties": 128}),
]
"""A controller's own fields: whatever JSON can carry."""


class StrategyCode(SpecModel):
    """Where the source of a controller of one's own lies."""

    config_map_ref: ConfigMapKeyRef = Field(description="ConfigMap key that holds the Python module")


class Strategy(SpecModel):
    """Which Hummingbot V2 controller trades, and how."""

    controller: ModuleName = Field(description="Module name of the controller, as Hummingbot's controller_name")
    type: ControllerType = Field(
        default=ControllerType.MARKET_MAKING,
        description="Kind of controller, as Hummingbot's controller_type",
    )
    version: Annotated[
        str,
        Text(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
            message='a version has letters, digits, points, hyphens and underscores, such as "2.4"',
            max_length=63,
        ),
    ] = Field(default="1", description="Version of the strategy as the desk counts it; part of the digest")
    parameters: Parameters = Field(
        default_factory=dict, description="The controller's own fields, checked by its own schema in the bot"
    )
    code: StrategyCode | None = Field(
        default=None,
        description="Source of a controller of one's own; without it the image's controllers are used",
    )
