"""The hazards found in the promotion controllers that others wrote: each is closed here."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aviary_crds.v1alpha1.gatechecks import Check
from aviary_crds.v1alpha1.gatestatus import KEPT_MEASUREMENTS, CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.check_record import add_measurement
from aviary_operator.gates.decide.run import fail_run
from aviary_operator.gates.measurement import Reading, Silence, decide_measurement
from pydantic import ValidationError

from .evidence import (
    NOW,
    approval,
    break_glass,
    check,
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
    samples,
    shown,
)


def test_a_check_without_a_threshold_cannot_be_written() -> None:
    body = check_body()
    del body["threshold"]
    with pytest.raises(ValidationError, match="threshold"):
        Check.model_validate(body)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("comparison", ["LessThan", "AtMost", "Equal", "AtLeast", "MoreThan"])
def test_a_value_that_compares_false_with_everything_never_passes(value: str, comparison: str) -> None:
    item = check(threshold={"comparison": comparison, "value": "0"})
    assert decide_measurement(item, reading(value), now=NOW).outcome is CheckState.INCONCLUSIVE


def test_a_run_that_ends_before_a_check_was_measured_leaves_it_inconclusive() -> None:
    run = fail_run(run_of(samples()), frozenset({"another"}), now=NOW)
    decision = decide(gate_facts(run=run, measurements={}))
    assert (shown(decision, "ready").state, shown(decision, "ready").reason) == (CheckState.INCONCLUSIVE, "RunAborted")
    assert decision.status.grant is None


@pytest.mark.parametrize("later", [CheckState.INCONCLUSIVE, CheckState.ERRORED, CheckState.PENDING])
def test_what_comes_after_a_failure_never_hides_it(later: CheckState) -> None:
    assert later is not CheckState.PASSED
    facts = gate_facts()
    assert facts.run is not None
    item = facts.spec.checks[0]
    answers: list[Reading | Silence] = [
        reading(0),
        *[Silence(state=later, reason="Silent", message="no value")] * 20,
        reading(10_000),
    ]
    record = record_of(item, facts.run, *answers)
    decision = decide(replace(facts, measurements={**facts.measurements, item.name: record}))
    assert shown(decision, "ready").state is CheckState.FAILED
    assert decision.failing == {"ready"}


def test_worst_wins_over_all_checks() -> None:
    spec = gate_spec(check_body("one"), check_body("two"))
    facts = gate_facts(spec=spec)
    assert facts.run is not None
    errors = [Silence(state=CheckState.ERRORED, reason="Refused", message="no answer")] * 9
    records = {
        "one": record_of(spec.checks[0], facts.run, reading(0)),
        "two": record_of(spec.checks[1], facts.run, *errors),
    }
    decision = decide(replace(facts, measurements={**facts.measurements, **records}))
    assert condition(decision, "ChecksPassed") == ("False", "ChecksFailed")


def test_a_gate_of_dry_runs_and_warnings_cannot_be_written_and_would_grant_nothing() -> None:
    for change in ({"enforcement": "DryRun"}, {"severity": "Warning"}):
        with pytest.raises(ValidationError, match="proves nothing"):
            gate_spec(check_body(**change))
        lax = gate_spec().model_copy(update={"checks": (check(**change),)})
        facts = gate_facts()
        facts = replace(facts, spec=lax, measurements=measured(replace(facts, spec=lax)))
        decision = decide(facts)
        assert decision.status.grant is None
        assert condition(decision, "ChecksPassed") == ("False", "NothingEnforced")


def test_several_series_are_no_value_whichever_comes_last() -> None:
    facts = gate_facts()
    assert facts.run is not None
    item = facts.spec.checks[0]
    several = Silence(state=CheckState.INCONCLUSIVE, reason="SeveralSeries", message="2 series, must be 1")
    record = record_of(item, facts.run, reading(10_000), several)
    decision = decide(replace(facts, measurements={**facts.measurements, item.name: record}))
    assert shown(decision, "ready").state is CheckState.INCONCLUSIVE
    assert decision.status.grant is None


def test_an_approval_never_stands_in_for_evidence() -> None:
    people = tuple(approval(f"by-{name}", approver=name) for name in ("amir", "rosa", "nina"))
    acknowledged = approval("ack", type="Acknowledgement", check="ready")
    facts = gate_facts(approvals=(*people, acknowledged))
    assert facts.run is not None
    failed = {**facts.measurements, "ready": record_of(facts.spec.checks[0], facts.run, reading(0))}
    assert decide(replace(facts, measurements=failed)).status.grant is None


def test_a_bypass_is_short_shown_and_never_above_gate_and_desk() -> None:
    held = granted_facts()
    bare = replace(held, measurements={}, run=None, approvals=(break_glass(),))
    decision = decide(replace(bare, stored=held.stored.model_copy(update={"grant": None})))
    grant = decision.status.grant
    assert grant is not None
    assert (grant.mode, grant.capital_quote) == (held.spec.to, held.spec.grant.capital_quote)
    assert grant.expires_time <= NOW + timedelta(hours=1)
    assert condition(decision, "BreakGlass") == ("True", "BreakGlass")
    assert condition(decision, "Passed")[0] == "False"
    assert ("Warning", "BreakGlass") in {(notice.type, notice.reason) for notice in decision.notices}
    lower = decide(replace(bare, desk=desk_facts(modes=frozenset({Mode.PAPER, Mode.TESTNET}))))
    assert lower.status.grant is None


def test_trimming_what_is_shown_never_forgets_a_failure() -> None:
    facts = gate_facts()
    assert facts.run is not None
    item = facts.spec.checks[0]
    record = record_of(item, facts.run, reading(0))
    for _ in range(5 * KEPT_MEASUREMENTS):
        record = add_measurement(record, decide_measurement(item, reading(10_000), now=NOW))
    decision = decide(replace(facts, measurements={**facts.measurements, item.name: record}))
    check_shown = shown(decision, "ready")
    assert {kept.outcome for kept in check_shown.measurements} == {CheckState.PASSED}
    assert len(check_shown.measurements) == KEPT_MEASUREMENTS
    assert check_shown.state is CheckState.FAILED
