"""A gate passes when everything holds, and says what is missing when it does not."""

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.gates import read_gate_status
from aviary_operator.gates.decide.gate_view import GateFacts

from .evidence import (
    DIGEST,
    IMAGE,
    NOW,
    UID,
    approval,
    bot_facts,
    check_body,
    condition,
    decide,
    gate_facts,
    gate_spec,
    granted_facts,
    shown,
)


def test_a_gate_where_everything_holds_grants_its_mode_for_the_subject() -> None:
    decision = decide(gate_facts())
    grant = decision.status.grant
    assert grant is not None
    assert (grant.mode, grant.capital_quote) == (Mode.LIVE, Decimal(100))
    assert (grant.digest, grant.bot_uid, grant.image_id) == (DIGEST, UID, IMAGE)
    assert (grant.granted_time, grant.expires_time) == (NOW, NOW + timedelta(hours=1))
    assert condition(decision, "Passed") == ("True", "GatePassed")
    assert decision.changed_grant
    assert [notice.reason for notice in decision.notices] == ["Granted"]
    assert decision.status.history[-1].event == "Granted"
    assert decision.failing == frozenset()


def test_the_status_explains_the_decision() -> None:
    status = decide(gate_facts()).status
    assert status.passed_checks == "10/10"
    assert status.soaked == "20m of 15m"
    assert status.approved == "1/1"
    assert status.level == 3
    assert status.soak.fills == 20
    ready = next(check for check in status.checks if check.name == "ready")
    assert (ready.value, ready.threshold) == (Decimal(10_000), "at least 9500")
    assert ready.measurements[-1].value == Decimal(10_000)
    assert [condition.type for condition in status.conditions] == [
        "Approved",
        "ChecksPassed",
        "Passed",
        "Ready",
        "Soaked",
    ]


def test_a_gate_that_waits_for_people_is_ready_and_not_reconciling() -> None:
    decision = decide(gate_facts(approvals=()))
    assert condition(decision, "Ready") == ("True", "Evaluating")
    assert condition(decision, "ChecksPassed") == ("True", "AllPassed")
    assert condition(decision, "Soaked") == ("True", "Soaked")
    assert condition(decision, "Approved") == ("False", "AwaitingApproval")
    assert condition(decision, "Passed") == ("False", "AwaitingApproval")
    assert {item.type for item in decision.status.conditions}.isdisjoint({"Reconciling", "Stalled"})
    assert decision.status.grant is None
    assert [notice.reason for notice in decision.notices] == ["AwaitingApproval"]


@pytest.mark.parametrize(
    ("facts", "type_", "reason"),
    [
        (gate_facts(bot=None), "Reconciling", "BotMissing"),
        (gate_facts(bot=bot_facts(digest=None)), "Reconciling", "DigestUnknown"),
        (gate_facts(bot=bot_facts(name="beta")), "Stalled", "AnotherBot"),
        (gate_facts(desk=None), "Stalled", "DeskUnknown"),
        (gate_facts(evidence_problem="no volume"), "Stalled", "EvidenceUnwritable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_gate_that_cannot_evaluate_says_whether_that_will_pass(facts: GateFacts, type_: str, reason: str) -> None:
    decision = decide(facts)
    assert condition(decision, "Ready") == ("False", reason)
    assert condition(decision, type_) == ("True", reason)
    assert len({item.type for item in decision.status.conditions} & {"Reconciling", "Stalled"}) == 1


def test_a_suspended_gate_is_neither_on_its_way_nor_stuck() -> None:
    decision = decide(gate_facts(spec=gate_spec(suspend=True)))
    assert condition(decision, "Ready") == ("False", "Suspended")
    assert {item.type for item in decision.status.conditions}.isdisjoint({"Reconciling", "Stalled"})


def test_a_gate_that_stands_says_nothing_new() -> None:
    facts = granted_facts()
    later = decide(facts, now=NOW + timedelta(seconds=1))
    assert later.notices == ()
    assert not later.changed_grant


def test_the_next_look_is_at_the_next_thing_that_changes_by_itself() -> None:
    assert decide(granted_facts()).wait == 121, "the run ends with soak.maxGapSeconds"
    nothing = gate_facts(bot=None, run=None, approvals=())
    assert decide(nothing).wait is None


def test_a_floor_below_two_hours_is_said() -> None:
    rung = decide(gate_facts()).status.rungs[3]
    assert rung.reached
    assert "less than the 7200 s" in rung.message


def test_a_gate_to_testnet_that_asks_for_no_floor_has_none() -> None:
    spec = gate_spec(to="Testnet", minLevel=2)
    decision = decide(gate_facts(spec=spec))
    assert [check.name for check in decision.status.checks] == ["ready"]
    assert decision.status.level == 2
    assert decision.status.grant is not None
    assert decision.status.grant.mode is Mode.TESTNET


def test_a_bot_that_is_not_in_sync_gets_no_new_grant_and_keeps_the_one_it_has() -> None:
    retuning = bot_facts(static_ok=False, static_message="ConfigInSync is not True")
    assert decide(gate_facts(bot=retuning)).status.grant is None
    kept = decide(replace(granted_facts(), bot=retuning))
    assert kept.status.grant is not None
    assert condition(kept, "Passed") == ("True", "GatePassed")


def test_a_dry_run_is_shown_and_never_counts() -> None:
    strict = check_body("strict", enforcement="DryRun", threshold={"comparison": "MoreThan", "value": "10000"})
    decision = decide(gate_facts(spec=gate_spec(check_body(), strict)))
    assert shown(decision, "strict").state == "Failed"
    assert decision.status.passed_checks == "10/10"
    assert decision.status.grant is not None
    assert decision.failing == frozenset()


def test_times_in_the_status_are_whole_seconds() -> None:
    status = decide(gate_facts(), now=NOW + timedelta(microseconds=1_500)).status
    text = status.model_dump_json(by_alias=True)
    assert ".0015" not in text
    assert status == read_gate_status(status.model_dump(mode="json", by_alias=True))


def test_texts_from_outside_fit_the_status() -> None:
    long = bot_facts(static_message="x" * 5_000)
    wordy = approval(approver="a" * 253, reason="r" * 1_024)
    status = decide(gate_facts(bot=long, approvals=(wordy,))).status
    assert PromotionGateStatus.model_validate(status.model_dump(mode="json", by_alias=True)) == status


@pytest.mark.parametrize("number", [20])
def test_a_decision_about_many_checks_takes_milliseconds(number: int) -> None:
    facts = granted_facts(spec=gate_spec(*(check_body(f"check-{index}") for index in range(number))))
    best = min(_seconds(lambda: decide(facts)) for _ in range(20))
    assert best < 0.005


def _seconds(call: object) -> float:
    assert callable(call)
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
