"""Whose yes counts, and why another's does not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aviary_crds.v1alpha1.gatestatus import MOST_APPROVALS
from aviary_operator.gates.decide.approvals import enough_until, read_acknowledgements
from aviary_operator.gates.decide.gate_view import ApprovalFacts, GateFacts

from .evidence import (
    MADE,
    NOW,
    OTHER_DIGEST,
    SEEN,
    approval,
    bot_facts,
    check_body,
    decide,
    desk_facts,
    gate_facts,
    gate_spec,
    seal,
)

REFUSED: dict[str, tuple[ApprovalFacts, str]] = {
    "another digest": (approval(digest=OTHER_DIGEST), "it is for digest"),
    "another gate": (approval(gateRef={"name": "other"}), "about gate other"),
    "before the subject was seen": (approval(created=SEEN - timedelta(seconds=1)), "subject was first seen"),
    "within the second in which the subject was seen": (approval(created=SEEN), "subject was first seen"),
    "before the gate was made": (approval(created=MADE - timedelta(days=1)), "make it anew"),
    "over": (approval(validSeconds=300), "it ended"),
    "over by the gate's measure": (approval(created=NOW - timedelta(minutes=16)), "it ended"),
    "from the future": (approval(created=NOW + timedelta(seconds=6)), "future"),
    "the changer's own": (approval(approver="tara"), "tara changed the bot last"),
    "about a check that is not there": (approval(type="Acknowledgement", check="other"), "no check other"),
}


def judged(facts: GateFacts) -> tuple[bool, str]:
    """Return whether the one approval counts, and what is said of it."""
    (shown,) = decide(facts).status.approvals
    return shown.counts, shown.reason


@pytest.mark.parametrize("case", REFUSED)
def test_an_approval_does_not_count_that_is(case: str) -> None:
    item, reason = REFUSED[case]
    counts, why = judged(gate_facts(spec=gate_spec(approvals={"validSeconds": 900}), approvals=(item,)))
    assert not counts
    assert reason in why


def test_an_approval_that_counts_says_what_its_maker_said() -> None:
    assert judged(gate_facts()) == (True, "looked at the soak and every check")


def test_without_two_persons_the_changer_may_approve() -> None:
    facts = gate_facts(desk=desk_facts(two_persons=False), bot=bot_facts(changed_by=None))
    assert judged(replace(facts, approvals=(approval(approver="tara"),)))[0]


def test_where_nobody_says_who_changed_the_bot_nobody_approves() -> None:
    assert "does not say who changed it" in judged(gate_facts(bot=bot_facts(changed_by=None)))[1]


def test_where_the_desk_is_not_known_nobody_approves() -> None:
    assert "desk is not known" in judged(gate_facts(desk=None))[1]


def test_people_are_counted_once_however_often_they_say_yes() -> None:
    spec = gate_spec(approvals={"required": 2})
    twice = gate_facts(spec=spec, approvals=(approval("one"), approval("two")))
    assert decide(twice).status.approved == "1/2"
    both = gate_facts(spec=spec, approvals=(approval("one"), approval("two", approver="rosa")))
    assert decide(both).status.approved == "2/2"
    assert decide(both).status.grant is not None


def test_enough_people_say_yes_until_the_one_who_is_missed_first() -> None:
    people = {"a": NOW, "b": NOW + timedelta(1), "c": NOW + timedelta(2)}
    assert enough_until(people, 2) == NOW + timedelta(1)
    assert enough_until(people, 3) == NOW
    assert enough_until(people, 4) is None


def test_an_acknowledgement_is_no_approval_and_the_other_way_round() -> None:
    seen = approval("seen", type="Acknowledgement", check="ready")
    assert decide(gate_facts(approvals=(seen,))).status.approved == "0/1"
    facts = gate_facts(approvals=(approval(), seen))
    assert read_acknowledgements(facts, "ready", now=NOW, seal=seal).value == 1
    assert read_acknowledgements(facts, "other", now=NOW, seal=seal).value == 0


def test_a_manual_check_counts_people() -> None:
    manual = check_body(
        "looked", bot=None, manual={"question": "did you?"}, threshold={"comparison": "AtLeast", "value": "2"}
    )
    spec = gate_spec(check_body(), manual)
    one = approval("one", type="Acknowledgement", check="looked")
    two = approval("two", type="Acknowledgement", check="looked", approver="rosa")
    assert decide(gate_facts(spec=spec, approvals=(approval(), one))).status.grant is None
    assert decide(gate_facts(spec=spec, approvals=(approval(), one, two))).status.grant is not None


def test_many_approvals_that_do_not_count_hide_none_that_does() -> None:
    noise = [
        approval(f"noise-{index}", digest=OTHER_DIGEST, created=NOW - timedelta(seconds=index)) for index in range(40)
    ]
    status = decide(gate_facts(approvals=(*noise, approval()))).status
    assert len(status.approvals) == MOST_APPROVALS
    assert status.approvals[0].name == "by-amir"
    assert status.grant is not None
