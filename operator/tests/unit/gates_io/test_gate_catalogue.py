"""The catalogue of gates, evaluated offline: closed without evidence, open when all is good, shut by one bad report."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_crds.botstate import BotState, ConfigState, ConnectorReadiness, Figures, GuardView, Phase, RiskView
from aviary_crds.evidence import seal_report
from aviary_crds.gate_templates import build_gate, read_templates
from aviary_crds.v1alpha1.gatechecks import MOST_CHECKS, Check, Enforcement, ReportScope
from aviary_crds.v1alpha1.gatestatus import CheckState, CheckStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_operator.gates.__main__ import main
from aviary_operator.gates.decide.check_record import CheckRecord, add_measurement, begin_record
from aviary_operator.gates.decide.check_state import judge_check
from aviary_operator.gates.decide.floor import FLOOR_NAMES, FULL_FLOOR_SECONDS, all_checks, needs_floor
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.measurement import Reading, decide_measurement
from aviary_operator.gates.offline.evaluate import Verdict, evaluate_gate
from aviary_operator.gates.offline.folder import Evidence, read_evidence
from aviary_operator.gates.sources.reports import Expected, missing_report
from aviary_operator_simulation.world import CEILINGS

from .test_evaluate import DIGEST, NOW, UID, answer, bot, text

FOLDER = Path(__file__).resolve().parents[4] / "manifests" / "gates"
TEMPLATES = read_templates(FOLDER)
WITH_REPORTS = [name for name in TEMPLATES if name != "paper-smoke"]
TO_LIVE = [name for name, item in TEMPLATES.items() if item.manifest["spec"]["to"] == "Live"]

GOOD: Mapping[str, Mapping[str, str | int | bool]] = {
    "exchange-snapshot": {"equity_quote": "1000.25"},
    "financial-kpis": {"fee_burden_bps": 2500, "profit_factor": "1.4"},
    "ops-audit": {"findings": 0},
    "paper-soak": {"inventory_error_growth_bps": -15},
    "paper-parity": {"fill_rate_divergence_bps": 1200},
    "perp-safety": {"lowest_margin_ratio_bps": 10_000},
    "position-reconciliation": {"position_drift_bps": 3},
    "rate-limits": {"lowest_headroom_bps": 8000},
    "fill-reconciliation": {"mismatches": 0},
    "notrade-window": {"samples": 40},
    "restart-recovery": {"orphan_orders": 0},
    "multi-day-soak": {"hours": 48},
    "kill-drill": {"dry_run": False},
    "replay-regression": {"deterministic_repeat_pass": True},
    "tests": {"failed": 0},
    "lint-and-types": {"errors": 0},
    "fill-factor-calibration": {"realized_fill_factor": "0.37"},
    "post-trade-validation": {"fill_factor_share_bps": 9300},
    "secrets-hygiene": {"finding_count": 0},
    "event-store-integrity": {"missing_correlation": 0},
    "reconciliation": {"critical": 0},
    "portfolio-risk": {"critical": 0},
    "market-data-freshness": {"market_data_rows_present": True},
    "bus-health": {"audit_events": 512},
}
"""What the producers of a healthy desk would write; those that are not here write no values."""

BAD_VALUES: Mapping[str, Mapping[str, tuple[str, str, str | int | bool]]] = {
    "live-micro": {
        "balance": ("exchange-snapshot", "equity_quote", "99.99"),
        "fee-burden-limit": ("financial-kpis", "fee_burden_bps", 4001),
        "fee-burden-target": ("financial-kpis", "fee_burden_bps", 3501),
        "profit-factor": ("financial-kpis", "profit_factor", "1.25"),
        "ops-audit": ("ops-audit", "findings", 1),
        "inventory-error": ("paper-soak", "inventory_error_growth_bps", 1),
        "perp-safety": ("perp-safety", "lowest_margin_ratio_bps", 1999),
        "position-drift": ("position-reconciliation", "position_drift_bps", 101),
        "rate-headroom": ("rate-limits", "lowest_headroom_bps", 5000),
        "fill-reconciliation": ("fill-reconciliation", "mismatches", 1),
        "notrade-live": ("notrade-window", "samples", 9),
        "restart-recovery": ("restart-recovery", "orphan_orders", 1),
        "multi-day-soak": ("multi-day-soak", "hours", 47),
        "kill-drill": ("kill-drill", "dry_run", True),
        "replay": ("replay-regression", "deterministic_repeat_pass", False),
        "tests": ("tests", "failed", 1),
        "lint-and-types": ("lint-and-types", "errors", 1),
        "fill-factor-calibration": ("fill-factor-calibration", "realized_fill_factor", "0"),
        "post-trade-validation": ("post-trade-validation", "fill_factor_share_bps", 6999),
        "secrets": ("secrets-hygiene", "finding_count", 1),
        "event-store": ("event-store-integrity", "missing_correlation", 1),
        "reconciliation": ("reconciliation", "critical", 1),
        "portfolio-risk": ("portfolio-risk", "critical", 1),
        "market-data": ("market-data-freshness", "market_data_rows_present", False),
        "bus-health": ("bus-health", "audit_events", 0),
    },
    "paper-soak": {"paper-parity": ("paper-parity", "fill_rate_divergence_bps", 5001)},
}
"""The first value beyond each threshold, by template and check."""


def gate(name: str, **changes: Any) -> dict[str, Any]:
    return build_gate(TEMPLATES[name], **{"bot": "alpha", "namespace": "desk", "strict": False, **changes})


@cache
def spec_of(name: str) -> PromotionGateSpec:
    return PromotionGateSpec.model_validate(gate(name)["spec"])


def reported(name: str) -> list[Check]:
    return [check for check in spec_of(name).checks if check.report is not None]


def template_check(template: str, name: str) -> Check:
    return next(check for check in spec_of(template).checks if check.name == name)


def report(check: Check, *, values: Mapping[str, Any] | None = None, **changes: Any) -> bytes:
    """Return what the producer of a check's report would write for a healthy bot and desk."""
    source = check.report
    assert source is not None
    whole = source.scope is ReportScope.DESK
    body = {
        "schemaVersion": 1,
        "producer": source.producer,
        "time": (NOW - timedelta(minutes=5)).isoformat(),
        "subject": {"namespace": "desk"} if whole else {"namespace": "desk", "bot": "alpha", "digest": DIGEST},
        "result": "Pass",
        "values": {**GOOD.get(source.producer, {}), **(values or {})},
        **changes,
    }
    return seal_report(body)


