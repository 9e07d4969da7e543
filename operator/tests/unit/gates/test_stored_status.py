"""The stored status is anybody's: only what is sealed in it is believed, and old yeses never come back through it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus, Subject
from aviary_operator.gates.decide.gate import decide_gate
from aviary_operator.gates.decide.gate_status import is_status_due, status_wait

from .evidence import (
    DIGEST,
    IMAGE,
    MADE,
    NOW,
    OTHER_DIGEST,
    SEEN,
    UID,
    another_seal,
    approval,
    bot_facts,
    decide,
    gate_facts,
    granted_facts,
    measured,
    run_of,
    sample,
)

EARLY = NOW - timedelta(hours=2)


def since(status: PromotionGateStatus) -> datetime:
    """Return since when the subject is known."""
    assert status.subject is not None
    return status.subject.since


def test_the_subject_is_known_since_it_was_first_seen() -> None:
    assert since(decide(gate_facts()).status) == SEEN


@pytest.mark.parametrize(
    "stored",
    [
        PromotionGateStatus(),
        PromotionGateStatus(subject=Subject(digest=DIGEST, bot_uid=UID, image_id=IMAGE, since=EARLY)),
        decide(gate_facts()).status.model_copy(
            update={"subject": Subject(digest=DIGEST, bot_uid=UID, image_id=IMAGE, since=EARLY, seal="hmac-sha256:0")}
        ),
        decide_gate(replace(gate_facts(), run=None), now=SEEN, seal=another_seal).status,
        decide(gate_facts()).status.model_copy(update={"generation_time": EARLY}),
        decide(gate_facts()).status.model_copy(update={"observed_generation": 7}),
    ],
    ids=["empty", "unsealed", "edited", "another key", "edited time", "edited generation"],
)
def test_a_subject_without_a_good_seal_is_first_seen_now(stored: PromotionGateStatus) -> None:
    decision = decide(replace(gate_facts(), stored=stored))
    assert since(decision.status) == NOW
    assert decision.status.grant is None, "no approval is newer than that"


def test_a_sealed_subject_of_another_gate_is_not_believed() -> None:
    stolen = decide(replace(gate_facts(), uid="gate-2")).status
    assert since(decide(replace(gate_facts(), stored=stolen)).status) == NOW


@pytest.mark.parametrize("change", [{"digest": OTHER_DIGEST}, {"image_id": "other"}, {"uid": "another"}])
def test_another_subject_is_first_seen_now_and_coming_back_is_too(change: dict[str, str]) -> None:
    other = decide(replace(gate_facts(), bot=bot_facts(**change))).status
    assert since(other) == NOW
    back = decide(replace(gate_facts(), stored=other), now=NOW + timedelta(minutes=1))
    assert since(back.status) == NOW + timedelta(minutes=1)
    assert back.status.grant is None, "the approval of before is void"


def test_what_is_not_known_for_a_moment_is_no_other_subject() -> None:
    for unknown in ({"digest": None}, {"image_id": None}):
        moment = decide(replace(gate_facts(), bot=bot_facts(**unknown))).status
        assert since(moment) == SEEN
        assert since(decide(replace(gate_facts(), stored=moment)).status) == SEEN


def test_an_image_that_becomes_known_is_news() -> None:
    first = replace(gate_facts(), bot=bot_facts(image_id=None), stored=PromotionGateStatus())
    seen = decide(first, now=SEEN).status
    assert since(decide(replace(gate_facts(), stored=seen)).status) == NOW


def test_a_changed_gate_makes_old_approvals_void_also_after_a_restart() -> None:
    changed = replace(gate_facts(), generation=2)
    first = decide(changed)
    assert first.status.generation_time == NOW
    assert first.status.grant is None
    again = decide(replace(changed, stored=first.status), now=NOW + timedelta(seconds=5))
    assert again.status.generation_time == NOW
    assert again.status.grant is None
    anew = replace(changed, stored=first.status, approvals=(approval(created=NOW + timedelta(seconds=1)),))
    assert decide(anew, now=NOW + timedelta(seconds=5)).status.grant is not None


def test_a_gate_that_was_never_changed_is_as_old_as_it_is() -> None:
    assert decide(replace(gate_facts(), stored=PromotionGateStatus())).status.generation_time == MADE


def test_the_floor_is_kept_for_its_subject_under_its_seal() -> None:
    reached = decide(gate_facts()).status
    assert reached.floor is not None
    restarted = replace(gate_facts(), stored=reached, run=None, measurements={})
    assert decide(restarted).status.floor == reached.floor
    assert decide(restarted).status.level == 3
    for change in ({"window_seconds": 99_999}, {"digest": OTHER_DIGEST}, {"seal": ""}):
        forged = reached.model_copy(update={"floor": reached.floor.model_copy(update=change)})
        decision = decide(replace(restarted, stored=forged))
        assert decision.status.floor is None
        assert decision.status.level < 3


def test_a_status_is_written_for_a_transition_at_once() -> None:
    stored = decide(gate_facts(approvals=())).status
    assert is_status_due(PromotionGateStatus(), stored, now=NOW)
    fresh = decide(replace(gate_facts(), stored=stored)).status
    assert is_status_due(stored, fresh, now=NOW)


def test_a_status_is_written_for_figures_once_a_minute() -> None:
    facts = granted_facts()
    for seconds, due in ((15, False), (45, False), (60, True)):
        now = NOW + timedelta(seconds=seconds)
        looks = [sample(NOW + timedelta(seconds=ahead)) for ahead in range(15, seconds + 1, 15)]
        moved = replace(facts, run=run_of(looks, run=facts.run))
        fresh = decide(replace(moved, measurements=measured(moved, now=now)), now=now).status
        assert is_status_due(facts.stored, fresh, now=now) is due
        assert status_wait(facts.stored, fresh, now=now) == max(1.0, 60 - seconds)


def test_having_looked_again_is_no_reason_to_write() -> None:
    facts = gate_facts(bot=None, run=None, approvals=())
    stored = decide(facts).status
    fresh = decide(replace(facts, stored=stored), now=NOW + timedelta(hours=1)).status
    assert not is_status_due(stored, fresh, now=NOW + timedelta(hours=1))
    assert status_wait(stored, fresh, now=NOW + timedelta(hours=1)) is None


def test_history_tells_each_thing_once_and_the_newest_ten() -> None:
    facts = gate_facts()
    stopped = run_of([sample(NOW, guard="HardStopped")], run=facts.run)
    status = decide(replace(facts, run=stopped)).status
    assert [entry.event for entry in status.history] == ["RunEnded"]
    again = decide(replace(facts, run=stopped, stored=status), now=NOW + timedelta(minutes=1))
    assert again.status.history == status.history
    assert again.notices == ()
    many = status.model_copy(update={"history": status.history * 10})
    assert len(decide(replace(granted_facts(), approvals=(), stored=many)).status.history) <= 10
