"""Evidence that is missing, stale, strange or of somebody else closes the gate, and the gate says which it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.v1alpha1.gatechecks import BotField
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.run import SubjectKey, fail_run
from aviary_operator.gates.measurement import Reading, Silence
from aviary_operator.gates.samples import Sample

from .evidence import (
    DIGEST,
    IMAGE,
    NOW,
    OTHER_DIGEST,
    SEEN,
    approval,
    bot_facts,
    check_body,
    condition,
    decide,
    desk_facts,
    gate_facts,
    gate_spec,
    measured,
    reading,
    record_of,
    run_of,
    sample,
    samples,
    shown,
    silence,
)

PROMETHEUS = {"query": "up[$window]", "series": "up", "windowSeconds": 60}


def of_check(*answers: Reading | Silence, **check: Any) -> GateFacts:
    """Return a gate whose one check of its own got these answers."""
    body = check_body(**{"bot": None, "prometheus": PROMETHEUS, "threshold": _at_least(1), **check})
    spec = gate_spec(body)
    facts = gate_facts(spec=spec)
    assert facts.run is not None
    record = record_of(spec.checks[0], facts.run, *answers)
    return replace(facts, measurements={**facts.measurements, "ready": record})


def silent(state: CheckState, reason: str) -> Silence:
    """Return a source that gave no value."""
    assert state is not CheckState.PASSED
    return Silence(state=state, reason=reason, message="no value")


def of_samples(**changes: Any) -> Callable[[], GateFacts]:
    """Return a gate about a bot that looked like this all the time."""
    return lambda: gate_facts(run=run_of(samples(**changes)))


def with_one(back: int, **changes: Any) -> Callable[[], GateFacts]:
    """Return a gate about a bot that looked like this once, so many seconds ago."""
    odd = NOW - timedelta(seconds=back)
    return lambda: gate_facts(run=run_of(replace(item, **changes) if item.time == odd else item for item in samples()))


def _at_least(value: int) -> dict[str, str]:
    return {"comparison": "AtLeast", "value": str(value)}


def _at_most(value: int) -> dict[str, str]:
    return {"comparison": "AtMost", "value": str(value)}


def _errors(times: int) -> list[Silence]:
    return [silent(CheckState.ERRORED, "ConnectionRefused")] * times


ERRORED, INCONCLUSIVE, PENDING, FAILED = (
    CheckState.ERRORED,
    CheckState.INCONCLUSIVE,
    CheckState.PENDING,
    CheckState.FAILED,
)

CHECKS: dict[str, tuple[Callable[[], GateFacts], CheckState, str]] = {
    "never measured": (of_check, PENDING, "NotMeasured"),
    "NaN": (lambda: of_check(reading("NaN")), INCONCLUSIVE, "NotFinite"),
    "signalling NaN": (lambda: of_check(reading("sNaN")), INCONCLUSIVE, "NotFinite"),
    "infinite": (lambda: of_check(reading("Infinity")), INCONCLUSIVE, "NotFinite"),
    "minus infinite, below a ceiling": (
        lambda: of_check(reading("-Infinity"), threshold=_at_most(1)),
        INCONCLUSIVE,
        "NotFinite",
    ),
    "NaN against a ceiling": (lambda: of_check(reading("NaN"), threshold=_at_most(1)), INCONCLUSIVE, "NotFinite"),
    "stale when it was read": (
        lambda: of_check(reading(1, observed=NOW - timedelta(seconds=1_201))),
        INCONCLUSIVE,
        "Stale",
    ),
    "from the future": (
        lambda: of_check(reading(1, observed=NOW + timedelta(seconds=6))),
        INCONCLUSIVE,
        "FromTheFuture",
    ),
    "beyond the threshold": (lambda: of_check(reading(0)), FAILED, "BeyondThreshold"),
    "once beyond the threshold, good since": (
        lambda: of_check(reading(0), *[reading(1)] * 30),
        FAILED,
        "BeyondThreshold",
    ),
    "once inconclusive, good since": (
        lambda: of_check(silent(INCONCLUSIVE, "TwoSeries"), *[reading(1)] * 30),
        INCONCLUSIVE,
        "TwoSeries",
    ),
    "no series": (lambda: of_check(silent(INCONCLUSIVE, "NoSeries")), INCONCLUSIVE, "NoSeries"),
    "several series": (lambda: of_check(silent(INCONCLUSIVE, "TwoSeries")), INCONCLUSIVE, "TwoSeries"),
    "a report of another subject": (
        lambda: of_check(silent(INCONCLUSIVE, "AnotherSubject")),
        INCONCLUSIVE,
        "AnotherSubject",
    ),
    "a report that says Fail": (lambda: of_check(silent(FAILED, "ReportFail")), FAILED, "ReportFail"),
    "a source that never answered": (lambda: of_check(*_errors(1)), PENDING, "ConnectionRefused"),
    "a source that does not answer any more": (lambda: of_check(reading(1), *_errors(1)), ERRORED, "ConnectionRefused"),
    "too many errors in a row": (lambda: of_check(reading(1), *_errors(5)), ERRORED, "ConnectionRefused"),
    "failed before the source went silent": (
        lambda: of_check(reading(0), *_errors(9)),
        FAILED,
        "BeyondThreshold",
    ),
    "failed before it became inconclusive": (
        lambda: of_check(reading(0), silent(INCONCLUSIVE, "NoSeries")),
        FAILED,
        "BeyondThreshold",
    ),
    "too few measurements": (lambda: of_check(reading(1), reading(1), count=3), PENDING, "TooFewPassed"),
    "a window longer than the run": (
        lambda: of_check(reading(1), prometheus={**PROMETHEUS, "windowSeconds": 3_600}),
        PENDING,
        "WindowNotFull",
    ),
    "nobody acknowledged it": (
        lambda: gate_facts(spec=gate_spec(check_body(), _manual())),
        PENDING,
        "NotReached",
    ),
}


def _manual() -> dict[str, Any]:
    return check_body("looked", bot=None, manual={"question": "did you look?"}, threshold=_at_least(1))


@pytest.mark.parametrize("case", CHECKS)
def test_a_check_closes_the_gate_when_it_is(case: str) -> None:
    build, state, reason = CHECKS[case]
    decision = decide(build())
    name = "looked" if case == "nobody acknowledged it" else "ready"
    check = shown(decision, name)
    assert (check.state, check.reason) == (state, reason)
    assert decision.status.grant is None
    assert condition(decision, "ChecksPassed") == ("False", f"Checks{state.value}")
    assert condition(decision, "Passed")[0] == "False"


def test_a_value_that_grows_old_without_a_new_measurement_is_none() -> None:
    facts = of_check(reading(1))
    assert shown(decide(facts), "ready").state is CheckState.PASSED
    later = decide(facts, now=NOW + timedelta(seconds=1_201))
    assert (shown(later, "ready").state, shown(later, "ready").reason) == (INCONCLUSIVE, "Stale")


FLOOR: dict[str, tuple[Callable[[], GateFacts], str, CheckState, str]] = {
    "not ready in a third of the looks": (
        lambda: gate_facts(run=run_of(_every_other(samples(), ready=False, good=False))),
        "floor-running",
        FAILED,
        "BeyondThreshold",
    ),
    "paused in half of the looks": (
        lambda: gate_facts(run=run_of(_every_other(samples(), guard="SoftPaused"))),
        "floor-running",
        FAILED,
        "BeyondThreshold",
    ),
    "a daily loss of 1.5 %": (with_one(60, day_loss_bps=Decimal(150)), "floor-daily-loss", FAILED, "BeyondThreshold"),
    "an unknown daily loss": (of_samples(day_loss_bps=None), "floor-daily-loss", PENDING, "NoData"),
    "a daily loss that was unknown once": (with_one(60, day_loss_bps=None), "floor-daily-loss", PENDING, "NoData"),
    "a drawdown of 2.5 %": (with_one(60, drawdown_bps=Decimal(250)), "floor-drawdown", FAILED, "BeyondThreshold"),
    "an unknown drawdown": (of_samples(drawdown_bps=None), "floor-drawdown", PENDING, "NoData"),
    "an unknown number of hard stops": (of_samples(hard_stops=None), "floor-hard-stops", PENDING, "NoData"),
    "cancels beyond the budget": (of_samples(cancels_in_budget=False), "floor-cancels", FAILED, "BeyondThreshold"),
    "cancels nobody counted": (of_samples(cancels_in_budget=None), "floor-cancels", FAILED, "BeyondThreshold"),
    "no fill": (of_samples(fills=7), "floor-fills", FAILED, "BeyondThreshold"),
    "fills whose count began anew": (with_one(60, fills=0), "floor-fills", PENDING, "NoData"),
    "six orders refused by the venue": (
        lambda: gate_facts(run=run_of([*samples()[:-1], sample(rejected_orders=8)])),
        "floor-rejects",
        FAILED,
        "BeyondThreshold",
    ),
    "an unknown number of refused orders": (of_samples(rejected_orders=None), "floor-rejects", PENDING, "NoData"),
    "fees from nowhere": (of_samples(fee_source=None), "floor-fees", FAILED, "BeyondThreshold"),
    "fees that a person wrote down": (of_samples(fee_source="manual"), "floor-fees", FAILED, "BeyondThreshold"),
    "fees from nowhere once": (with_one(60, fee_source=""), "floor-fees", FAILED, "BeyondThreshold"),
    "a base share out of its band once": (
        with_one(60, inventory_in_band=False),
        "floor-inventory",
        FAILED,
        "BeyondThreshold",
    ),
    "a base share that is not known": (
        of_samples(inventory_in_band=None),
        "floor-inventory",
        FAILED,
        "BeyondThreshold",
    ),
    "a run younger than the floor's window": (
        lambda: gate_facts(run=run_of(samples(599))),
        "floor-drawdown",
        PENDING,
        "WindowNotFull",
    ),
}


def _every_other(looks: list[Sample], **changes: Any) -> list[Sample]:
    return [
        replace(look, **changes) if index % 2 and index + 1 < len(looks) else look for index, look in enumerate(looks)
    ]


@pytest.mark.parametrize("case", FLOOR)
def test_the_floor_closes_the_gate_with(case: str) -> None:
    build, name, state, reason = FLOOR[case]
    decision = decide(build())
    check = shown(decision, name)
    assert (check.state, check.reason) == (state, reason)
    assert decision.status.grant is None
    assert decision.status.floor is None
    assert not decision.status.rungs[3].reached
    assert (name in decision.failing) == (state is FAILED)


def _after_failure() -> GateFacts:
    run = fail_run(run_of(samples()), frozenset({"ready"}), now=NOW)
    return gate_facts(run=run)


def _set_back() -> GateFacts:
    facts = gate_facts()
    assert facts.run is not None
    return replace(facts, run=replace(facts.run, last_seen=NOW + timedelta(minutes=1)))


def _silent_for(seconds: int) -> GateFacts:
    looks = samples(end=NOW - timedelta(seconds=seconds))
    return gate_facts(run=run_of([*looks, silence(NOW)]))


def _unasked_for(seconds: int) -> GateFacts:
    return gate_facts(run=run_of(samples(end=NOW - timedelta(seconds=seconds))))


def _another(**changes: str) -> GateFacts:
    """Return a gate whose run is of what the bot was before."""
    key: dict[str, Any] = {"digest": DIGEST, "bot_uid": bot_facts().uid, "image_id": IMAGE, **changes}
    return gate_facts(run=run_of(samples(**key), subject=SubjectKey(**key)))


GATES: dict[str, tuple[Callable[[], GateFacts], str, str]] = {
    "no bot": (lambda: gate_facts(bot=None), "Ready", "BotMissing"),
    "another bot": (lambda: gate_facts(bot=bot_facts(name="beta")), "Ready", "AnotherBot"),
    "no desk": (lambda: gate_facts(desk=None), "Ready", "DeskUnknown"),
    "a desk that does not allow the mode": (
        lambda: gate_facts(desk=desk_facts(modes=frozenset({Mode.PAPER}))),
        "Ready",
        "DeskCeiling",
    ),
    "a digest that is not written for the present spec": (
        lambda: gate_facts(bot=bot_facts(digest=None)),
        "Ready",
        "DigestUnknown",
    ),
    "an image that the node has not said": (lambda: gate_facts(bot=bot_facts(image_id=None)), "Passed", "ImageUnknown"),
    "rung 0 not holding": (lambda: gate_facts(bot=bot_facts(static_ok=False)), "Passed", "NotStatic"),
    "evidence that cannot be kept": (
        lambda: gate_facts(evidence_problem="no space left on device"),
        "Ready",
        "EvidenceUnwritable",
    ),
    "a gate that is suspended": (lambda: gate_facts(spec=gate_spec(suspend=True)), "Ready", "Suspended"),
    "no sample at all": (lambda: gate_facts(run=None), "Soaked", "NoRun"),
    "samples of another digest": (lambda: _another(digest=OTHER_DIGEST), "Soaked", "NoRun"),
    "samples of a bot that was made anew": (lambda: _another(bot_uid="another"), "Soaked", "NoRun"),
    "samples of another image": (lambda: _another(image_id="other"), "Soaked", "NoRun"),
    "a run that is too short": (lambda: gate_facts(run=run_of(samples(870))), "Soaked", "Soaking"),
    "a run with too few fills": (
        lambda: gate_facts(run=run_of(samples(fills=5)), spec=gate_spec(soak=_soak(minFills=1))),
        "Soaked",
        "Soaking",
    ),
    "a run of too few days": (lambda: gate_facts(spec=gate_spec(soak=_soak(minTradingDays=2))), "Soaked", "Soaking"),
    "a bot that fell silent": (lambda: _silent_for(121), "Soaked", "EvidenceGap"),
    "a bot that nobody looked at": (lambda: _unasked_for(121), "Soaked", "EvidenceGap"),
    "a clock that was set back": (_set_back, "Soaked", "ClockSetBack"),
    "a hard stop": (lambda: gate_facts(run=run_of([*samples(), sample(guard="HardStopped")])), "Soaked", "HardStopped"),
    "a hard stop that nobody saw": (
        lambda: gate_facts(run=run_of([*samples()[:-1], sample(hard_stops=1)])),
        "Soaked",
        "Soaking",
    ),
    "a bot that left the mode": (
        lambda: gate_facts(run=run_of([*samples(), sample(mode=Mode.NO_TRADE)])),
        "Soaked",
        "LeftMode",
    ),
    "a check that failed in the last run": (_after_failure, "Soaked", "CheckFailed"),
    "a level below the one asked for": (lambda: gate_facts(spec=gate_spec(minLevel=4)), "Passed", "LevelTooLow"),
    "no approval": (lambda: gate_facts(approvals=()), "Approved", "AwaitingApproval"),
    "an approval of another digest": (
        lambda: gate_facts(approvals=(approval(digest=OTHER_DIGEST),)),
        "Approved",
        "AwaitingApproval",
    ),
    "an approval of another gate": (
        lambda: gate_facts(approvals=(approval(gateRef={"name": "to-testnet"}),)),
        "Approved",
        "AwaitingApproval",
    ),
    "an approval made before the subject was seen": (
        lambda: gate_facts(approvals=(approval(created=SEEN),)),
        "Approved",
        "AwaitingApproval",
    ),
    "an approval that ended": (
        lambda: gate_facts(approvals=(approval(validSeconds=300),)),
        "Approved",
        "AwaitingApproval",
    ),
    "an approval from the future": (
        lambda: gate_facts(approvals=(approval(created=NOW + timedelta(seconds=6)),)),
        "Approved",
        "AwaitingApproval",
    ),
    "an approval by whoever changed the bot": (
        lambda: gate_facts(approvals=(approval(approver="tara"),)),
        "Approved",
        "AwaitingApproval",
    ),
    "a bot that does not say who changed it": (
        lambda: gate_facts(bot=bot_facts(changed_by=None)),
        "Approved",
        "AwaitingApproval",
    ),
    "one person approving twice where two are needed": (
        lambda: gate_facts(spec=gate_spec(approvals={"required": 2}), approvals=(approval("one"), approval("two"))),
        "Approved",
        "AwaitingApproval",
    ),
}


def _soak(**changes: int) -> dict[str, int]:
    return {"minSeconds": 900, "minFills": 0, "maxGapSeconds": 120, **changes}


@pytest.mark.parametrize("case", GATES)
def test_a_gate_is_closed_with(case: str) -> None:
    build, type_, reason = GATES[case]
    decision = decide(build())
    assert decision.status.grant is None
    assert condition(decision, type_) == ("False", reason)
    assert condition(decision, "Passed")[0] == "False"


def test_what_is_missing_is_told_before_what_follows_from_it() -> None:
    halted = bot_facts(static_ok=False, static_message="ConfigInSync is not True")
    decision = decide(replace(_silent_for(121), bot=halted))
    assert condition(decision, "Passed") == ("False", "ChecksInconclusive")


@pytest.mark.parametrize("field", BotField)
def test_no_figure_comes_from_nothing(field: BotField) -> None:
    body = check_body(bot={"field": field.value}, threshold={"comparison": "AtLeast", "value": "-1"})
    spec = gate_spec(body)
    facts = gate_facts(spec=spec, run=None)
    assert shown(decide(replace(facts, measurements=measured(facts))), "ready").state is PENDING
