"""From a pydantic model to a structural schema, as CustomResourceDefinitions want it.

The API server takes a narrow dialect of JSON schema: no references, no ``null`` types, no ``const``, no
``patternProperties``. This module converts what pydantic emits, and refuses what it cannot convert faithfully: a rule
that is dropped in silence is a ceiling that is open. It also insists on what a good API has: a description on every
field, a bound on every text, list, map and number that people write, and a list type for every list.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, override

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, NoDefault
from pydantic_core import core_schema

from aviary_crds.quantities import decimal_text
from aviary_crds.rules import LIST_TYPE, VALIDATIONS

type Schema = dict[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"

_KEY_ORDER: Final = (
    "description",
    "type",
    "format",
    "default",
    "enum",
    "pattern",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "items",
    "additionalProperties",
    PRESERVE,
    LIST_TYPE,
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    VALIDATIONS,
)
"""Every key that this generator emits, in the order in which it does."""


class SchemaError(Exception):
    """A model says something that a structural schema cannot, or leaves out what the API conventions ask for."""


class Part(StrEnum):
    """Which half of an object a schema is for."""

    SPEC = "spec"
    """Written by people: everything bounded, defaults filled in by the API server."""
    STATUS = "status"
    """Written by the operator alone: no defaults, for a default would be an observation that nobody made."""


def structural_schema(model: type[BaseModel], part: Part) -> Schema:
    """Return the structural schema of ``model``, the root of ``part``.

    Raises:
        SchemaError: naming the field, when the model cannot be said in a structural schema.
    """
    raw = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_WithFactories)
    definitions = raw.pop("$defs", {})
    return _Conversion(definitions, part).convert(raw, where=part.value, trail=())


class _WithFactories(GenerateJsonSchema):
    """pydantic's generator, which also tells defaults that come from a factory."""

    @override
    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        default = super().get_default_value(schema)
        if default is NoDefault and "default_factory" in schema and not schema.get("default_factory_takes_data"):
            factory: Any = schema["default_factory"]
            return factory()
        return default

    @override
    def encode_default(self, dft: Any) -> Any:
        return decimal_text(dft) if isinstance(dft, Decimal) else super().encode_default(dft)


class _Conversion:
    def __init__(self, definitions: Mapping[str, Schema], part: Part) -> None:
        self._definitions = definitions
        self._part = part

    def convert(self, raw: Schema, *, where: str, trail: tuple[str, ...]) -> Schema:
        node, trail = self._resolved(raw, where, trail)
        node = _plain_keywords(node, where)
        if "properties" in node:
            node["properties"] = {
                name: self._field(inner, where=f"{where}.{name}", trail=trail)
                for name, inner in node["properties"].items()
            }
        if "items" in node:
            node["items"] = self.convert(node["items"], where=f"{where}[]", trail=trail)
        if "additionalProperties" in node:
            node["additionalProperties"] = self.convert(node["additionalProperties"], where=f"{where}.*", trail=trail)
        self._settle_default(node)
        _require_bounds(node, where, self._part)
        return _ordered(node, where)

    def _field(self, raw: Schema, *, where: str, trail: tuple[str, ...]) -> Schema:
        # the docstring of a type says what the type is; a field must say what it is there for
        if not raw.get("description"):
            raise SchemaError(f"{where} has no description; give its Field one")
        return self.convert(raw, where=where, trail=trail)

    def _resolved(self, raw: Schema, where: str, trail: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """Inline references and optional types; what stands at the field wins over what stands at the type."""
        node = dict(raw)
        while True:
            if "$ref" in node:
                name = node.pop("$ref").removeprefix("#/$defs/")
                if name in trail:
                    raise SchemaError(f"{where} contains itself ({name}); a structural schema cannot recurse")
                trail = (*trail, name)
                node = _merged(self._definitions[name], node)
            elif "anyOf" in node:
                branches = [branch for branch in node.pop("anyOf") if branch != {"type": "null"}]
                if len(branches) != 1:
                    raise SchemaError(f"{where} may be of several types; a structural schema knows one, or none")
                node = _merged(branches[0], node)
            else:
                return node, trail

    def _settle_default(self, node: Schema) -> None:
        if "default" not in node:
            return
        default = _without_nulls(node["default"])
        if default is None or self._part is Part.STATUS:
            del node["default"]
        else:
            node["default"] = default


def _merged(base: Schema, over: Schema) -> Schema:
    validations = [*base.get(VALIDATIONS, ()), *over.get(VALIDATIONS, ())]
    return {**base, **over, **({VALIDATIONS: validations} if validations else {})}


def _plain_keywords(node: Schema, where: str) -> Schema:
    """Say in the dialect of structural schemas what pydantic says in other words."""
    node = {key: value for key, value in node.items() if key != "title"}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    for edge in ("Minimum", "Maximum"):
        bound = node.get(f"exclusive{edge}")
        if bound is not None and not isinstance(bound, bool):
            node[edge.lower()], node[f"exclusive{edge}"] = bound, True
    if node.pop("uniqueItems", False):
        node[LIST_TYPE] = "set"
    if "patternProperties" in node:
        node = _with_free_keys(node, where)
    extra = node.get("additionalProperties")
    if extra is False:
        # closed objects are pruned, and strict clients are told
        del node["additionalProperties"]
    elif extra is True:
        raise SchemaError(f"{where} takes any field; only free-form parameters may, and say {PRESERVE}")
    if node.get("type") == "integer":
        node["format"] = "int64"
    if "description" in node:
        node["description"] = " ".join(node["description"].replace("``", "").split())
    return node


def _with_free_keys(node: Schema, where: str) -> Schema:
    patterns: Schema = node.pop("patternProperties")
    rules = " ".join(rule["rule"] for rule in node.get(VALIDATIONS, ()))
    if len(patterns) != 1 or next(iter(patterns)) not in rules:
        raise SchemaError(f"{where} has keys of a form; a structural schema cannot say so: add a Rule over the keys")
    return {**node, "additionalProperties": next(iter(patterns.values()))}


def _require_bounds(node: Schema, where: str, part: Part) -> None:
    missing = None if node.get(PRESERVE) else _missing_bound(node, part)
    if missing:
        raise SchemaError(f"{where} is {missing}")


def _missing_bound(node: Schema, part: Part) -> str | None:  # noqa: PLR0911  a table reads best as one
    match node.get("type"):
        case "string" if "maxLength" not in node and "enum" not in node and node.get("format") != "date-time":
            return "text without a bound; give it a max_length"
        case "integer" if part is Part.SPEC and not {"minimum", "maximum"} <= node.keys():
            return "a number without bounds; give it ge and le"
        case "array" if "maxItems" not in node:
            return "a list without a bound; give it a max_length"
        case "array" if LIST_TYPE not in node:
            return f"a list that does not say how it is merged; give it {LIST_TYPE}"
        case "object" if "additionalProperties" in node and "maxProperties" not in node:
            return "a map without a bound; give it a max_length"
        case "string" | "integer" | "array" | "object" | "boolean":
            return None
        case "number":
            return "a float; use basis points or a decimal string"
        case other:
            return f"of type {other!r}; a structural schema needs one plain type"


def _ordered(node: Schema, where: str) -> Schema:
    foreign = sorted(set(node) - set(_KEY_ORDER))
    if foreign:
        raise SchemaError(f"{where} says {', '.join(foreign)}, which a structural schema does not know")
    return {key: node[key] for key in _KEY_ORDER if key in node}


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [_without_nulls(inner) for inner in value]
        case _:
            return value
