"""A run outlives the operator that watched it; what cannot be read is no run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_operator.gates.decide.run import Run, SubjectKey, advance_run, fail_run, note_measurement
from aviary_operator.gates.evidence_log import EvidenceError
from aviary_operator.gates.measurement import Measurement
from aviary_operator.gates.run_store import RunStore
from aviary_operator.gates.samples import Sample

from .questions import DIGEST, GATE_UID, OTHER_DIGEST

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
SUBJECT = SubjectKey(DIGEST, "bot-uid", "image@sha256:1")
SPEC = PromotionGateSpec.model_validate(
    {
        "botRef": {"name": "alpha"},
        "from": "Paper",
        "to": "Testnet",
        "minLevel": 0,
        "checks": [
            {"name": "loss", "bot": {"field": "DayLossBps"}, "threshold": {"comparison": "LessThan", "value": "100"}}
        ],
        "grant": {"capitalQuote": "100"},
    }
)


def sample(seconds: float, **changes: Any) -> Sample:
    plain = Sample(
        time=START + timedelta(seconds=seconds),
        bot_uid="bot-uid",
        digest=DIGEST,
        image_id="image@sha256:1",
        mode=Mode.PAPER,
        good=True,
        ready=True,
        guard="Running",
        hard_stops=0,
        fills=int(seconds),
        day_loss_bps=Decimal("0.125"),
    )
    return replace(plain, **changes)


class Watch:
    """Looks at a bot, and keeps what it saw in a store."""

    def __init__(self, folder: Path) -> None:
        self.store = RunStore(folder)
        self.run: Run | None = None

    def see(self, look: Sample, *, subject: SubjectKey = SUBJECT) -> Run:
        before = self.run
        self.run = advance_run(before, look, subject=subject, spec=SPEC, granted=False, now=look.time)
        self.store.save(GATE_UID, before, self.run, look)
        return self.run

    def fail(self, seconds: float) -> Run:
        before = self.run
        assert before is not None
        self.run = fail_run(before, frozenset({"loss"}), now=START + timedelta(seconds=seconds))
        self.store.save(GATE_UID, before, self.run, None)
        return self.run

    def again(self) -> Run | None:
        return RunStore(self.store.path(GATE_UID).parent).load(GATE_UID, SPEC)


def plain(run: Run | None) -> Run | None:
    return None if run is None else replace(run, memo={})


def test_run_comes_back_as_it_was(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for number in range(12):
        watch.see(sample(number * 15, good=number != 5, why_not="no answer" if number == 5 else ""))
        assert plain(watch.again()) == plain(watch.run), number
    assert watch.run is not None
    assert watch.run.fills == 165


def test_run_of_another_subject_begins_a_new_file(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for number in range(5):
        watch.see(sample(number * 15))
    other = SubjectKey(OTHER_DIGEST, "bot-uid", "image@sha256:1")
    ended = watch.see(sample(75, digest=OTHER_DIGEST), subject=other)
    assert ended.began == START + timedelta(seconds=75)
    back = watch.again()
    assert plain(back) == plain(ended)
    assert back is not None
    assert back.ended is not None
    assert back.ended.reason == "SubjectChanged"
    assert len(watch.store.path(GATE_UID).read_bytes().splitlines()) == 2


def test_wait_for_a_failed_check_is_not_forgotten(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for number in range(3):
        watch.see(sample(number * 15))
    failed = watch.fail(40)
    assert failed.waiting_for == {"loss"}
    assert plain(watch.again()) == plain(failed)
    watch.see(sample(45))
    back = watch.again()
    assert plain(back) == plain(watch.run)
    assert back is not None
    assert back.since is None
    assert back.waiting_for == {"loss"}


def test_run_after_a_recovery_comes_back_as_a_run(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.see(sample(0))
    watch.fail(1)
    began = watch.see(sample(15)).began
    assert began is not None
    assert watch.run is not None
    passed = Measurement(
        check="loss",
        time=began,
        outcome=CheckState.PASSED,
        reason="WithinThreshold",
        message="",
        value=Decimal(0),
        observed=began,
        query="",
        window_seconds=0,
        sha256=None,
    )
    watch.run = note_measurement(watch.run, passed, began=began)
    run = watch.see(sample(30))
    assert run.since == START + timedelta(seconds=30)
    back = watch.again()
    assert plain(back) == plain(run)


def test_line_that_a_crash_cut_short_is_one_look_less(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    for number in range(3):
        watch.see(sample(number * 15))
    path = watch.store.path(GATE_UID)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"time":"2026-11')
    assert plain(watch.again()) == plain(watch.run)
    assert path.read_bytes() == whole
    watch.see(sample(45))
    assert plain(watch.again()) == plain(watch.run)


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\n",
        b"\n",
        b'{"state":{}}\n',
        b'{"state":null}\n',
        b'{"state":{"subject":["a"],"waitingFor":[],"ended":null,"began":null,"lastSeen":null}}\n',
        b'{"time":"2026-11-25T08:00:00Z","bot_uid":"a"}\n',
    ],
)
def test_file_that_cannot_be_understood_is_no_run(tmp_path: Path, raw: bytes) -> None:
    store = RunStore(tmp_path)
    store.path(GATE_UID).write_bytes(raw)
    assert store.load(GATE_UID, SPEC) is None


def test_no_file_is_no_run(tmp_path: Path) -> None:
    assert RunStore(tmp_path).load(GATE_UID, SPEC) is None


def test_volume_that_is_gone_is_an_error(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.see(sample(0))
    watch.store.path(GATE_UID).unlink()
    with pytest.raises(EvidenceError, match="evidence volume"):
        watch.see(sample(15))
    with pytest.raises(EvidenceError):
        RunStore(tmp_path / "none").save(
            GATE_UID, None, watch.run or Run(subject=None, began=None, last_seen=START), None
        )
