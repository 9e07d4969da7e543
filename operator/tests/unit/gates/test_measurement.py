"""What an answer means for its check, and what many answers mean."""

from datetime import timedelta
from decimal import Decimal

import pytest
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_operator.gates.decide.check_record import add_measurement, begin_record, status_value
from aviary_operator.gates.measurement import Silence, decide_measurement, threshold_text

from .evidence import NOW, check, reading


@pytest.mark.parametrize(
    ("comparison", "passing", "failing"),
    [
        ("LessThan", ["4.999", "-9"], ["5", "5.001"]),
        ("AtMost", ["5", "-9"], ["5.001"]),
        ("Equal", ["5", "5.000"], ["4.999", "5.001"]),
        ("AtLeast", ["5", "9"], ["4.999"]),
        ("MoreThan", ["5.001"], ["5", "4"]),
    ],
)
def test_thresholds(comparison: str, passing: list[str], failing: list[str]) -> None:
    item = check(threshold={"comparison": comparison, "value": "5"})
    for value in passing:
        assert decide_measurement(item, reading(value), now=NOW).outcome is CheckState.PASSED
    for value in failing:
        assert decide_measurement(item, reading(value), now=NOW).outcome is CheckState.FAILED


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [(0, "Passed"), (1_200, "Passed"), (1_201, "Inconclusive"), (-5, "Passed"), (-6, "Inconclusive")],
)
def test_a_value_counts_while_it_is_fresh(seconds: int, outcome: str) -> None:
    answer = reading(10_000, observed=NOW - timedelta(seconds=seconds))
    assert decide_measurement(check(), answer, now=NOW).outcome == outcome


@pytest.mark.parametrize(
    ("bot", "comparison", "outcome"),
    [
        ({"field": "Fills"}, "AtLeast", "Pending"),
        ({"field": "Samples"}, "MoreThan", "Pending"),
        ({"field": "Fills"}, "Equal", "Failed"),
        ({"field": "Fills", "windowSeconds": 60}, "AtLeast", "Failed"),
        ({"field": "ReadyShareBps"}, "AtLeast", "Failed"),
    ],
)
def test_a_count_over_all_of_the_run_that_must_grow_is_not_failed_by_a_young_run(
    bot: dict[str, object], comparison: str, outcome: str
) -> None:
    item = check(bot=bot, threshold={"comparison": comparison, "value": "10"})
    assert decide_measurement(item, reading(3), now=NOW).outcome == outcome


def test_a_measurement_keeps_what_the_source_said() -> None:
    silent = Silence(state=CheckState.ERRORED, reason="Refused", message="no", query="up", sha256="sha256:1")
    made = decide_measurement(check(), silent, now=NOW)
    assert (made.outcome, made.reason, made.query, made.value, made.sha256) == (
        CheckState.ERRORED,
        "Refused",
        "up",
        None,
        "sha256:1",
    )


def test_thresholds_in_words() -> None:
    assert threshold_text(check().threshold) == "at least 9500"


@pytest.mark.parametrize("value", ["1e300", "-1e300", "1e16", "1e-300", "0.1234567890123456789", "-5", "NaN"])
def test_every_value_fits_the_status(value: str) -> None:
    shown = status_value(Decimal(value))
    assert shown is None or len(format(shown, "f")) <= 64


def test_a_measurement_of_another_check_is_refused() -> None:
    with pytest.raises(ValueError, match="does not belong"):
        add_measurement(begin_record(check("one"), began=NOW), decide_measurement(check("two"), reading(1), now=NOW))


def test_a_window_that_reaches_back_before_the_run_is_pending_whatever_it_shows() -> None:
    for value in (10_000, 0):
        record = begin_record(check(), began=NOW - timedelta(seconds=299))
        record = add_measurement(record, decide_measurement(check(), reading(value), now=NOW))
        assert (record.passed, record.failed) == (0, 0)
        assert record.newest is not None
        assert record.newest.reason == "WindowNotFull"


def test_errors_in_a_row_end_with_an_answer() -> None:
    silent = Silence(state=CheckState.ERRORED, reason="Refused", message="no")
    record = begin_record(check(), began=NOW - timedelta(hours=1))
    for answer, row in ((silent, 1), (silent, 2), (reading(10_000), 0), (silent, 1)):
        record = add_measurement(record, decide_measurement(check(), answer, now=NOW))
        assert record.errors_in_a_row == row
