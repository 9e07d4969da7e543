"""Rules of the API that hold twice: in the API server as CEL, in code as a predicate, with the same words.

Ring 1 of safety is the API server, yet the operator reads objects that may have been admitted by an older schema, and a
person wants to check a manifest without a cluster. Both must refuse the same specs and say the same thing, so a rule is
one object that carries its CEL, its message and its Python twin.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

VALIDATIONS: Final = "x-kubernetes-validations"
LIST_TYPE: Final = "x-kubernetes-list-type"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule over one value; put it in ``Annotated`` for a field, or in ``SpecModel.rules`` for a whole object.

    Attributes:
        cel: the rule as the API server evaluates it, over ``self``. It must not fail on values that another rule
            refuses: an evaluation error hides the message.
        message: what is wrong and what to do, for a person; one line.
        holds: the same rule over the parsed value.
        field: the field to look at, as a path below ``self`` such as ``.gateRef``; the API server names it then, and
            not the whole object.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool]
    field: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the rule after the type."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the rule to what the API server checks."""
        return with_validations(handler(schema), (self,))

    def _checked(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(self.message)
        return value


@dataclass(frozen=True, kw_only=True)
class Immutable:
    """A value that cannot change after the object was made. Only the API server sees old and new together."""

    message: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the transition rule to what the API server checks."""
        resolved = handler(schema)
        resolved.setdefault(VALIDATIONS, []).append({"rule": "self == oldSelf", "message": self.message})
        return resolved


@dataclass(frozen=True)
class Distinct:
    """A list that names nothing twice; for server-side apply it is a set, so several appliers may each add items."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the items after the list."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Call the list a set."""
        return {**handler(schema), LIST_TYPE: "set"}

    def _checked(self, items: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({item for item in items if items.count(item) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} twice; take one of them out")
        return items


@dataclass(frozen=True, kw_only=True)
class Text:
    """A bounded string of one form, and what to write instead when the form is wrong.

    A bare pattern refuses with a regular expression, which nobody reads at night; so the same pattern is a CEL rule
    with words too. The pattern is anchored at both ends.
    """

    pattern: str
    message: str
    max_length: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check length and form."""
        bounded = core_schema.str_schema(strict=True, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(self._checked, bounded)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the form."""
        del schema, handler
        return self.json_schema()

    def json_schema(self) -> JsonSchemaValue:
        """Return the schema of such a string."""
        return {
            "type": "string",
            "maxLength": self.max_length,
            "pattern": self.pattern,
            VALIDATIONS: [{"rule": f"self.matches({cel_text(self.pattern)})", "message": self.message}],
        }

    def _checked(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.message)
        return value


def cel_text(text: str) -> str:
    """Return ``text`` as a CEL string literal that takes every character as it is."""
    if "'" in text:
        raise ValueError(f"a pattern in CEL is quoted with ', so it cannot contain one: {text}")
    return f"r'{text}'"


def with_validations(schema: JsonSchemaValue, rules: Iterable[Rule]) -> JsonSchemaValue:
    """Return ``schema`` with ``rules`` added to its CEL rules."""
    added = [_as_validation(rule) for rule in rules]
    return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, ()), *added]} if added else schema


def _as_validation(rule: Rule) -> JsonSchemaValue:
    validation = {"rule": rule.cel, "message": rule.message}
    return validation if rule.field is None else {**validation, "fieldPath": rule.field}
