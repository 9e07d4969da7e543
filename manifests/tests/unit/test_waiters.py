"""kstatus and ``kubectl wait`` read the conditions as they are meant; where they do not, it is known and told."""

from pathlib import Path

import pytest

from manifests.tests.cases import ARGOCD, Case, find_cases
from manifests.tests.expected import DIFFERS, EXPECTED
from manifests.tests.waiters import compute_kstatus, is_wait_over

CASES = find_cases()
SAME = {"Healthy": {"Current"}, "Progressing": {"InProgress", "Terminating"}, "Degraded": {"Failed"}}
README = Path(ARGOCD / "README.md")


def test_every_case_has_its_expectation() -> None:
    assert sorted(case.name for case in CASES) == sorted(EXPECTED)
    assert set(DIFFERS) <= set(EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_read_as_expected(case: Case) -> None:
    obj = case.read()
    assert (compute_kstatus(obj), is_wait_over(obj, "Ready")) == EXPECTED[case.name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kstatus_and_argo_cd_agree_but_where_it_is_said_why_not(case: Case) -> None:
    agree = compute_kstatus(case.read()) in SAME.get(case.expected.status, set())
    assert agree == (case.name not in DIFFERS)


@pytest.mark.parametrize("state", ["soaking", "waiting_for_evidence", "waiting_for_people", "check_failed"])
def test_gate_that_says_no_is_current_and_nobody_waits_for_it(state: str) -> None:
    (case,) = [case for case in CASES if case.name == f"PromotionGate/healthy_{state}"]
    obj = case.read()
    assert compute_kstatus(obj) == "Current"
    assert is_wait_over(obj, "Ready")
    assert not is_wait_over(obj, "Passed")


def test_wait_for_a_pass_ends_with_the_grant_and_not_with_an_old_one() -> None:
    (granted,) = [case for case in CASES if case.name == "PromotionGate/healthy_granted"]
    obj = granted.read()
    assert is_wait_over(obj, "passed")
    obj["metadata"]["generation"] += 1
    assert not is_wait_over(obj, "passed")
    assert compute_kstatus(obj) == "InProgress"


def test_readme_tells_every_state() -> None:
    text = README.read_text(encoding="utf-8")
    assert [case.name for case in CASES if f"`{case.path.stem}`" not in text] == []
