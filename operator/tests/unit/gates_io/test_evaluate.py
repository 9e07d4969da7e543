"""``python -m aviary_operator.gates``: golden output, exit codes, and what is missing is a no."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_crds.botstate import BotState, ConfigState, Figures, GuardView, Phase, RiskView
from aviary_crds.digest import subject_digest
from aviary_crds.evidence import seal_report
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec
from aviary_operator.gates.__main__ import main
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BEGIN = NOW - timedelta(hours=3)
UID = "0b0b0b0b-0000-4000-8000-000000000001"
SPEC = TradingBotSpec.model_validate({**BOT_SPEC, "deskRef": {"name": "desk"}})
DIGEST = subject_digest(SPEC, code=None)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def bot() -> dict[str, Any]:
    conditions = [
        {"type": name, "status": "True", "observedGeneration": 1}
        for name in ("EnvelopeValid", "EnvelopeEnforced", "ConfigInSync")
    ]
    return {
        "metadata": {
            "name": "alpha",
            "namespace": "desk",
            "uid": UID,
            "generation": 1,
            "creationTimestamp": text(BEGIN - timedelta(hours=1)),
        },
        "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": {
            "observedGeneration": 1,
            "digest": DIGEST,
            "imageId": "aviary.local/bot@sha256:1",
            "conditions": conditions,
        },
    }


def look(seconds: float, **risk: Any) -> dict[str, Any]:
    moment = BEGIN + timedelta(seconds=seconds)
    plain = {"day_loss_bps": Decimal(20), "drawdown_bps": Decimal(30), "cancels_in_budget": True}
    state = BotState(
        time=moment,
        name="alpha",
        namespace="desk",
        uid=UID,
        mode=Mode.PAPER,
        digest=DIGEST,
        phase=Phase.RUNNING,
        start_time=BEGIN,
        ready=True,
        config=ConfigState(revision="r", boot_revision="b"),
        figures=Figures(fills=int(seconds // 600), rejected_orders=0, fee_source="api:bitget"),
        guard=GuardView(state="Running"),
        risk=RiskView(**{**plain, "hard_stops": 0, "inventory_in_band": True, "leverage": 1, **risk}),
        starts=1,
    )
    return {"seen": moment.isoformat(), **state.model_dump(mode="json", by_alias=True, exclude_none=True)}


def gate(**changes: Any) -> dict[str, Any]:
    checks = [
        {"name": "turnover", "bot": {"field": "Fills"}, "threshold": {"comparison": "AtLeast", "value": "10"}},
        {
            "name": "up",
            "prometheus": {"query": 'min(up{bot="$bot"})', "series": 'up{bot="$bot"}'},
            "threshold": {"comparison": "Equal", "value": "1"},
        },
        {
            "name": "drill",
            "report": {"producer": "kill-drill", "file": {"path": "drill.json"}},
            "threshold": {"comparison": "Equal", "value": "1"},
        },
    ]
    spec = {
        "botRef": {"name": "alpha"},
        "from": "Paper",
        "to": "Live",
        "soak": {"minSeconds": 7200},
        "checks": checks,
        "grant": {"capitalQuote": "100"},
    }
    return {"metadata": {"name": "to-live", "namespace": "desk"}, "spec": {**spec, **changes}}


def approval() -> dict[str, Any]:
    return {
        "metadata": {"name": "yes", "namespace": "desk", "creationTimestamp": text(NOW - timedelta(minutes=10))},
        "spec": {
            "gateRef": {"name": "to-live"},
            "digest": DIGEST,
            "approver": "ann",
            "reason": "looked at everything",
        },
    }


def answer(value: str) -> dict[str, Any]:
    series = [{"metric": {}, "value": [NOW.timestamp(), value]}]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def report(**changes: Any) -> bytes:
    body = {
        "schemaVersion": 1,
        "producer": "kill-drill",
        "time": (NOW - timedelta(minutes=5)).isoformat(),
        "subject": {"namespace": "desk", "bot": "alpha", "digest": DIGEST},
        "result": "Pass",
        **changes,
    }
    return seal_report(body)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a gate and evidence that passes."""
    monkeypatch.chdir(tmp_path)
    evidence = tmp_path / "evidence"
    for name in ("prometheus", "reports", "approvals"):
        (evidence / name).mkdir(parents=True)
    (tmp_path / "gate.yaml").write_text(yaml.safe_dump(gate()))
    (evidence / "bot.yaml").write_text(yaml.safe_dump(bot()))
    desk = {"metadata": {"name": "desk", "namespace": "desk"}, "spec": {"ceilings": {**CEILINGS, "modes": list(Mode)}}}
    (evidence / "desk.yaml").write_text(json.dumps(desk))
    write_looks(evidence, [look(second) for second in range(0, 10_800, 15)])
    (evidence / "prometheus" / "up.json").write_text(
        json.dumps({"query": answer("1"), "timestamp": answer(str(NOW.timestamp() - 30))})
    )
    (evidence / "reports" / "of-today.json").write_bytes(report())
    (evidence / "approvals" / "yes.yaml").write_text(yaml.safe_dump(approval()))
    (evidence / "now").write_text(NOW.isoformat() + "\n")
    return tmp_path


