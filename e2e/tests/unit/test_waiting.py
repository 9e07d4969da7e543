"""Waiting: returns what it waited for, and says what it waited for when it was in vain."""

import pytest
from aviary_e2e.waiting import DeadlineExceededError, throughout, until


def test_the_first_value_is_returned() -> None:
    answers = iter([None, False, "there"])
    assert until("it", lambda: next(answers), seconds=5, poll_seconds=0) == "there"


def test_a_deadline_names_what_was_awaited_and_the_last_trouble() -> None:
    def probe() -> None:
        raise LookupError("no pod")

    with pytest.raises(DeadlineExceededError, match=r"in vain for a pod; last error: no pod"):
        until("a pod", probe, seconds=0, poll_seconds=0)


def test_a_programming_error_is_not_waited_away() -> None:
    def probe() -> None:
        raise TypeError("wrong")

    with pytest.raises(TypeError):
        until("it", probe, seconds=5, poll_seconds=0)


def test_what_must_hold_throughout_fails_at_the_first_no() -> None:
    answers = iter([True, True, False])
    with pytest.raises(AssertionError, match="quiet: no longer so"):
        throughout("quiet", lambda: next(answers), seconds=5, poll_seconds=0)


def test_what_holds_throughout_is_looked_at_at_least_once() -> None:
    assert throughout("quiet", lambda: True, seconds=0, poll_seconds=0) >= 1
