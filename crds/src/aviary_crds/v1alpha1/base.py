"""What all models of the API share: camelCase on the wire, frozen in code, strict in spec, lenient in status."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Return the schema extra that carries CEL ``rules``, each a pair of rule and message for a person."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


IMMUTABLE: Final = "self == oldSelf"


class SpecModel(BaseModel):
    """Part of a spec: unknown fields are errors, values are what the API server would take."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, ser_json_inf_nan="null"
    )


class StatusModel(BaseModel):
    """Part of a status: a newer operator may have written fields that this one does not know."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)
