from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from aviary_crds.quantities import AssetAmounts, PositiveDecimalString
from aviary_crds.rules import Distinct, Immutable, Rule, Text
from aviary_crds.schema import Part, SchemaError, structural_schema
from aviary_crds.v1alpha1.base import SpecModel, StatusModel
from pydantic import BaseModel, Field, create_model

type Definition = tuple[Any, Any]


def _schema_of(type_: Any, field: Any, part: Part = Part.SPEC) -> dict[str, Any]:
    """Return the schema of a model's one field."""
    model: type[BaseModel] = create_model("Toy", __base__=SpecModel, value=(type_, field))
    schema: dict[str, Any] = structural_schema(model, part)["properties"]["value"]
    return schema


class Colour(StrEnum):
    """A colour, as a type."""

    RED = "Red"
    BLUE = "Blue"


class Inner(SpecModel):
    """A part, as a type."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule(cel="self.low <= self.high", message="low", holds=lambda _: True),)

    low: Annotated[int, Field(ge=0, le=9)] = Field(default=1, description="Low")
    high: Annotated[int, Field(ge=0, le=9)] | None = Field(default=None, description="High")


SMALL = Annotated[int, Field(ge=0, le=9)]
WORD = Annotated[str, Field(max_length=9)]


@pytest.mark.parametrize(
    ("type_", "field", "expected"),
    [
        pytest.param(
            SMALL | None,
            Field(default=None, description="D"),
            {"description": "D", "type": "integer", "format": "int64", "minimum": 0, "maximum": 9},
            id="optional: null and its default are gone",
        ),
        pytest.param(
            Annotated[int, Field(gt=0, lt=9)],
            Field(description="D"),
            {
                "description": "D",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 9,
                "exclusiveMaximum": True,
            },
            id="exclusive bounds are flags beside the bound",
        ),
        pytest.param(
            Literal["One"],
            Field(description="D"),
            {"description": "D", "type": "string", "enum": ["One"]},
            id="a constant is an enum of one",
        ),
        pytest.param(
            Colour,
            Field(default=Colour.RED, description="D"),
            {"description": "D", "type": "string", "default": "Red", "enum": ["Red", "Blue"]},
            id="an enum is inlined, with the field's own description",
        ),
        pytest.param(
            PositiveDecimalString,
            Field(default=Decimal("1E+3"), description="D"),
            "1000",
            id="a default decimal is plain text",
        ),
        pytest.param(
            Annotated[tuple[WORD, ...], Field(max_length=3), Distinct()],
            Field(description="D"),
            {
                "description": "D",
                "type": "array",
                "maxItems": 3,
                "items": {"type": "string", "maxLength": 9},
                "x-kubernetes-list-type": "set",
            },
            id="distinct items are a set",
        ),
        pytest.param(
            frozenset[WORD],
            Field(max_length=3, description="D"),
            {
                "description": "D",
                "type": "array",
                "maxItems": 3,
                "items": {"type": "string", "maxLength": 9},
                "x-kubernetes-list-type": "set",
            },
            id="a Python set is a set",
        ),
        pytest.param(
            WORD,
            Field(description="Two ``lines``\n  of text"),
            {"description": "Two lines of text", "type": "string", "maxLength": 9},
            id="a description is one line without markup",
        ),
    ],
)
def test_field_is_said_in_a_structural_schema(type_: Any, field: Any, expected: Any) -> None:
    schema = _schema_of(type_, field)
    assert (schema["default"] if isinstance(expected, str) else schema) == expected


def test_default_of_a_part_has_no_nulls_and_its_rules_are_kept() -> None:
    immutable = Immutable(message="never")
    schema = _schema_of(Annotated[Inner, immutable], Field(default_factory=Inner, description="D"))
    assert schema["default"] == {"low": 1}
    assert schema["properties"].keys() == {"low", "high"}
    assert schema["x-kubernetes-validations"] == [
        {"rule": "self.low <= self.high", "message": "low"},
        {"rule": "self == oldSelf", "message": "never"},
    ]


def test_status_has_no_defaults() -> None:
    class Figures(StatusModel):
        fills: int = Field(default=0, description="Fills")

    assert structural_schema(Figures, Part.STATUS)["properties"]["fills"] == {
        "description": "Fills",
        "type": "integer",
        "format": "int64",
    }


def test_keys_of_a_map_are_checked_by_the_rule_over_them() -> None:
    schema = _schema_of(AssetAmounts, Field(description="D"))
    assert schema["additionalProperties"]["type"] == "string"
    assert "self.all(asset" in schema["x-kubernetes-validations"][0]["rule"]


def test_keys_of_a_form_become_free_keys_when_a_rule_says_the_form() -> None:
    key = Annotated[str, Field(pattern=r"^[a-z]+$")]
    rule = Rule(cel="self.all(k, k.matches('^[a-z]+$'))", message="lower case", holds=lambda _: True)
    schema = _schema_of(Annotated[dict[key, WORD], Field(max_length=3), rule], Field(description="D"))
    assert schema["additionalProperties"] == {"type": "string", "maxLength": 9}
    assert "patternProperties" not in schema


class Endless(SpecModel):
    """A part that holds itself."""

    again: "Endless | None" = Field(default=None, description="Again")


@pytest.mark.parametrize(
    ("type_", "field", "complaint"),
    [
        pytest.param(WORD, Field(), "has no description", id="no description"),
        pytest.param(Inner, Field(), "has no description", id="no description but the type's"),
        pytest.param(str, Field(description="D"), "text without a bound", id="text without a bound"),
        pytest.param(SMALL | WORD, Field(description="D"), "several types", id="two types"),
        pytest.param(int, Field(description="D"), "number without bounds", id="number without bounds"),
        pytest.param(Annotated[int, Field(ge=0)], Field(description="D"), "without bounds", id="number without an end"),
        pytest.param(float, Field(description="D"), "float; use basis points", id="float"),
        pytest.param(Decimal, Field(description="D"), "several types", id="decimal that may be a float"),
        pytest.param(tuple[WORD, ...], Field(description="D"), "list without a bound", id="list without a bound"),
        pytest.param(
            tuple[WORD, ...], Field(max_length=3, description="D"), "how it is merged", id="list without a list type"
        ),
        pytest.param(dict[str, WORD], Field(description="D"), "map without a bound", id="map without a bound"),
        pytest.param(dict[str, Any], Field(max_length=3, description="D"), "takes any field", id="free-form map"),
        pytest.param(
            dict[Annotated[str, Field(pattern="^[a-z]+$")], WORD],
            Field(max_length=3, description="D"),
            "add a Rule over the keys",
            id="keys of a form without a rule",
        ),
        pytest.param(
            tuple[WORD, SMALL],
            Field(description="D", json_schema_extra={"x-kubernetes-list-type": "atomic"}),
            "prefixItems",
            id="pair",
        ),
        pytest.param(Any, Field(description="D"), "one plain type", id="anything"),
        pytest.param(Endless, Field(description="D"), "contains itself", id="recursion"),
        pytest.param(WORD, Field(description="D", json_schema_extra={"x-made-up": 1}), "x-made-up", id="unknown word"),
    ],
)
def test_generator_refuses_what_it_cannot_say_faithfully(type_: Any, field: Any, complaint: str) -> None:
    with pytest.raises(SchemaError, match=complaint) as caught:
        _schema_of(type_, field)
    assert "spec.value" in str(caught.value)


def test_pattern_that_cannot_be_quoted_is_refused_at_once() -> None:
    text = Text(pattern="^it's$", message="no", max_length=9)
    with pytest.raises(ValueError, match="cannot contain one"):
        text.json_schema()
