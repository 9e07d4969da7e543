"""What is read of a gate's surroundings, what is counted, and what a deployment may set."""

from pathlib import Path
from typing import Any

import pytest
from aviary_crds.v1alpha1.gatestatus import CheckState, PromotionGateStatus
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.records import read_bot
from aviary_operator.gates.__main__ import main
from aviary_operator.gates.observe import check_gate, read_bot_facts, read_desk_facts, read_time
from aviary_operator.gates.offline.verify import verify_log
from aviary_operator.gates.tally import Tally
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.settings import OperatorSettings
from aviary_operator_simulation.world import BOT_SPEC
from pydantic import ValidationError

from .questions import DIGEST, GATE_UID
from .test_evidence_log import write

MADE = "2026-11-25T11:00:00Z"


def bot(*, generation: int = 2, **status: Any) -> Any:
    meta = {"name": "alpha", "namespace": "desk", "uid": "u", "generation": generation, "creationTimestamp": MADE}
    plain = {
        "observedGeneration": 2,
        "digest": DIGEST,
        "grantedMode": "Paper",
        "conditions": [
            {"type": name, "status": "True", "observedGeneration": 2}
            for name in ("EnvelopeValid", "EnvelopeEnforced", "ConfigInSync")
        ],
    }
    return read_bot_facts(read_bot({"metadata": meta, "spec": dict(BOT_SPEC), "status": {**plain, **status}}), None)


def test_digest_counts_for_the_generation_it_was_written_for() -> None:
    assert bot().digest == DIGEST
    assert bot(generation=3).digest is None
    assert bot(digest="").digest is None
    assert bot(digest=7).digest is None


def test_rung_0_rests_on_conditions_of_the_present_generation() -> None:
    assert bot().static_ok
    stale = bot(generation=3)
    assert not stale.static_ok
    assert "EnvelopeValid and EnvelopeEnforced and ConfigInSync are not True" in stale.static_message
    assert not bot(conditions=[]).static_ok
    assert not bot(conditions=["x", {"type": "EnvelopeValid"}]).static_ok


def test_bot_or_desk_that_cannot_be_read_is_not_known() -> None:
    meta = {"name": "alpha", "namespace": "desk", "uid": "u", "creationTimestamp": MADE}
    assert read_bot_facts(read_bot({"metadata": meta, "spec": {}}), None) is None
    assert read_desk_facts("desk", {"ceilings": {}}) is None


def test_gate_that_admission_should_have_refused_says_why() -> None:
    spec = check_gate({"botRef": {"name": "alpha"}, "from": "Paper", "to": "Live", "checks": [], "minLevel": 1})
    assert isinstance(spec, InvalidSpec)
    assert "spec.checks" in spec.message


def test_time_without_a_zone_is_none() -> None:
    for text in ("2026-11-25T11:00:00", "None", ""):
        with pytest.raises(ValueError, match=r"zone|Invalid isoformat"):
            read_time(text)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def status(*states: str, grant: dict[str, Any] | None = None) -> PromotionGateStatus:
    checks = [
        {"name": f"c{number}", "state": state, "severity": "Critical", "enforcement": "Enforce", "reason": "X"}
        for number, state in enumerate(states)
    ]
    return PromotionGateStatus.model_validate({"checks": checks, **({"grant": grant} if grant else {})})


GRANT = {
    "mode": "Live",
    "capitalQuote": "100",
    "digest": DIGEST,
    "botUid": "u",
    "imageId": "i",
    "grantedTime": MADE,
    "expiresTime": MADE,
    "seal": "s",
}


def test_gauges_count_every_gate_once_as_it_is_now() -> None:
    metrics = Metrics()
    tally = Tally(metrics)
    assert sample(metrics, "aviary_operator_gates", passed="true") == 0
    tally.note("a", status("Passed", "Failed"))
    tally.note("b", status("Passed", grant={**GRANT, "breakGlass": "help"}))
    tally.note("a", status("Passed", "Passed", grant=GRANT))
    assert sample(metrics, "aviary_operator_gates", passed="true") == 2
    assert sample(metrics, "aviary_operator_gates", passed="false") == 0
    assert sample(metrics, "aviary_operator_break_glass_grants") == 1
    assert sample(metrics, "aviary_operator_gate_checks", state=CheckState.PASSED.value) == 3
    assert sample(metrics, "aviary_operator_gate_checks", state=CheckState.FAILED.value) == 0
    tally.forget("b")
    assert sample(metrics, "aviary_operator_gates", passed="true") == 1
    assert sample(metrics, "aviary_operator_break_glass_grants") == 0


def test_settings_of_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVIARY_NAMESPACE", "aviary-system")
    plain = OperatorSettings()
    assert (plain.evidence_dir, plain.reports_dir, plain.prometheus_url, plain.report_hosts) == (None, None, "", ())
    assert plain.floor_seconds == 7_200
    monkeypatch.setenv("AVIARY_REPORT_HOSTS", "reports.desk:8080, other")
    monkeypatch.setenv("AVIARY_EVIDENCE_DIR", "/var/lib/aviary/evidence")
    monkeypatch.setenv("AVIARY_REPORTS_DIR", "")
    monkeypatch.setenv("AVIARY_PROMETHEUS_URL", "http://prometheus.monitoring:9090")
    found = OperatorSettings()
    assert found.report_hosts == ("reports.desk:8080", "other")
    assert found.evidence_dir == Path("/var/lib/aviary/evidence")
    assert found.reports_dir is None


@pytest.mark.parametrize(
    ("name", "value"), [("PROMETHEUS_URL", "prometheus:9090"), ("PROMETHEUS_URL", "http://a?b"), ("FLOOR_SECONDS", "0")]
)
def test_setting_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("AVIARY_NAMESPACE", "aviary-system")
    monkeypatch.setenv(f"AVIARY_{name}", value)
    with pytest.raises(ValidationError):
        OperatorSettings()


async def test_verify_tells_whole_logs_from_broken_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    heads = await write(tmp_path, 3)
    (tmp_path / f"{GATE_UID}.run.jsonl").write_text("no log\n")
    assert main(["verify", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert f"3 entries\t3 Passed\t{heads[-1]}\twhole" in out
    assert out.endswith("1 logs, 3 entries, 0 broken\n")
    path = tmp_path / f"{GATE_UID}.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Passed", b"Failed", 1))
    assert main(["verify", str(tmp_path)]) == 1
    assert "BROKEN: line 1 is not what its hash says" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "none")]) == 2


async def test_verify_says_that_a_last_line_is_torn(tmp_path: Path) -> None:
    await write(tmp_path, 2)
    path = tmp_path / f"{GATE_UID}.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    checked = verify_log(path)
    assert checked.problem is None
    assert (checked.entries, checked.torn > 0) == (1, True)
