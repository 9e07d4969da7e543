"""A run is continuous: what it begins with, what ends it, and what the next one waits for."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.run import (
    Run,
    RunEndReason,
    SubjectKey,
    advance_run,
    fail_run,
    note_measurement,
    read_subject,
)
from aviary_operator.gates.measurement import Measurement, Silence, decide_measurement
from aviary_operator.gates.samples import Sample, dump_sample, load_sample

from .evidence import (
    DIGEST,
    IMAGE,
    NOW,
    OTHER_DIGEST,
    SUBJECT,
    UID,
    bot_facts,
    check,
    check_body,
    gate_spec,
    reading,
    run_of,
    sample,
    samples,
    silence,
)

LATER = NOW + timedelta(seconds=15)


def after(seconds: float) -> Sample:
    """Return a good look so long after the last."""
    return sample(NOW + timedelta(seconds=seconds))


def ended(run: Run) -> RunEndReason | None:
    """Return why the last run ended."""
    return run.ended.reason if run.ended else None


def measure(value: int, *, name: str = "ready") -> Measurement:
    """Return a measurement of a check."""
    return decide_measurement(check(name), reading(value), now=NOW)


def test_a_run_begins_with_the_first_good_sample() -> None:
    run = run_of([silence(NOW), after(15), after(30)])
    assert run.since == LATER
    assert run.ended is None


@pytest.mark.parametrize(
    "change",
    [
        {"good": False},
        {"digest": OTHER_DIGEST},
        {"bot_uid": "another"},
        {"image_id": "other"},
        {"image_id": None},
        {"mode": Mode.LIVE},
        {"mode": None},
        {"guard": "HardStopped"},
        {"guard": None},
    ],
)
def test_no_run_begins_with(change: dict[str, object]) -> None:
    assert run_of([replace(sample(), **change)]).since is None  # type: ignore[arg-type]


def test_no_run_begins_while_the_subject_is_not_known() -> None:
    assert run_of([sample()], subject=None).since is None
    assert read_subject(bot_facts()) == SUBJECT
    for unknown in (bot_facts(digest=None), bot_facts(image_id=None), None):
        assert read_subject(unknown) is None


def test_a_sample_from_the_future_is_not_good() -> None:
    ahead = sample(NOW + timedelta(seconds=6))
    run = advance_run(None, ahead, subject=SUBJECT, spec=gate_spec(), granted=False, now=NOW)
    assert run.since is None


ENDS: dict[str, tuple[list[Sample], RunEndReason]] = {
    "a hard stop": ([replace(after(15), guard="HardStopped")], RunEndReason.HARD_STOPPED),
    "a hard stop of a bot that is not ready": (
        [replace(after(15), guard="HardStopped", good=False, ready=False)],
        RunEndReason.HARD_STOPPED,
    ),
    "a hard stop between two looks": ([replace(after(15), hard_stops=1)], RunEndReason.HARD_STOPPED),
    "another mode": ([replace(after(15), mode=Mode.NO_TRADE, good=False)], RunEndReason.LEFT_MODE),
    "a higher mode without a grant": ([replace(after(15), mode=Mode.LIVE)], RunEndReason.LEFT_MODE),
    "a silence that is too long": ([silence(NOW + timedelta(seconds=121))], RunEndReason.EVIDENCE_GAP),
    "an operator that was away": ([after(121)], RunEndReason.EVIDENCE_GAP),
    "many looks that were not good": (
        [silence(NOW + timedelta(seconds=15 * back)) for back in range(1, 10)],
        RunEndReason.EVIDENCE_GAP,
    ),
    "a clock that was set back": ([after(-1)], RunEndReason.CLOCK_SET_BACK),
    "a clock that was set back between silent looks": (
        [silence(NOW + timedelta(seconds=30)), after(15)],
        RunEndReason.CLOCK_SET_BACK,
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_run_ends_with(case: str) -> None:
    looks, reason = ENDS[case]
    before = run_of(samples())
    run = run_of(looks, run=before)
    assert ended(run) is reason
    assert run.since is None or run.since >= looks[-1].time
    assert run.fills == 0


KEPT: dict[str, list[Sample]] = {
    "a silence shorter than the gap": [silence(LATER), after(120)],
    "a pause of the guard": [replace(after(15), guard="SoftPaused")],
    "a moment of not being ready": [replace(after(15), good=False, ready=False), after(30)],
    "a restart within the gap": [silence(LATER), replace(after(60), starts=2)],
}


@pytest.mark.parametrize("case", KEPT)
def test_a_run_goes_on_after(case: str) -> None:
    before = run_of(samples())
    run = run_of(KEPT[case], run=before)
    assert run.since == before.since
    assert run.ended is None


@pytest.mark.parametrize(
    "subject",
    [SubjectKey(OTHER_DIGEST, UID, IMAGE), SubjectKey(DIGEST, "another", IMAGE), SubjectKey(DIGEST, UID, "other")],
)
def test_another_subject_ends_the_run_whatever_the_sample_says(subject: SubjectKey) -> None:
    run = run_of([after(15)], run=run_of(samples()), subject=subject)
    assert (run.since, ended(run)) == (None, RunEndReason.SUBJECT_CHANGED)


def test_a_subject_that_is_not_known_for_a_moment_does_not_end_the_run() -> None:
    before = run_of(samples())
    during = run_of([after(15)], run=before, subject=None)
    assert during.last_good == NOW, "but nothing counts meanwhile"
    assert run_of([after(30)], run=during).since == before.since


def test_with_a_grant_the_run_goes_on_in_the_mode_that_is_granted() -> None:
    before = run_of(samples())
    live = replace(after(15), mode=Mode.LIVE)
    assert run_of([live], run=before, granted=True).since == before.since


def test_a_run_counts_fills_and_days_of_its_own() -> None:
    midnight = NOW.replace(hour=0)
    run = run_of(samples(1_200, end=midnight + timedelta(minutes=10)))
    assert (run.fills, len(run.days)) == (20, 2)


def test_fills_whose_count_fell_are_not_known() -> None:
    assert run_of([replace(after(15), fills=0)], run=run_of(samples())).fills == 0


def failed_run(*names: str) -> Run:
    """Return a run that these failed checks ended."""
    return fail_run(run_of(samples()), frozenset(names), now=NOW)


def test_a_failed_check_ends_the_run_and_the_next_waits_for_it() -> None:
    run = failed_run("ready")
    assert ended(run) is RunEndReason.CHECK_FAILED
    waiting = run_of([after(15), after(30)], run=run)
    assert waiting.since is None
    assert waiting.began == LATER, "samples are gathered, or the check could never be measured"
    again = note_measurement(waiting, measure(10_000), began=LATER)
    assert again.since is None, "it begins with a sample"
    begun = run_of([after(45)], run=again)
    assert begun.since == NOW + timedelta(seconds=45)
    assert begun.fills == 0


def test_the_next_run_waits_for_every_failed_check_at_once() -> None:
    spec = gate_spec(check_body("one"), check_body("two"))
    run = run_of([after(15)], run=failed_run("one", "two"), spec=spec)
    run = note_measurement(run, measure(10_000, name="one"), began=LATER)
    assert run_of([after(30)], run=run, spec=spec).since is None
    run = note_measurement(run, measure(0, name="one"), began=LATER)
    run = note_measurement(run, measure(10_000, name="two"), began=LATER)
    assert run_of([after(30)], run=run, spec=spec).since is None, "the first one failed again"
    run = note_measurement(run, measure(10_000, name="one"), began=LATER)
    assert run_of([after(30)], run=run, spec=spec).since is not None


def test_a_measurement_of_another_stretch_does_not_end_the_wait() -> None:
    run = run_of([after(15)], run=failed_run("ready"))
    run = note_measurement(run, measure(10_000), began=NOW)
    assert run.passed_again == frozenset()


def test_a_measurement_without_a_verdict_changes_nothing() -> None:
    pending = Silence(state=CheckState.PENDING, reason="WindowNotFull", message="too early")
    run = run_of([after(15)], run=failed_run("ready"))
    run = note_measurement(run, measure(10_000), began=LATER)
    assert note_measurement(run, decide_measurement(check(), pending, now=NOW), began=LATER) == run


def test_a_hard_stop_while_waiting_does_not_end_the_wait() -> None:
    run = run_of([after(15), replace(after(30), guard="HardStopped"), after(45)], run=failed_run("ready"))
    assert (run.since, ended(run)) == (None, RunEndReason.CHECK_FAILED)
    assert run.waiting_for == {"ready"}


def test_another_subject_ends_the_wait() -> None:
    run = run_of([after(15)], run=failed_run("ready"))
    other = SubjectKey(OTHER_DIGEST, UID, IMAGE)
    run = run_of([replace(after(30), digest=OTHER_DIGEST)], run=run, subject=other)
    assert run.since == NOW + timedelta(seconds=30)
    assert ended(run) is RunEndReason.SUBJECT_CHANGED


def test_a_check_that_is_taken_out_of_the_gate_is_not_waited_for_and_the_wait_was_no_run() -> None:
    run = run_of([after(15), after(30)], run=failed_run("ready"))
    run = run_of([after(45)], run=run, spec=gate_spec(check_body("another")))
    assert run.since == NOW + timedelta(seconds=45)


def test_a_floor_check_is_waited_for_though_the_spec_does_not_name_it() -> None:
    run = run_of([after(15), after(30)], run=failed_run("floor-drawdown"))
    assert run.since is None


def test_nothing_fails_where_there_is_no_run() -> None:
    waiting = failed_run("ready")
    assert fail_run(waiting, frozenset({"another"}), now=NOW) == waiting
    run = run_of(samples())
    assert fail_run(run, frozenset(), now=NOW) == run


def test_the_same_samples_give_the_same_run_whoever_reads_them() -> None:
    looks = [*samples(), silence(LATER), after(30)]
    assert run_of([load_sample(dump_sample(look)) for look in looks]) == run_of(looks)


def test_a_hole_in_the_samples_is_a_gap() -> None:
    looks = [item for item in samples() if not timedelta(seconds=300) <= NOW - item.time <= timedelta(seconds=500)]
    run = run_of(looks)
    assert ended(run) is RunEndReason.EVIDENCE_GAP
    assert run.since == NOW - timedelta(seconds=285)
