"""Gates, approvals and reports of the scenarios are what the API takes; a gate that does not pass explains itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, override

import pytest
from aviary_crds.evidence import parse_report
from aviary_crds.labels import REPORT_LABEL
from aviary_crds.manifests import check_manifest
from aviary_e2e.gates import Gate, approval_manifest, gate_manifest, report_config_map
from aviary_e2e.kubectl import Kubectl, Manifest
from aviary_e2e.waiting import DeadlineExceededError

DIGEST = "sha256:" + "a" * 64
FILLS = {"name": "fills", "bot": {"field": "Fills"}, "threshold": {"comparison": "AtLeast", "value": "1"}}


class OneObjectKubectl(Kubectl):
    """Answers every ``get`` with one object."""

    found: Manifest | None

    @override
    def get(self, kind: str, name: str, namespace: str) -> Manifest | None:
        return self.found


def gate(*, generation: int = 1, conditions: tuple[dict[str, Any], ...] = (), **status: Any) -> Gate:
    kubectl = OneObjectKubectl(Path("kubectl"), Path("kubeconfig"))
    manifest = {"metadata": {"generation": generation}, "status": {"conditions": list(conditions), **status}}
    object.__setattr__(kubectl, "found", manifest)
    return Gate(kubectl, "to-live", "desk")


def condition(type_: str, status: str, reason: str, message: str = "", *, generation: int = 1) -> dict[str, Any]:
    return {
        "type": type_, "status": status, "reason": reason, "message": message,
        "observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def test_a_gate_and_an_approval_are_what_the_api_takes() -> None:
    for manifest in (
        gate_manifest("to-live", "desk", bot="btc", checks=[FILLS], graceSeconds=10),
        approval_manifest("yes", "desk", gate="to-live", digest=DIGEST, approver="amir"),
    ):
        assert check_manifest(manifest, source=json.dumps(manifest)) == []


def test_a_report_is_sealed_for_one_bot_and_one_digest() -> None:
    manifest = report_config_map(
        "review", "desk", bot="btc", digest=DIGEST, producer="desk-review",
        time=datetime(2026, 1, 1, tzinfo=UTC), values={"slippage_bps": "2.5"},
    )  # fmt: skip
    report = parse_report(manifest["data"]["report.json"].encode())
    assert (report.subject.namespace, report.subject.bot, report.subject.digest) == ("desk", "btc", DIGEST)
    assert report.values == {"slippage_bps": "2.5"}
    assert manifest["metadata"]["labels"] == {REPORT_LABEL: "true"}


def test_a_condition_of_an_older_generation_is_none() -> None:
    assert gate(generation=2, conditions=(condition("Passed", "True", "GatePassed"),)).condition("Passed") is None
    assert gate(conditions=(condition("Passed", "True", "GatePassed"),)).condition("Passed") is not None


def test_waiting_in_vain_tells_what_the_gate_says_instead() -> None:
    waiting = gate(
        conditions=(condition("Passed", "False", "ChecksPending", "1 check is not passed"),),
        checks=[
            {"name": "fills", "state": "Pending", "severity": "Critical", "enforcement": "Enforce", "reason": "NotYet",
             "message": "not measured yet"},
        ],
    )  # fmt: skip
    with pytest.raises(DeadlineExceededError, match=r"ChecksPending: 1 check is not passed; fills Pending: not meas"):
        waiting.wait_condition("Passed", "True", seconds=0)


def test_a_check_that_the_status_does_not_name_is_no_answer() -> None:
    with pytest.raises(LookupError, match="says nothing of check fills"):
        gate().check("fills")


def test_a_gate_that_is_not_there_is_no_answer() -> None:
    missing = gate()
    object.__setattr__(missing.kubectl, "found", None)
    with pytest.raises(LookupError, match="no PromotionGate desk/to-live"):
        missing.status()
