"""Whole units and their text."""

from decimal import Decimal

import pytest
from aviary_services.sim_venue.exchange.scale import Scale


@pytest.mark.parametrize(
    ("step", "units", "text"),
    [
        ("0.01", 6_000_050, "60000.50"),
        ("0.01", 5, "0.05"),
        ("0.5", 3, "1.5"),
        ("0.000001", 1, "0.000001"),
        ("1", 42, "42"),
        ("10", 7, "70"),
        ("0.1", -15, "-1.5"),
        ("0.25", 0, "0.00"),
        ("1E+2", 3, "300"),
    ],
)
def test_units_are_written_with_the_decimals_of_the_step(step: str, units: int, text: str) -> None:
    scale = Scale(Decimal(step))
    assert scale.text(units) == text
    assert scale.value(units) == Decimal(text)


@pytest.mark.parametrize(("value", "units"), [("1.299", 12), ("1.3", 13), ("0", 0), ("0.09", 0)])
def test_floor_counts_whole_steps(value: str, units: int) -> None:
    assert Scale(Decimal("0.1")).floor(Decimal(value)) == units


@pytest.mark.parametrize(("value", "fits"), [("1.3", True), ("1.35", False), ("NaN", False), ("Infinity", False)])
def test_only_multiples_of_the_step_fit(value: str, *, fits: bool) -> None:
    assert Scale(Decimal("0.1")).fits(Decimal(value)) is fits


@pytest.mark.parametrize("step", ["0", "-1", "NaN", "Infinity"])
def test_a_step_must_be_a_number_above_zero(step: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Scale(Decimal(step))
