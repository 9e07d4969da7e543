from datetime import UTC, datetime, timedelta

import pytest
from aviary_crds.conditions import MESSAGE_LIMIT, Condition, ConditionStatus, find_condition, merge_conditions
from pydantic import ValidationError

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def _stated(
    *stated: tuple[str, ConditionStatus, str, str], previous: tuple[Condition, ...] = (), now: datetime = NOON
) -> tuple[Condition, ...]:
    return merge_conditions(previous, stated, generation=3, now=now)


def test_first_statement_is_dated_now_and_belongs_to_the_generation() -> None:
    (ready,) = _stated(("Ready", "Unknown", "Starting", "the pod is being made"))
    assert ready == Condition(
        type="Ready",
        status="Unknown",
        reason="Starting",
        message="the pod is being made",
        observed_generation=3,
        last_transition_time=NOON,
    )


@pytest.mark.parametrize(
    ("status", "since"),
    [("True", NOON), ("False", LATER), ("Unknown", LATER)],
)
def test_transition_time_moves_only_when_the_status_flips(status: ConditionStatus, since: datetime) -> None:
    before = _stated(("Ready", "True", "Running", "trades"))
    (ready,) = _stated(("Ready", status, "Other", "another message"), previous=before, now=LATER)
    assert (ready.last_transition_time, ready.reason, ready.message) == (since, "Other", "another message")


def test_transition_time_has_whole_seconds() -> None:
    (ready,) = _stated(("Ready", "True", "Running", ""), now=NOON.replace(microsecond=123_456))
    assert ready.last_transition_time == NOON


def test_what_is_not_stated_any_more_is_gone() -> None:
    before = _stated(("Halted", "True", "DailyLoss", ""), ("Ready", "False", "Halted", ""))
    assert [condition.type for condition in _stated(("Ready", "True", "Running", ""), previous=before)] == ["Ready"]


def test_a_negative_condition_that_comes_back_is_dated_anew() -> None:
    before = _stated(("Stalled", "True", "InvalidSpec", ""))
    between = _stated(previous=before)
    (again,) = _stated(("Stalled", "True", "InvalidSpec", ""), previous=between, now=LATER)
    assert again.last_transition_time == LATER


def test_conditions_are_sorted_by_type_whatever_the_order_of_statements() -> None:
    one: tuple[str, ConditionStatus, str, str] = ("Ready", "True", "Running", "")
    two: tuple[str, ConditionStatus, str, str] = ("ConfigInSync", "True", "InSync", "")
    assert _stated(one, two) == _stated(two, one)


def test_restating_the_same_is_the_same() -> None:
    before = _stated(("Ready", "True", "Running", "trades"))
    assert _stated(("Ready", "True", "Running", "trades"), previous=before, now=LATER) == before


def test_a_type_cannot_be_stated_twice() -> None:
    with pytest.raises(ValueError, match="Ready is stated twice"):
        _stated(("Ready", "True", "Running", ""), ("Ready", "False", "Failed", ""))


def test_long_message_is_cut_to_what_the_api_server_takes() -> None:
    (ready,) = _stated(("Ready", "False", "Failed", "x" * (MESSAGE_LIMIT + 1)))
    assert len(ready.message) == MESSAGE_LIMIT


@pytest.mark.parametrize("reason", ["", "not one word", "1st", "Dash-ed"])
def test_reason_is_one_word_for_machines(reason: str) -> None:
    with pytest.raises(ValidationError):
        _stated(("Ready", "False", reason, ""))


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        _stated(("Ready", "True", "Running", ""), now=NOON.replace(tzinfo=None))


def test_condition_survives_the_wire_and_keeps_out_what_it_does_not_know() -> None:
    (ready,) = _stated(("Ready", "True", "Running", "trades"))
    wire = ready.model_dump(mode="json", by_alias=True)
    assert wire["lastTransitionTime"] == "2026-11-21T12:00:00Z"
    assert Condition.model_validate(wire | {"ofTheFuture": 1}) == ready


def test_condition_is_found_by_type() -> None:
    conditions = _stated(("Ready", "True", "Running", ""), ("Halted", "True", "Manual", ""))
    found = find_condition(conditions, "Halted")
    assert found is not None
    assert found.reason == "Manual"
    assert find_condition(conditions, "Stalled") is None
