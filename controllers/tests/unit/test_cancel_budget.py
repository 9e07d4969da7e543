from aviary_bot.cancel_budget import BudgetState, CancelBudget
from hypothesis import given
from hypothesis import strategies as st

LIMIT = 4


def _send(budget: CancelBudget, cancels: int, now: float, limit: int = LIMIT) -> BudgetState:
    for _ in range(cancels):
        budget.note(now)
    return budget.judge(limit, now)


def _bursts(budget: CancelBudget, *times: float) -> list[BudgetState]:
    """Send too many at each time, and look again when each has left the minute."""
    states = []
    for now in times:
        states.append(_send(budget, 5, now))
        assert budget.judge(LIMIT, now + 60.0) == "Within"
    return states


def test_as_many_cancels_as_the_limit_are_within_it() -> None:
    budget = CancelBudget()
    assert _send(budget, LIMIT, 0.0) == "Within"
    assert _send(budget, 1, 59.9) == "Exceeded"
    assert budget.breaches == 1


def test_a_cancel_counts_for_a_minute() -> None:
    budget = CancelBudget()
    budget.note(0.0)
    budget.note(30.0)
    assert [budget.count(now) for now in (30.0, 59.9, 60.0, 89.9, 90.0)] == [2, 2, 1, 1, 0]


def test_the_budget_is_within_again_with_a_quarter_to_spare() -> None:
    budget = CancelBudget()
    for now in (0.0, 1.0, 2.0, 3.0, 4.0):
        state = _send(budget, 1, now)
    assert state == "Exceeded"
    assert [budget.judge(LIMIT, now) for now in (59.9, 60.0, 61.0)] == ["Exceeded", "Exceeded", "Within"]


def test_another_limit_counts_at_once() -> None:
    budget = CancelBudget()
    assert _send(budget, 5, 0.0) == "Exceeded"
    assert budget.judge(5, 1.0) == "Within"
    assert budget.judge(3, 2.0) == "Exceeded"


def test_a_third_minute_in_a_row_exhausts_it() -> None:
    budget = CancelBudget()
    states = _bursts(budget, 0.0, 61.0, 122.0)
    assert (states, budget.breaches) == (["Exceeded", "Exceeded", "Exhausted"], 3)


def test_several_breaches_within_a_minute_are_one() -> None:
    budget = CancelBudget()
    for now in (0.0, 10.0, 20.0, 30.0):
        _send(budget, 5, now)
        assert budget.judge(10_000, now) == "Within"
    assert budget.breaches == 1


def test_a_quiet_minute_between_begins_a_new_row() -> None:
    budget = CancelBudget()
    states = _bursts(budget, 0.0, 61.0, 200.0, 261.0, 322.0)
    assert states == [*["Exceeded"] * 4, "Exhausted"]


@given(gaps=st.lists(st.floats(min_value=0.0, max_value=40.0), max_size=60))
def test_it_is_within_only_when_the_last_minute_is(gaps: list[float]) -> None:
    budget, now, sent = CancelBudget(), 0.0, list[float]()
    for gap in gaps:
        now += gap
        sent.append(now)
        state = _send(budget, 1, now)
        recent = sum(1 for each in sent if now - each < 60.0)
        assert budget.count(now) == recent
        assert state != "Within" or recent <= LIMIT
        assert state == "Within" or recent > LIMIT * 3 // 4
