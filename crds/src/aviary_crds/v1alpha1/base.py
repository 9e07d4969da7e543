"""What all models of the API share: camelCase on the wire, frozen in code, strict in spec, lenient in status."""

from typing import Any, ClassVar, Final, Self, override

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, ValidationError

from aviary_crds.rules import Rule, with_validations

RULE_BROKEN: Final = "rule_broken"
"""Type of the pydantic error that a broken rule is; its message is the rule's."""


def _as_error(rule: Rule) -> InitErrorDetails:
    location = tuple(rule.field.removeprefix(".").split(".")) if rule.field else ()
    return {
        "type": PydanticCustomError(RULE_BROKEN, "{message}", {"message": rule.message}),
        "loc": location,
        "input": None,
    }


class RuledModel(BaseModel):
    """Something that rules over several fields hold for."""

    rules: ClassVar[tuple[Rule, ...]] = ()
    """The API server checks the same ones."""

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        broken = [_as_error(rule) for rule in self.rules if not rule.holds(self)]
        if broken:
            raise ValidationError.from_exception_data(type(self).__name__, broken)
        return self

    @classmethod
    @override
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add ``rules`` to what the API server checks."""
        reference = handler(schema)
        body = handler.resolve_ref_schema(reference)
        body.update(with_validations(body, cls.rules))
        return reference


class SpecModel(RuledModel):
    """Part of a spec: unknown fields are errors, values are what the API server would take."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, ser_json_inf_nan="constants"
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_left_out(cls, value: Any) -> Any:
        # the API server drops a null before it fills in defaults
        if isinstance(value, dict):
            return {key: inner for key, inner in value.items() if inner is not None}
        return value


class StatusModel(BaseModel):
    """Part of a status: a newer operator may have written fields that this one does not know."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)
