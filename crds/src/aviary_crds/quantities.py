"""The units of the API as types: basis points, decimal strings, pairs, images.

Ratios are integers in basis points (150 is 1.5 %). Money and quantities are decimal *strings* on the wire and
``Decimal`` in code: a float would round, and a JSON number is a float to most readers. Each type carries its own
structural schema, so that the API server and pydantic refuse the same values.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

DECIMAL_PATTERN: Final = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$"
PAIR_PATTERN: Final = r"^[A-Z0-9]{2,20}-[A-Z0-9]{2,20}$"
CONNECTOR_PATTERN: Final = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
MODULE_PATTERN: Final = r"^[a-z][a-z0-9_]{0,62}$"
IMAGE_PATTERN: Final = r"^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$"
NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
QUANTITY_PATTERN: Final = r"^[1-9][0-9]{0,11}(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"


def parse_decimal(value: Any) -> Decimal:
    """Read a decimal string as ``Decimal``.

    Raises:
        ValueError: when the value is not a string (a float has already lost digits), is not finite, is negative,
            or has more than 15 digits before or 12 after the point.
    """
    if isinstance(value, Decimal):
        text = format(value, "f")
    elif isinstance(value, str):
        text = value
    else:
        message = f'write money and quantities as quoted decimal strings, such as "1000.50"; got {value!r}'
        raise ValueError(message)  # noqa: TRY004  pydantic turns ValueError into a validation error, not TypeError
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {text!r}") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"must be a finite number of 0 or more, got {text!r}")
    _, digits, exponent = number.as_tuple()
    if isinstance(exponent, int) and (-exponent > 12 or len(digits) + exponent > 15):  # noqa: PLR2004  as DECIMAL_PATTERN
        raise ValueError(f"at most 15 digits before the point and 12 after it, got {text!r}")
    return number


def decimal_text(value: Decimal) -> str:
    """Write a ``Decimal`` in the one canonical way: no exponent, no trailing zeros, ``0`` for nothing."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


_STRING = PlainSerializer(decimal_text, return_type=str)

DecimalString = Annotated[
    Decimal,
    BeforeValidator(parse_decimal),
    _STRING,
    WithJsonSchema({"type": "string", "pattern": DECIMAL_PATTERN, "maxLength": 32}),
]
"""A decimal of 0 or more; a string on the wire."""

PositiveDecimalString = Annotated[
    Decimal,
    BeforeValidator(parse_decimal),
    Field(gt=0),
    _STRING,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": DECIMAL_PATTERN,
            "maxLength": 32,
            "x-kubernetes-validations": [
                {
                    "rule": "double(self) > 0.0",
                    "message": 'must be above 0, as a quoted decimal such as "250.00"',
                }
            ],
        }
    ),
]
"""A decimal above 0; a string on the wire."""

SignedDecimalString = Annotated[
    Decimal,
    BeforeValidator(lambda value: Decimal(str(value))),
    _STRING,
    WithJsonSchema({"type": "string", "maxLength": 40}),
]
"""A decimal of either sign, for observed figures such as a day's profit or loss; a string on the wire."""

Bps = Annotated[int, Field(strict=True, ge=0, le=10_000)]
"""A ratio from 0 to 1 in basis points."""

TradingPair = Annotated[str, StringConstraints(pattern=PAIR_PATTERN, max_length=41)]
"""A pair in Hummingbot's form, BASE-QUOTE, upper case."""

ObjectName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, min_length=1, max_length=253)]
"""The name of a Kubernetes object in the same namespace."""

Quantity = Annotated[str, StringConstraints(pattern=QUANTITY_PATTERN, max_length=16)]
"""A Kubernetes resource quantity, such as ``300Mi`` or ``250m``."""
