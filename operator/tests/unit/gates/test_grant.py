"""A grant is written, renewed, cut short and withdrawn; nothing that is lost makes it longer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aviary_crds.conditions import GateConditionType
from aviary_crds.v1alpha1.gatestatus import CheckState, GrantStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.seal import grant_parts, same_seal
from aviary_operator.gates.decide.gate_view import GateDecision, GateFacts
from aviary_operator.gates.decide.run import fail_run
from aviary_operator.gates.measurement import Silence

from .evidence import (
    NOW,
    OTHER_DIGEST,
    another_seal,
    approval,
    bot_facts,
    break_glass,
    check_body,
    condition,
    decide,
    desk_facts,
    gate_facts,
    gate_spec,
    granted_facts,
    measured,
    reading,
    record_of,
    run_of,
    sample,
    samples,
    seal,
)


def later(facts: GateFacts, seconds: int) -> GateFacts:
    """Return the facts after the bot went on well for so long, with everything measured then."""
    end = NOW + timedelta(seconds=seconds)
    looks = [sample(NOW + timedelta(seconds=ahead)) for ahead in range(15, seconds + 1, 15)]
    assert facts.run is not None
    moved = replace(facts, run=run_of(looks, run=facts.run, spec=facts.spec))
    return replace(moved, measurements=measured(moved, now=end))


def expires(decision: GateDecision) -> timedelta | None:
    """Return the time from ``NOW`` to the end of the grant."""
    grant = decision.status.grant
    return grant.expires_time - NOW if grant else None


def silent_check(facts: GateFacts) -> GateFacts:
    """Return the facts after a source fell silent."""
    assert facts.run is not None
    refused = Silence(state=CheckState.ERRORED, reason="ConnectionRefused", message="no answer")
    record = record_of(facts.spec.checks[0], facts.run, reading(10_000), refused)
    return replace(facts, measurements={**facts.measurements, "ready": record})


def failed_check(facts: GateFacts) -> GateFacts:
    """Return the facts after a check failed."""
    assert facts.run is not None
    record = record_of(facts.spec.checks[0], facts.run, reading(0))
    return replace(facts, measurements={**facts.measurements, "ready": record})


def test_a_grant_is_sealed_with_everything_it_says() -> None:
    grant = decide(gate_facts()).status.grant
    assert grant is not None
    parts = grant_parts(grant, namespace="desk", gate="to-live", gate_uid="gate-1")
    assert same_seal(grant.seal, seal(parts))


def test_a_grant_is_renewed_when_half_its_time_is_over_and_not_before() -> None:
    facts = granted_facts()
    before, after = 1_785, 1_800
    assert expires(decide(later(facts, before), now=NOW + timedelta(seconds=before))) == timedelta(hours=1)
    renewed = decide(later(facts, after), now=NOW + timedelta(seconds=after))
    assert expires(renewed) == timedelta(hours=1, seconds=after)
    assert renewed.status.grant is not None
    assert renewed.status.grant.granted_time == NOW
    assert renewed.notices == (), "a renewal is no news"


def test_a_grant_never_outlasts_the_approval_it_rests_on() -> None:
    short = approval(validSeconds=900)
    facts = granted_facts(approvals=(short,))
    assert expires(decide(facts)) == timedelta(minutes=10)
    gone = decide(later(facts, 600), now=NOW + timedelta(seconds=600))
    assert gone.status.grant is None
    assert gone.status.history[-1].reason == "AwaitingApproval"


def test_a_grant_lasts_no_longer_than_the_desk_says() -> None:
    assert expires(decide(gate_facts(desk=desk_facts(max_grant_seconds=60)))) == timedelta(seconds=60)
    lowered = replace(granted_facts(), desk=desk_facts(max_grant_seconds=60))
    assert expires(decide(lowered)) == timedelta(seconds=60)


AT_ONCE: dict[str, tuple[Callable[[GateFacts], GateFacts], str]] = {
    "another digest": (lambda facts: replace(facts, bot=bot_facts(digest=OTHER_DIGEST)), "SubjectChanged"),
    "another image": (lambda facts: replace(facts, bot=bot_facts(image_id="other")), "SubjectChanged"),
    "a bot made anew": (lambda facts: replace(facts, bot=bot_facts(uid="another")), "SubjectChanged"),
    "no bot": (lambda facts: replace(facts, bot=None), "BotMissing"),
    "a failed check": (failed_check, "ChecksFailed"),
    "a withdrawn approval": (lambda facts: replace(facts, approvals=()), "AwaitingApproval"),
    "a suspended gate": (
        lambda facts: replace(facts, spec=facts.spec.model_copy(update={"suspend": True})),
        "Suspended",
    ),
    "a changed gate": (lambda facts: replace(facts, generation=2), "GateChanged"),
    "another capital": (
        lambda facts: replace(facts, spec=gate_spec(grant={"capitalQuote": "101"}), generation=2),
        "GateChanged",
    ),
    "no desk": (lambda facts: replace(facts, desk=None), "DeskUnknown"),
    "a desk that no longer allows it": (
        lambda facts: replace(facts, desk=desk_facts(modes=frozenset({Mode.PAPER}))),
        "DeskCeiling",
    ),
    "an evidence log that cannot be written": (
        lambda facts: replace(facts, evidence_problem="no space left on device"),
        "EvidenceUnwritable",
    ),
    "a hard stop": (
        lambda facts: replace(facts, run=run_of([sample(guard="HardStopped")], run=facts.run)),
        "HardStopped",
    ),
    "a bot that left the mode": (
        lambda facts: replace(facts, run=run_of([sample(mode=Mode.NO_TRADE)], run=facts.run)),
        "LeftMode",
    ),
    "a run that a failed check ended": (
        lambda facts: replace(facts, run=fail_run(run_of(samples()), frozenset({"ready"}), now=NOW)),
        "ChecksFailed",
    ),
    "a changer who is the approver": (
        lambda facts: replace(facts, bot=bot_facts(changed_by="amir")),
        "AwaitingApproval",
    ),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_a_grant_is_gone_at_once_with(case: str) -> None:
    change, reason = AT_ONCE[case]
    decision = decide(change(granted_facts()))
    assert decision.status.grant is None
    assert decision.changed_grant
    assert [entry.reason for entry in decision.status.history if entry.event == "Lost"] == [reason]
    assert ("Warning", "GrantLost") in {(notice.type, notice.reason) for notice in decision.notices}


def _silence_of_the_bot(facts: GateFacts) -> GateFacts:
    return replace(facts, run=run_of(samples(end=NOW - timedelta(seconds=121))))


GRACE: dict[str, Callable[[GateFacts], GateFacts]] = {
    "a source that does not answer": silent_check,
    "a bot that does not answer": _silence_of_the_bot,
    "an operator that was restarted and has measured nothing": lambda facts: replace(facts, measurements={}),
    "an operator that was restarted and has no run": lambda facts: replace(facts, run=None, measurements={}),
    "a digest that is not known for a moment": lambda facts: replace(facts, bot=bot_facts(digest=None)),
}


@pytest.mark.parametrize("case", GRACE)
def test_a_grant_outlives_for_the_grace(case: str) -> None:
    lost = GRACE[case](granted_facts())
    first = decide(lost)
    assert expires(first) == timedelta(seconds=60)
    assert first.changed_grant, "its end is written at once, so that it ends without us"
    again = replace(lost, stored=first.status)
    assert expires(decide(again, now=NOW + timedelta(seconds=30))) == timedelta(seconds=60), "and never moves out"
    over = decide(again, now=NOW + timedelta(seconds=60))
    assert over.status.grant is None
    assert over.status.history[-1].event == "Lost"
    assert "graceSeconds" in over.status.history[-1].message


def test_without_grace_what_cannot_be_read_ends_a_grant_at_once() -> None:
    assert decide(silent_check(granted_facts(spec=gate_spec(graceSeconds=0)))).status.grant is None


def test_grace_never_makes_a_grant_longer() -> None:
    facts = granted_facts(desk=desk_facts(max_grant_seconds=60))
    almost = decide(silent_check(facts), now=NOW + timedelta(seconds=50))
    assert expires(almost) == timedelta(seconds=60)


def test_evidence_that_returns_within_the_grace_renews_the_grant() -> None:
    facts = granted_facts()
    cut = decide(silent_check(facts)).status
    back = decide(later(replace(facts, stored=cut), 30), now=NOW + timedelta(seconds=30))
    assert expires(back) == timedelta(hours=1, seconds=30)
    assert back.notices == ()


def test_evidence_never_gives_a_grant_that_it_had_not_before() -> None:
    assert decide(silent_check(gate_facts())).status.grant is None


def test_a_failure_within_the_grace_ends_it() -> None:
    facts = granted_facts()
    cut = decide(silent_check(facts)).status
    assert decide(failed_check(replace(facts, stored=cut)), now=NOW + timedelta(seconds=5)).status.grant is None


@pytest.mark.parametrize("seconds", [-1, 3_600, 3_601])
def test_a_grant_that_is_over_or_of_the_future_is_none(seconds: int) -> None:
    facts = replace(granted_facts(), approvals=())
    assert decide(facts, now=NOW + timedelta(seconds=seconds)).status.grant is None


def forged(change: Callable[[GrantStatus], GrantStatus]) -> GateDecision:
    """Decide about a gate that shall not pass and whose stored grant was changed."""
    facts = silent_check(granted_facts())
    assert facts.stored.grant is not None
    stored = facts.stored.model_copy(update={"grant": change(facts.stored.grant)})
    return decide(replace(facts, stored=stored))


@pytest.mark.parametrize(
    "change",
    [
        {"capital_quote": Decimal(1_000_000)},
        {"mode": Mode.TESTNET},
        {"expires_time": NOW + timedelta(days=7)},
        {"granted_time": NOW - timedelta(seconds=1)},
        {"digest": OTHER_DIGEST},
        {"seal": ""},
    ],
)
def test_an_edited_grant_is_withdrawn(change: dict[str, object]) -> None:
    decision = forged(lambda grant: grant.model_copy(update=change))
    assert decision.status.grant is None
    assert decision.status.history[-1].reason == "GrantForged"


def test_a_grant_under_another_key_is_withdrawn() -> None:
    def reseal(grant: GrantStatus) -> GrantStatus:
        parts = grant_parts(grant, namespace="desk", gate="to-live", gate_uid="gate-1")
        return grant.model_copy(update={"seal": another_seal(parts)})

    assert forged(reseal).status.grant is None


@pytest.mark.parametrize("version", [0, 99])
def test_a_grant_by_other_rules_is_decided_anew(version: int) -> None:
    facts = granted_facts()
    other = facts.stored.model_copy(update={"evaluator_version": version})
    decision = decide(silent_check(replace(facts, stored=other)))
    assert decision.status.grant is None
    assert decision.status.history[-1].reason == "EvaluatorChanged"


def test_a_warning_that_failed_is_granted_as_long_as_its_acknowledgement_lasts() -> None:
    warning = check_body(
        "warn", severity="Warning", failureLimit=0, threshold={"comparison": "MoreThan", "value": "10000"}
    )
    spec = gate_spec(check_body(), warning)
    assert decide(gate_facts(spec=spec)).status.grant is None
    seen = approval("seen", type="Acknowledgement", check="warn", validSeconds=900)
    decision = decide(gate_facts(spec=spec, approvals=(approval(), seen)))
    assert expires(decision) == timedelta(minutes=10)
    assert condition(decision, "ChecksPassed") == ("True", "AllPassed")
    warned = next(item for item in decision.status.checks if item.name == "warn")
    assert (warned.state, warned.acknowledged_by) == (CheckState.FAILED, "amir")
    assert decision.failing == frozenset(), "a warning ends no run"


@pytest.mark.parametrize("state", [CheckState.ERRORED, CheckState.INCONCLUSIVE, CheckState.PENDING])
def test_an_acknowledgement_never_helps_a_warning_without_a_value(state: CheckState) -> None:
    assert state is not CheckState.PASSED
    spec = gate_spec(check_body(), check_body("warn", severity="Warning"))
    seen = approval("seen", type="Acknowledgement", check="warn")
    facts = gate_facts(spec=spec, approvals=(approval(), seen))
    assert facts.run is not None
    answers = [Silence(state=state, reason="Silent", message="no value")] * 9
    record = record_of(spec.checks[1], facts.run, *answers)
    assert decide(replace(facts, measurements={**facts.measurements, "warn": record})).status.grant is None


def test_a_manual_check_is_lost_at_once_when_its_acknowledgement_is_withdrawn() -> None:
    manual = check_body(
        "looked", bot=None, manual={"question": "did you?"}, threshold={"comparison": "AtLeast", "value": "1"}
    )
    looked = approval("looked", type="Acknowledgement", check="looked")
    facts = granted_facts(spec=gate_spec(check_body(), manual), approvals=(approval(), looked))
    assert decide(replace(facts, approvals=(approval(),))).status.grant is None


def broken(**changes: object) -> GateFacts:
    """Return a gate whose subject has reached the floor, that passes nothing now, and for which rosa broke glass."""
    held = granted_facts()
    stored = held.stored.model_copy(update={"grant": None})
    plain: dict[str, object] = {"stored": stored, "run": None, "measurements": {}, "approvals": (break_glass(),)}
    return replace(held, **{**plain, **changes})  # type: ignore[arg-type]


def test_break_glass_grants_until_its_approval_ends_and_not_a_second_longer() -> None:
    facts = broken()
    first = decide(facts)
    assert expires(first) == timedelta(minutes=55)
    assert first.status.grant is not None
    assert first.status.grant.break_glass == "emergency"
    again = replace(facts, stored=first.status)
    almost = decide(again, now=NOW + timedelta(minutes=54))
    assert expires(almost) == timedelta(minutes=55)
    assert decide(again, now=NOW + timedelta(minutes=55)).status.grant is None


BREAK_GLASS_REFUSED: dict[str, Callable[[], GateFacts]] = {
    "a subject that never reached rung 3": lambda: gate_facts(run=None, measurements={}, approvals=(break_glass(),)),
    "a forged floor": lambda: _with_floor(seal="hmac-sha256:0"),
    "a floor of another digest": lambda: _with_floor(digest=OTHER_DIGEST),
    "a floor over a shorter window than is asked now": lambda: broken(floor_seconds=7_200),
    "a desk that does not allow the mode": lambda: broken(desk=desk_facts(modes=frozenset({Mode.PAPER}))),
    "no desk": lambda: broken(desk=None),
    "no bot": lambda: broken(bot=None),
    "an unknown digest": lambda: broken(bot=bot_facts(digest=None)),
    "an unknown image": lambda: broken(bot=bot_facts(image_id=None)),
    "another digest": lambda: broken(bot=bot_facts(digest=OTHER_DIGEST)),
    "evidence that cannot be kept": lambda: broken(evidence_problem="no space"),
    "a suspended gate": lambda: broken(spec=gate_spec(suspend=True)),
    "whoever changed the bot": lambda: broken(approvals=(break_glass(approver="tara"),)),
    "an approval that ended": lambda: broken(approvals=(break_glass(validSeconds=60),)),
    "an approval for another digest": lambda: broken(approvals=(break_glass(digest=OTHER_DIGEST),)),
    "an approval that was withdrawn": lambda: replace(broken(), stored=decide(broken()).status, approvals=()),
}


def _with_floor(**change: str) -> GateFacts:
    facts = broken()
    assert facts.stored.floor is not None
    floor = facts.stored.floor.model_copy(update=change)
    return replace(facts, stored=facts.stored.model_copy(update={"floor": floor}))


@pytest.mark.parametrize("case", BREAK_GLASS_REFUSED)
def test_break_glass_grants_nothing_with(case: str) -> None:
    assert decide(BREAK_GLASS_REFUSED[case]()).status.grant is None


def test_a_gate_states_all_of_its_conditions_and_broken_glass_only_while_it_is() -> None:
    everything = {item.type for item in decide(broken()).status.conditions}
    assert everything == set(GateConditionType)
    assert {item.type for item in decide(gate_facts()).status.conditions} == everything - {
        GateConditionType.BREAK_GLASS
    }


def test_a_gate_that_passes_takes_the_place_of_break_glass() -> None:
    glass = broken()
    facts = replace(granted_facts(), stored=decide(glass).status)
    decision = decide(facts)
    assert decision.status.grant is not None
    assert decision.status.grant.break_glass is None
    assert decision.status.history[-1].event == "Granted"
