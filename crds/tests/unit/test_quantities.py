from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.quantities import (
    BytesQuantity,
    CpuQuantity,
    DecimalString,
    ImageReference,
    PositiveDecimalString,
    SignedDecimalString,
    TradingPair,
    cpu_millis,
    decimal_text,
    quantity_bytes,
)
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(DecimalString)
POSITIVE: TypeAdapter[Decimal] = TypeAdapter(PositiveDecimalString)
SIGNED: TypeAdapter[Decimal] = TypeAdapter(SignedDecimalString)

AMOUNTS = st.decimals(min_value=0, max_value=10**15 - 1, places=12, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("text", ["0", "0.0", "1", "250.00", "0.000000000001", "999999999999999.999999999999"])
def test_amount_is_read_exactly(text: str) -> None:
    assert AMOUNT.validate_python(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    [
        1000,
        1000.5,
        True,
        None,
        "",
        " ",
        "-1",
        "-0",
        "+1",
        "01",
        ".5",
        "5.",
        "1e3",
        "1E3",
        "1_000",
        "1,000",
        "1000 ",
        "1000\n",
        "0x10",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "\N{ARABIC-INDIC DIGIT ONE}00",
        "1234567890123456",
        "0.1234567890123",
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal(-1),
        Decimal("1E+15"),
        Decimal("1E-13"),
    ],
    ids=repr,
)
def test_amount_that_is_not_a_plain_decimal_string_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="write money and quantities as a quoted decimal"):
        AMOUNT.validate_python(value)


@pytest.mark.parametrize("value", ["0", "0.0", "0.000000000000", Decimal(0), Decimal("-0")], ids=repr)
def test_nothing_is_no_positive_amount(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be above 0"):
        POSITIVE.validate_python(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal(250), "250"),
        (Decimal("250.00"), "250"),
        (Decimal("2.5E+2"), "250"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal(0), "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("-12.50"), "-12.5"),
        (Decimal(100), "100"),
    ],
    ids=repr,
)
def test_decimal_has_one_spelling(value: Decimal, text: str) -> None:
    assert decimal_text(value) == text


@given(AMOUNTS)
def test_every_amount_survives_the_wire(amount: Decimal) -> None:
    wire = AMOUNT.dump_json(amount)
    assert AMOUNT.validate_json(wire) == amount
    assert AMOUNT.dump_json(AMOUNT.validate_json(wire)) == wire


@given(AMOUNTS, st.integers(min_value=0, max_value=3))
def test_trailing_zeros_change_no_spelling(amount: Decimal, zeros: int) -> None:
    padded = Decimal(format(amount.quantize(Decimal(1)), "f") + "." + "0" * zeros) if zeros else amount
    assert decimal_text(padded) == decimal_text(padded.normalize())


@pytest.mark.parametrize(("value", "number"), [("-12.5", "-12.5"), ("1E+3", "1000"), (Decimal("0.1"), "0.1")])
def test_figure_may_be_below_zero(value: str | Decimal, number: str) -> None:
    assert SIGNED.validate_python(value) == Decimal(number)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "", "n/a", 1.5, 3, None, Decimal("NaN")], ids=repr)
def test_figure_that_nobody_can_compare_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        SIGNED.validate_python(value)


@pytest.mark.parametrize("pair", ["BTC-USDT", "W-USDT", "1000PEPE-USDC", "S-U"])
def test_pair_of_a_venue_is_taken(pair: str) -> None:
    assert TypeAdapter(TradingPair).validate_python(pair) == pair


@pytest.mark.parametrize("pair", ["BTCUSDT", "BTC/USDT", "btc-usdt", "BTC-", "-USDT", "BTC-USDT-PERP", "BTC-USDT\n"])
def test_pair_of_another_form_is_refused(pair: str) -> None:
    with pytest.raises(ValidationError, match="BASE-QUOTE"):
        TypeAdapter(TradingPair).validate_python(pair)


@pytest.mark.parametrize(
    "image",
    [
        "bot:0.1.0",
        "localhost/aviary-bot:dev",
        "registry.example:5000/desk/bot:v1",
        f"registry.example/bot@sha256:{'a' * 64}",
        f"registry.example/bot:latest@sha256:{'a' * 64}",
    ],
)
def test_image_with_a_version_is_taken(image: str) -> None:
    assert TypeAdapter(ImageReference).validate_python(image) == image


@pytest.mark.parametrize("image", ["bot", "bot:", "bot:latest", "registry.example:5000/bot", "Bot:1", "bot@sha256:ab"])
def test_image_without_a_version_is_refused(image: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ImageReference).validate_python(image)


@pytest.mark.parametrize(("text", "millis"), [("250m", 250), ("1", 1_000), ("16", 16_000)])
def test_processor_is_counted_in_thousandths(text: str, millis: int) -> None:
    assert cpu_millis(TypeAdapter(CpuQuantity).validate_python(text)) == millis


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("300Mi", 300 * 2**20), ("1Gi", 2**30), ("1G", 10**9), ("5k", 5_000), ("2Ki", 2_048), ("1Ti", 2**40)],
)
def test_memory_is_counted_in_bytes(text: str, size: int) -> None:
    assert quantity_bytes(TypeAdapter(BytesQuantity).validate_python(text)) == size
