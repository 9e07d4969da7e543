"""The ladder: which rung a subject has reached, and on what it rests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.floor import FLOOR_NAMES, all_checks, build_floor
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.ladder import Rung, find_level, find_missing
from aviary_operator.gates.measurement import NoValue, Silence

from .evidence import (
    NOW,
    bot_facts,
    check_body,
    decide,
    desk_facts,
    gate_facts,
    gate_spec,
    measured,
    record_of,
    run_of,
    sample,
    samples,
)


def rungs(*reached: int) -> tuple[Rung, ...]:
    """Return a ladder of which these rungs are reached."""
    return tuple(Rung(level=level, reached=level in reached, message="") for level in range(8))


@pytest.mark.parametrize(
    ("reached", "level"),
    [
        ((), -1),
        ((0,), 0),
        ((0, 1), 1),
        ((1,), 1),
        ((2,), 2),
        ((0, 3), 0),
        ((2, 3), 3),
        ((0, 1, 3, 4), 1),
        ((2, 3, 5), 3),
        ((2, 3, 4, 5, 6, 7), 7),
        ((0, 1, 2, 3, 4, 5, 6), 6),
    ],
)
def test_the_level_is_the_highest_rung_with_every_one_from_2_up_to_it(reached: tuple[int, ...], level: int) -> None:
    ladder = rungs(*reached)
    assert find_level(ladder) == level
    for wanted in range(8):
        missing = find_missing(ladder, wanted)
        assert (missing is None) == (level >= wanted)


def report(name: str, producer: str, **source: Any) -> dict[str, Any]:
    """Return a check of a report."""
    wanted = {"comparison": "AtLeast", "value": source.pop("threshold", "1")}
    kind = source.pop("kind", "report")
    origin = {"configMap": {"name": "reports", "key": "latest.json"}} if kind == "report" else {"image": "probe:1"}
    return check_body(name, bot=None, threshold=wanted, **{kind: {"producer": producer, **origin, **source}})


REHEARSED = (
    report("perp", "perp-smoke"),
    report("restart", "restart-recovery", kind="job"),
    report("kill", "kill-drill"),
)
CALIBRATED = report("calibrated", "fill-factor-calibration", value="realized_fill_factor", threshold="0")
VALIDATED = report("validated", "post-trade-validation")


def level(*checks: dict[str, Any], passing: str = "1") -> int:
    """Return the level of a gate with these checks, all of which pass."""
    facts = gate_facts(spec=gate_spec(check_body(), *checks))
    return decide(replace(facts, measurements=measured(facts, passing=passing))).status.level


def test_reports_lead_up_the_ladder() -> None:
    assert level() == 3
    assert level(*REHEARSED[:2]) == 3
    assert level(*REHEARSED) == 4
    assert level(CALIBRATED) == 3, "not without the rung below"
    assert level(*REHEARSED, CALIBRATED) == 5
    assert level(*REHEARSED, CALIBRATED, VALIDATED) == 6


def test_a_fill_factor_of_nothing_is_no_calibration_whatever_the_gate_asks() -> None:
    loose = {**CALIBRATED, "threshold": {"comparison": "AtMost", "value": "9"}}
    assert level(*REHEARSED[:0], loose, passing="0") == 3
    facts = gate_facts(spec=gate_spec(check_body(), loose))
    status = decide(replace(facts, measurements=measured(facts, passing="0"))).status
    assert not status.rungs[5].reached


@pytest.mark.parametrize(
    "check",
    [
        report("calibrated", "fill-factor-calibration"),
        report("calibrated", "fill-factor-calibration", value="another_value"),
        {**CALIBRATED, "enforcement": "DryRun"},
        report("calibrated", "somebody-else", value="realized_fill_factor", threshold="0"),
        report("calibrated", "fill-factor-calibration", value="realized_fill_factor", scope="Desk", threshold="0"),
    ],
    ids=["the result only", "another value", "a dry run", "another producer", "the desk's"],
)
def test_another_document_is_no_calibration(check: dict[str, Any]) -> None:
    facts = gate_facts(spec=gate_spec(check_body(), check))
    assert not decide(facts).status.rungs[5].reached


def test_a_grant_outlives_a_rung_that_cannot_be_read_and_not_one_that_is_refuted() -> None:
    spec = gate_spec(check_body(), *REHEARSED, minLevel=4)
    facts = gate_facts(spec=spec)
    held = replace(facts, stored=decide(facts).status)
    assert held.stored.grant is not None
    assert held.run is not None
    cases: tuple[tuple[NoValue, bool], ...] = ((CheckState.ERRORED, True), (CheckState.FAILED, False))
    for state, kept in cases:
        answer = Silence(state=state, reason="Told", message="no")
        record = record_of(spec.checks[1], held.run, *[answer] * 9)
        after = decide(replace(held, measurements={**held.measurements, "perp": record}))
        assert (after.status.grant is not None) is kept


def test_rung_2_needs_ten_minutes_and_a_fill() -> None:
    testnet = gate_spec(to="Testnet", minLevel=0)
    for looks, reached in ((samples(599), False), (samples(600), True), (samples(600, fills=3), False)):
        facts = gate_facts(spec=testnet, run=run_of(looks, spec=testnet))
        assert decide(facts).status.rungs[2].reached is reached


def test_rung_0_is_what_the_bots_controller_says() -> None:
    assert decide(gate_facts()).status.rungs[0].reached
    unfit = gate_facts(bot=bot_facts(static_ok=False, static_message="ConfigInSync is not True"))
    assert decide(unfit).status.rungs[0].message == "ConfigInSync is not True"


def test_rung_7_needs_five_days_live_in_one_run() -> None:
    spec = gate_spec(**{"from": "Live", "to": "Live", "soak": {"minSeconds": 432_000, "maxGapSeconds": 3_600}})
    for days, reached in ((5, True), (4, False)):
        looks = samples(days * 86_400, step=3_600, mode=Mode.LIVE)
        facts = gate_facts(spec=spec, run=run_of(looks, spec=spec))
        assert decide(facts).status.rungs[7].reached is reached


def floor_facts(**changes: Any) -> GateFacts:
    """Return a gate to Testnet that asks for rung 3."""
    return gate_facts(spec=gate_spec(to="Testnet"), desk=desk_facts(), **changes)


def test_the_floor_has_seven_kpis_in_nine_checks_that_all_count() -> None:
    floor = build_floor(7_200)
    assert {check.name for check in floor} == FLOOR_NAMES
    assert len(floor) == 9
    assert all(check.blocks and check.window_seconds == 7_200 and check.failure_limit == 0 for check in floor)


def test_every_gate_to_live_gets_the_floor_and_others_when_they_ask_for_rung_3() -> None:
    assert len(all_checks(gate_spec(), 600)) == 10
    assert len(all_checks(gate_spec(to="Testnet"), 600)) == 10
    assert len(all_checks(gate_spec(to="Testnet", minLevel=2), 600)) == 1
    assert decide(floor_facts()).status.level == 3


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_floor_without_a_window_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="floorSeconds"):
        build_floor(seconds)


def test_the_floor_is_kept_when_the_run_ends_and_its_checks_count_on() -> None:
    facts = gate_facts()
    stored = decide(facts).status
    gone = run_of([sample(NOW + timedelta(seconds=200))], run=facts.run)
    later = replace(facts, stored=stored, run=gone)
    decision = decide(later, now=NOW + timedelta(seconds=200))
    assert decision.status.level == 3
    assert decision.status.passed_checks == "0/10"
