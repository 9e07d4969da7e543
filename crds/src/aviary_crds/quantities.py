"""The units of the API as types: basis points, decimal strings, pairs, images, names.

Ratios are integers in basis points (150 is 1.5 %). Money and quantities are decimal *strings* on the wire and
``Decimal`` in code: a float would round, and a JSON number is a float to most readers. Each type carries its own
structural schema, so that the API server and pydantic refuse the same values.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from aviary_crds.rules import VALIDATIONS, Rule, Text, cel_text

DECIMAL_PATTERN: Final = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$"
ASSET_PATTERN: Final = r"^[A-Z0-9]{1,20}$"
PAIR_PATTERN: Final = r"^[A-Z0-9]{1,20}-[A-Z0-9]{1,20}$"
CONNECTOR_PATTERN: Final = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
MODULE_PATTERN: Final = r"^[a-z][a-z0-9_]{0,62}$"
IMAGE_PATTERN: Final = r"^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$"
LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
CPU_PATTERN: Final = r"^[1-9][0-9]{0,6}m?$"
BYTES_PATTERN: Final = r"^[1-9][0-9]{0,11}(k|M|G|T|Ki|Mi|Gi|Ti)?$"

SIGNED_DECIMAL_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$"
SIGNED_DECIMAL_MESSAGE: Final = (
    'write a number as a quoted decimal such as "0.65" or "-20": a minus, digits and one point only, no exponent'
)

DECIMAL_MESSAGE: Final = (
    'write money and quantities as a quoted decimal such as "250.00": digits and one point, no sign, no exponent, '
    "no leading zero, at most 15 digits before the point and 12 after it"
)
POSITIVE_MESSAGE: Final = 'must be above 0, as a quoted decimal such as "250.00"'

_BYTE_UNITS: Final = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def parse_decimal(value: Any) -> Decimal:
    """Read a decimal string as ``Decimal``.

    Raises:
        ValueError: when the value is not a string (a float has already lost digits), is not finite, is negative, or
            has more than 15 digits before or 12 after the point.
    """
    text = decimal_text(value) if isinstance(value, Decimal) and value.is_finite() else value
    if not isinstance(text, str) or not re.fullmatch(DECIMAL_PATTERN, text):
        raise ValueError(f"{DECIMAL_MESSAGE}; got {value!r}")
    return Decimal(text)


def parse_written_signed_decimal(value: Any) -> Decimal:
    """Read a decimal string of either sign, as people write it, as ``Decimal``.

    Raises:
        ValueError: when it is not a string of that form.
    """
    text = decimal_text(value) if isinstance(value, Decimal) and value.is_finite() else value
    if not isinstance(text, str) or not re.fullmatch(SIGNED_DECIMAL_PATTERN, text):
        raise ValueError(f"{SIGNED_DECIMAL_MESSAGE}; got {value!r}")
    return Decimal(text)


def parse_signed_decimal(value: Any) -> Decimal:
    """Read an observed figure, which may be below 0, as ``Decimal``.

    Raises:
        ValueError: when it is not a finite decimal. A float is refused too: it has lost digits.
    """
    if isinstance(value, (str, Decimal)):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValueError(f"not a decimal number: {value!r}") from None
        if number.is_finite():
            return number
    raise ValueError(f'a figure is a finite decimal as a string, such as "-12.5"; got {value!r}')


def decimal_text(value: Decimal) -> str:
    """Write a ``Decimal`` in the one canonical way: no exponent, no trailing zeros, ``0`` for nothing."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def cpu_millis(quantity: str) -> int:
    """Return a processor quantity such as ``250m`` or ``2`` in thousandths of a core."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1_000


def quantity_bytes(quantity: str) -> int:
    """Return a memory or volume quantity such as ``300Mi`` in bytes."""
    digits = quantity.rstrip("kKMGTi")
    return int(digits) * _BYTE_UNITS[quantity[len(digits) :]]


def _above_zero(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError(POSITIVE_MESSAGE)
    return value


_STRING: Final = PlainSerializer(decimal_text, return_type=str)
_DECIMAL_TEXT: Final = Text(pattern=DECIMAL_PATTERN, message=DECIMAL_MESSAGE, max_length=32).json_schema()
# a decimal string above 0 is one with a digit above 0: no conversion that could fail on a string that is no number
_POSITIVE_RULE: Final = {"rule": f"self.matches({cel_text('[1-9]')})", "message": POSITIVE_MESSAGE}

DecimalString = Annotated[Decimal, BeforeValidator(parse_decimal), _STRING, WithJsonSchema(_DECIMAL_TEXT)]
"""A decimal of 0 or more; a string on the wire."""

PositiveDecimalString = Annotated[
    Decimal,
    BeforeValidator(parse_decimal),
    AfterValidator(_above_zero),
    _STRING,
    WithJsonSchema({**_DECIMAL_TEXT, VALIDATIONS: [*_DECIMAL_TEXT[VALIDATIONS], _POSITIVE_RULE]}),
]
"""A decimal above 0; a string on the wire."""

SignedDecimalText = Annotated[
    Decimal,
    BeforeValidator(parse_written_signed_decimal),
    _STRING,
    WithJsonSchema(Text(pattern=SIGNED_DECIMAL_PATTERN, message=SIGNED_DECIMAL_MESSAGE, max_length=32).json_schema()),
]
"""A decimal of either sign that people write, for thresholds; a string on the wire."""

SignedDecimalString = Annotated[
    Decimal,
    BeforeValidator(parse_signed_decimal),
    _STRING,
    WithJsonSchema({"type": "string", "maxLength": 64}),
]
"""A decimal of either sign, for observed figures such as a day's profit or loss; a string on the wire."""