def look(name: str, second: float, begin: datetime) -> str:
    """Return one look at a bot that does well, in the mode that the gate leads from."""
    moment = begin + timedelta(seconds=second)
    state = BotState(
        time=moment,
        name="alpha",
        namespace="desk",
        uid=UID,
        mode=spec_of(name).from_,
        digest=DIGEST,
        phase=Phase.RUNNING,
        start_time=begin,
        ready=True,
        config=ConfigState(revision="r", boot_revision="b"),
        connectors=(ConnectorReadiness(name="bitget", ready=True),),
        figures=Figures(fills=int(second // 300), rejected_orders=0, fee_source="api:bitget", open_orders=4),
        guard=GuardView(state="Running"),
        risk=RiskView.model_validate(
            {
                "dayLossBps": "20",
                "drawdownBps": "30",
                "dayTurnoverBps": "4000",
                "cancelsInBudget": True,
                "hardStops": 0,
                "inventoryInBand": True,
                "leverage": 1,
            }
        ),
        starts=1,
    )
    body = {"seen": moment.isoformat(), **state.model_dump(mode="json", by_alias=True, exclude_none=True)}
    return json.dumps(body)


def approval(name: str, number: int, **changes: Any) -> str:
    meta = {"name": f"yes-{number}", "namespace": "desk", "creationTimestamp": text(NOW - timedelta(minutes=10))}
    plain = {"gateRef": {"name": f"alpha-{name}"}, "digest": DIGEST, "reason": "looked at everything"}
    return yaml.safe_dump({"metadata": meta, "spec": {**plain, "approver": f"person-{number}", **changes}})


def write_evidence(name: str, folder: Path) -> None:
    """Write all that the gate of this template asks for, and all of it good."""
    spec = spec_of(name)
    for part in ("prometheus", "reports", "approvals"):
        (folder / part).mkdir(parents=True)
    length, step = (spec.soak.min_seconds + 3_600, 240) if spec.to is Mode.LIVE else (9_000, 15)
    begin = NOW - timedelta(seconds=length)
    body = bot()
    body["metadata"]["creationTimestamp"] = text(begin - timedelta(hours=1))
    (folder / "bot.yaml").write_text(yaml.safe_dump(body))
    desk = {"metadata": {"name": "desk", "namespace": "desk"}, "spec": {"ceilings": {**CEILINGS, "modes": list(Mode)}}}
    (folder / "desk.yaml").write_text(json.dumps(desk))
    (folder / "state.jsonl").write_text("\n".join(look(name, second, begin) for second in range(0, length, step)))
    (folder / "now").write_text(NOW.isoformat())
    stored = {"query": answer("3"), "timestamp": answer(str(NOW.timestamp() - 15))}
    (folder / "prometheus" / "csv-written.json").write_text(json.dumps(stored))
    for check in reported(name):
        assert check.report is not None
        (folder / "reports" / f"of-{check.report.producer}.json").write_bytes(report(check))
    for number in range(spec.approvals.required):
        (folder / "approvals" / f"{number}.yaml").write_text(approval(name, number))
    for check in spec.checks:
        if check.manual is not None:
            said = approval(name, 9, type="Acknowledgement", check=check.name)
            (folder / "approvals" / f"{check.name}.yaml").write_text(said)


class Case:
    """A template's gate and evidence on disk, read once, to be evaluated with other reports."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.file = folder / "gate.yaml"
        self.folder = folder / "evidence"
        self.file.write_text(yaml.safe_dump(gate(name)))
        write_evidence(name, self.folder)
        self.evidence: Evidence = read_evidence(self.folder, clock=datetime.now(UTC))
        self._scratch = folder

    def evaluate(self, *without: str, **documents: bytes) -> Verdict:
        """Evaluate without the reports of these producers, and with these in place of others (``_`` for ``-``)."""
        reports = {name: path for name, path in self.evidence.reports.items() if name not in without}
        for name, raw in documents.items():
            path = self._scratch / f"{name}.json"
            path.write_bytes(raw)
            reports[name.replace("_", "-")] = path
        return evaluate_gate(self.file, replace(self.evidence, reports=reports))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {name: Case(name, tmp_path_factory.mktemp(name)) for name in TEMPLATES}


def checks_of(verdict: Verdict) -> dict[str, CheckStatus]:
    return {check.name: check for check in verdict.status.checks}


@pytest.mark.parametrize("name", TEMPLATES)
def test_gate_opens_when_all_of_its_evidence_is_good(cases: dict[str, Case], name: str) -> None:
    verdict = cases[name].evaluate()
    assert {check.name: check.message for check in verdict.status.checks if check.state is not CheckState.PASSED} == {}
    assert verdict.passed, verdict.status.conditions
    assert verdict.status.grant is not None
    assert verdict.status.grant.capital_quote == spec_of(name).grant.capital_quote
    assert verdict.status.level >= spec_of(name).min_level


@pytest.mark.parametrize("name", TEMPLATES)
def test_command_says_pass_with_the_same_evidence(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    assert main(["evaluate", "-f", str(case.file), "--evidence", str(case.folder)]) == 0


@pytest.mark.parametrize("name", TEMPLATES)
def test_gate_without_any_evidence_never_passes(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gate.yaml").write_text(yaml.safe_dump(gate(name)))
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "bot.yaml").write_text(yaml.safe_dump(bot()))
    (evidence / "now").write_text(NOW.isoformat())
    command = ["evaluate", "-f", str(tmp_path / "gate.yaml"), "--evidence", str(evidence), "--format", "json"]
    assert main(command) == 1
    assert {item["state"] for item in json.loads(capsys.readouterr().out)["checks"]} == {"Pending"}


@pytest.mark.parametrize("name", WITH_REPORTS)
def test_report_check_says_that_its_producer_is_not_installed(cases: dict[str, Case], name: str) -> None:
    verdict = cases[name].evaluate(*cases[name].evidence.reports)
    assert not verdict.passed
    states = checks_of(verdict)
    for check in reported(name):
        found = states[check.name]
        assert (found.state, found.reason) == (CheckState.PENDING, "ProducerNotInstalled"), check.name
        assert [kept.outcome for kept in found.measurements] == [CheckState.INCONCLUSIVE]
        assert "install or run the producer" in found.message
    others = [item for item in verdict.status.checks if item.reason != "ProducerNotInstalled"]
    assert {item.state for item in others} == {CheckState.PASSED}


def test_only_the_smoke_on_paper_rests_on_no_report() -> None:
    assert reported("paper-smoke") == []
    assert all(reported(name) for name in WITH_REPORTS)


def _bad(check: Check, kind: str) -> tuple[bytes, str]:
    """Return a bad document for a check, and the reason that it must give."""
    whole = check.report is not None and check.report.scope is ReportScope.DESK
    stranger = (
        {"namespace": "other"} if whole else {"namespace": "desk", "bot": "alpha", "digest": "sha256:" + "0" * 64}
    )
    old = (NOW - timedelta(seconds=check.max_age_seconds + 1)).isoformat()
    ahead = (NOW + timedelta(minutes=1)).isoformat()
    return {
        "fail": (report(check, result="Fail"), "ReportSaysFail"),
        "stale": (report(check, time=old), "Stale"),
        "ahead": (report(check, time=ahead), "FromTheFuture"),
        "foreign": (report(check, subject=stranger), "WrongSubject"),
        "author": (report(check, producer="somebody"), "WrongProducer"),
        "cut": (report(check)[:-2], "NotJson"),
    }[kind]


@pytest.mark.parametrize("kind", ["fail", "stale", "ahead", "foreign", "author", "cut"])
@pytest.mark.parametrize("name", WITH_REPORTS)
def test_each_bad_report_is_told_by_its_reason(cases: dict[str, Case], name: str, kind: str) -> None:
    bad = {check.report.producer: _bad(check, kind) for check in reported(name) if check.report is not None}
    verdict = cases[name].evaluate(**{producer.replace("-", "_"): raw for producer, (raw, _) in bad.items()})
    states = checks_of(verdict)
    assert not verdict.passed
    for check in reported(name):
        assert check.report is not None
        found, wanted = states[check.name], bad[check.report.producer][1]
        assert found.state is not CheckState.PASSED
        assert wanted in {found.reason, "NotJson" if found.reason == "NotAReport" else ""}, check.name


def _once_each() -> dict[str, str]:
    """Return each enforcing check that rests on a report, with a template that holds it."""
    return {
        check.name: name
        for name in WITH_REPORTS
        for check in reported(name)
        if check.enforcement is Enforcement.ENFORCE
    }


@pytest.mark.parametrize(("check", "name"), _once_each().items())
def test_one_bad_report_among_good_ones_closes_the_gate(cases: dict[str, Case], check: str, name: str) -> None:
    own = template_check(name, check)
    assert own.report is not None
    kinds = ["fail", "stale", "foreign", "missing"]
    kind = kinds[list(_once_each()).index(check) % len(kinds)]
    producer = own.report.producer
    if kind == "missing":
        assert not cases[name].evaluate(producer).passed
    else:
        assert not cases[name].evaluate(**{producer.replace("-", "_"): _bad(own, kind)[0]}).passed


@pytest.mark.parametrize(
    ("name", "check", "producer", "values"),
    [(name, check, row[0], {row[1]: row[2]}) for name, rows in BAD_VALUES.items() for check, row in rows.items()],
)
def test_value_just_beyond_its_threshold_closes_the_gate(
    cases: dict[str, Case], name: str, check: str, producer: str, values: dict[str, str | int | bool]
) -> None:
    own = next(item for item in reported(name) if item.name == check)
    verdict = cases[name].evaluate(**{producer.replace("-", "_"): report(own, values=values)})
    assert checks_of(verdict)[check].state is CheckState.FAILED
    assert not verdict.passed


def test_every_value_that_live_asks_for_has_a_bad_one_here() -> None:
    named = {check.name for check in reported("live-micro") if check.report is not None and check.report.value}
    assert named == set(BAD_VALUES["live-micro"])


def test_strict_gate_needs_the_day2_report_and_the_plain_one_does_not(cases: dict[str, Case], tmp_path: Path) -> None:
    case = cases["live-micro"]
    assert case.evaluate("day2-event-store").passed
    strict = tmp_path / "strict.yaml"
    strict.write_text(yaml.safe_dump(gate("live-micro", strict=True)))
    assert evaluate_gate(strict, case.evidence).passed
    reports = {name: path for name, path in case.evidence.reports.items() if name != "day2-event-store"}
    assert not evaluate_gate(strict, replace(case.evidence, reports=reports)).passed


def test_person_can_acknowledge_a_warning_that_failed_and_never_one_without_a_report(tmp_path: Path) -> None:
    case = Case("live-micro", tmp_path)
    said = approval("live-micro", 5, type="Acknowledgement", check="market-data")
    (case.folder / "approvals" / "ack.yaml").write_text(said)
    case.evidence = read_evidence(case.folder, clock=NOW)
    check = next(item for item in reported("live-micro") if item.name == "market-data")
    assert case.evaluate(market_data_freshness=report(check, values={"market_data_rows_present": False})).passed
    assert not case.evaluate("market-data-freshness").passed


@pytest.mark.parametrize("name", TO_LIVE)
def test_nobody_goes_live_without_an_approval(cases: dict[str, Case], name: str) -> None:
    case = cases[name]
    acknowledged = tuple(item for item in case.evidence.approvals if item.spec.check is not None)
    assert not evaluate_gate(case.file, replace(case.evidence, approvals=acknowledged)).passed


@pytest.mark.parametrize("name", TEMPLATES)
def test_checks_fit_into_the_status_with_those_of_the_floor(name: str) -> None:
    spec = spec_of(name)
    assert len(spec.checks) <= MOST_CHECKS
    assert len(all_checks(spec, FULL_FLOOR_SECONDS)) <= MOST_CHECKS + 16


def test_page_names_the_checks_of_the_floor_as_the_operator_does() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(floor-[a-z-]+)`", page)) == FLOOR_NAMES


def test_soak_template_asks_what_the_floor_asks_over_the_full_two_hours() -> None:
    def asks(check: Check) -> tuple[Any, ...]:
        return check.bot, check.threshold

    spec = spec_of("paper-soak")
    assert needs_floor(spec)
    floor = {asks(check) for check in all_checks(spec, FULL_FLOOR_SECONDS) if check.name in FLOOR_NAMES}
    assert floor <= {asks(check) for check in spec.checks}


# How the limits of the templates behave within one run.

BEGAN = NOW - timedelta(days=7)
RUN = Run(subject=None, began=BEGAN, last_seen=NOW)


def state_after(check: Check, record: CheckRecord) -> tuple[CheckState, bool]:
    verdict = judge_check(check, record, run=RUN, acknowledgers={}, now=NOW)
    return verdict.state, verdict.is_beyond


def measured(check: Check, record: CheckRecord, *values: int) -> CheckRecord:
    for value in values:
        reading = Reading(value=Decimal(value), observed=NOW, query="q", sha256="s")
        record = add_measurement(record, decide_measurement(check, reading, now=NOW))
    return record


def test_producer_that_is_installed_days_after_the_run_began_still_opens_the_gate() -> None:
    check = template_check("live-micro", "accounting")
    silence = missing_report(Expected("accounting-integrity", None, ReportScope.DESK, "nowhere"), query="q")
    record = begin_record(check, began=BEGAN)
    for _ in range(3 * 1440):
        record = add_measurement(record, decide_measurement(check, silence, now=NOW))
    assert state_after(check, record) == (CheckState.PENDING, False)
    assert state_after(check, measured(check, record, 1)) == (CheckState.PASSED, False)


def test_report_that_said_fail_once_ends_the_run_although_it_passes_again() -> None:
    check = template_check("live-micro", "accounting")
    record = measured(check, begin_record(check, began=BEGAN), 1, 0, 1)
    assert state_after(check, record) == (CheckState.FAILED, True)


def test_short_disconnection_closes_the_gate_and_does_not_cost_the_soak() -> None:
    check = template_check("live-micro", "connector-ready")
    record = measured(check, begin_record(check, began=BEGAN), 10_000, *[7_999] * 30)
    assert state_after(check, record) == (CheckState.FAILED, False)
    assert state_after(check, measured(check, record, 8_000)) == (CheckState.PASSED, False)
    assert state_after(check, measured(check, record, 7_999)) == (CheckState.FAILED, True)


def test_warning_that_failed_needs_a_person_though_it_passes_again() -> None:
    check = template_check("live-micro", "market-data")
    record = measured(check, begin_record(check, began=BEGAN), 1, 0, 1)
    assert state_after(check, record)[0] is CheckState.FAILED
    later = NOW + timedelta(days=1)
    verdict = judge_check(check, record, run=RUN, acknowledgers={"ann": later}, now=NOW)
    assert (verdict.holds, verdict.acknowledged_by) == (True, "ann")