def write_looks(evidence: Path, looks: list[dict[str, Any]]) -> None:
    (evidence / "state.jsonl").write_text("".join(json.dumps(item) + "\n" for item in looks))


def evaluate(*more: str) -> int:
    return main(["evaluate", "-f", "gate.yaml", "--evidence", "evidence", *more])


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    body = json.loads(capsys.readouterr().out)
    return {item["name"]: (item["state"], item["reason"]) for item in body["checks"]}


def golden(name: str, found: str) -> None:
    path = GOLDEN / name
    if os.environ.get("AVIARY_WRITE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize(("form", "name"), [("json", "pass.json"), ("markdown", "pass.md")])
@pytest.mark.usefixtures("work")
def test_evidence_that_is_whole_passes(capsys: pytest.CaptureFixture[str], form: str, name: str) -> None:
    assert evaluate("--format", form) == 0
    golden(name, capsys.readouterr().out)


def test_missing_evidence_fails_and_says_what_is_missing(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "evidence" / "prometheus" / "up.json").unlink()
    (work / "evidence" / "reports" / "of-today.json").unlink()
    assert evaluate("--format", "markdown") == 1
    golden("missing.md", capsys.readouterr().out)


@contextmanager
def changed(path: Path, raw: bytes) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(raw)
    try:
        yield
    finally:
        path.write_bytes(before)


def test_each_kind_of_bad_evidence_fails(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evidence = work / "evidence"
    up, drill = evidence / "prometheus" / "up.json", evidence / "reports" / "of-today.json"
    old = json.dumps({"query": answer("1"), "timestamp": answer(str(NOW.timestamp() - 3_000))}).encode()
    for path, raw, name, wanted in (
        (up, b"{}", "up", ("Pending", "NotTheApi")),
        (up, old, "up", ("Inconclusive", "Stale")),
        (drill, report(result="Fail"), "drill", ("Failed", "ReportSaysFail")),
        (drill, report()[:-9], "drill", ("Inconclusive", "ProducerNotInstalled")),
        (drill, report().replace(b"Pass", b"PASS"), "drill", ("Pending", "NotAReport")),
    ):
        with changed(path, raw):
            assert evaluate("--format", "json") == 1
            assert states(capsys)[name] == wanted, raw[:60]
    assert evaluate() == 0


def test_bad_moment_in_the_soak_fails_the_floor(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks = [look(second) for second in range(0, 10_800, 15)]
    looks[-200] = look((720 - 200) * 15, day_loss_bps=Decimal(151))
    write_looks(work / "evidence", looks)
    assert evaluate("--format", "json") == 1
    assert states(capsys)["floor-daily-loss"] == ("Failed", "BeyondThreshold")


def test_gap_in_the_looks_begins_the_soak_anew(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_looks(work / "evidence", [look(second) for second in range(0, 10_800, 15) if not 6_000 < second < 7_000])
    assert evaluate("--format", "json") == 1
    assert states(capsys)["floor-fills"][0] == "Pending"


def test_without_looks_or_an_approval_or_a_desk_nothing_passes(work: Path) -> None:
    evidence = work / "evidence"
    for name in ("state.jsonl", "desk.yaml", "approvals/yes.yaml"):
        path = evidence / name
        raw = path.read_bytes()
        path.unlink()
        assert evaluate() == 1, name
        path.write_bytes(raw)
    assert evaluate() == 0


def test_without_a_time_the_clock_counts_and_old_evidence_is_stale(work: Path) -> None:
    (work / "evidence" / "now").unlink()
    assert evaluate() == 1


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("../gate.yaml", "metadata: ["),
        ("../gate.yaml", "metadata: {}\nspec: {}"),
        ("../gate.yaml", yaml.safe_dump(gate(botRef={"name": "beta"}))),
        ("bot.yaml", "[]"),
        ("bot.yaml", yaml.safe_dump({"metadata": {"name": "alpha"}, "spec": {}})),
        ("desk.yaml", yaml.safe_dump({"metadata": {"name": "desk"}, "spec": {}})),
        ("state.jsonl", "no look\n"),
        ("state.jsonl", '{"seen": "yesterday"}\n'),
        ("approvals/yes.yaml", yaml.safe_dump({"metadata": {"name": "yes"}, "spec": approval()["spec"]})),
        ("now", "noon"),
    ],
)
def test_wrong_use_is_told_from_a_no(work: Path, capsys: pytest.CaptureFixture[str], name: str, raw: str) -> None:
    (work / "evidence" / name).write_text(raw)
    assert evaluate() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert Path(name).name in captured.err


def test_missing_folder_and_missing_arguments_are_wrong_use(work: Path) -> None:
    assert main(["evaluate", "-f", "gate.yaml", "--evidence", "nowhere"]) == 2
    with pytest.raises(SystemExit) as caught:
        main(["evaluate"])
    assert caught.value.code == 2
    assert work.is_dir()