Bps = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""A ratio from 0 to 1 in basis points."""

TradingPair = Annotated[
    str,
    Text(
        pattern=PAIR_PATTERN,
        message="a trading pair is BASE-QUOTE in upper case with a hyphen, such as BTC-USDT",
        max_length=41,
    ),
]
"""A pair in Hummingbot's form, BASE-QUOTE, upper case."""

AssetAmounts = Annotated[
    dict[str, PositiveDecimalString],
    Field(max_length=32),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 32,
            "additionalProperties": {**_DECIMAL_TEXT, VALIDATIONS: [*_DECIMAL_TEXT[VALIDATIONS], _POSITIVE_RULE]},
        }
    ),
    Rule(
        cel=f"self.all(asset, asset.matches({cel_text(ASSET_PATTERN)}))",
        message="an asset is written in upper case, such as USDT",
        holds=lambda amounts: all(re.fullmatch(ASSET_PATTERN, asset) for asset in amounts),
    ),
]
"""Amounts above 0 by asset."""

Connector = Annotated[
    str,
    Text(
        pattern=CONNECTOR_PATTERN,
        message="a connector is named as in Hummingbot, lower case with underscores, such as bitget_perpetual",
        max_length=63,
    ),
]
"""The name of a Hummingbot connector."""

ModuleName = Annotated[
    str,
    Text(
        pattern=MODULE_PATTERN,
        message="a controller is named by its Python module, lower case with underscores, such as pmm_simple",
        max_length=63,
    ),
]
"""The name of a Python module that holds a controller."""


def _has_version(image: str) -> bool:
    return bool(re.search(r":[A-Za-z0-9_][A-Za-z0-9_.-]*$", image)) or "@sha256:" in image


ImageReference = Annotated[
    str,
    Text(
        pattern=IMAGE_PATTERN,
        message="an image is NAME:TAG or NAME:TAG@sha256:DIGEST, the name in lower case, the digest of 64 hex digits",
        max_length=512,
    ),
    Rule(
        cel="!self.endsWith(':latest')",
        message="image tag latest changes under your feet: name a version or a digest",
        holds=lambda image: not image.endswith(":latest"),
    ),
    Rule(
        cel="self.contains('@sha256:') || self.matches(r':[A-Za-z0-9_][A-Za-z0-9_.-]*$')",
        message="image needs a tag or a digest: without one it means latest",
        holds=_has_version,
    ),
]
"""A container image with a fixed tag or a digest."""

ObjectName = Annotated[
    str,
    Text(
        pattern=NAME_PATTERN,
        message="the name of a Kubernetes object has lower-case letters, digits, hyphens and points only",
        max_length=253,
    ),
]
"""The name of a Kubernetes object in the same namespace."""

LabelName = Annotated[
    str,
    Text(
        pattern=LABEL_PATTERN,
        message="the name of a Service or a namespace has lower-case letters, digits and hyphens only",
        max_length=63,
    ),
]
"""The name of a Service or a namespace."""

ConfigMapKey = Annotated[
    str,
    Text(
        pattern=r"^[-._a-zA-Z0-9]+$",
        message="a key of a ConfigMap has letters, digits, hyphens, underscores and points only",
        max_length=253,
    ),
]
"""A key of a ConfigMap."""

CpuQuantity = Annotated[
    str,
    Text(
        pattern=CPU_PATTERN,
        message='write processor as whole cores or thousandths, such as "1" or "250m"',
        max_length=8,
    ),
]
"""An amount of processor, such as ``250m``."""

BytesQuantity = Annotated[
    str,
    Text(
        pattern=BYTES_PATTERN,
        message='write memory and volume sizes as a whole number with a unit, such as "300Mi" or "1Gi"',
        max_length=16,
    ),
]
"""An amount of memory or disk, such as ``300Mi``."""
