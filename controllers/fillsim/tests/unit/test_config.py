"""Parameters that cannot be right are refused, with their name."""

from decimal import Decimal

import pytest
from aviary_fillsim import SimConfig

GOOD: dict[str, object] = {
    "tick_size": Decimal("0.1"),
    "lot_size": Decimal("0.01"),
    "maker_fee_bps": Decimal(2),
    "taker_fee_bps": Decimal("3.6"),
}


def test_defaults_are_those_of_a_paper_bot() -> None:
    config = SimConfig(**GOOD)  # type: ignore[arg-type]  # one table serves all tests
    assert (config.seed, config.latency_ms, config.queue_participation_bps) == (7, 150, 3_500)
    assert (config.partial_min_bps, config.partial_max_bps) == (1_500, 8_500)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("tick_size", Decimal(0), ValueError),
        ("tick_size", Decimal("NaN"), ValueError),
        ("lot_size", Decimal(-1), ValueError),
        ("lot_size", 0.01, TypeError),
        ("maker_fee_bps", 2.0, TypeError),
        ("taker_fee_bps", Decimal("Infinity"), ValueError),
        ("latency_ms", -1, ValueError),
        ("latency_ms", 1.5, TypeError),
        ("queue_participation_bps", 0, ValueError),
        ("queue_participation_bps", 10_001, ValueError),
        ("queue_participation_bps", 0.35, TypeError),
        ("partial_min_bps", 0, ValueError),
        ("partial_min_bps", 9_000, ValueError),
        ("partial_max_bps", 10_001, ValueError),
        ("seed", "7", TypeError),
        ("seed", True, TypeError),
    ],
)
def test_a_parameter_out_of_bounds_is_named(field: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=field):
        SimConfig(**(GOOD | {field: value}))  # type: ignore[arg-type]  # wrong on purpose
