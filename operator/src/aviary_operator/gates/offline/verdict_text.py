"""A verdict for people and for machines: PASS or FAIL first, then every check with what it rests on."""

import json
from typing import Any

from aviary_crds.conditions import GateConditionType, find_condition
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.gatestatus import CheckStatus

from aviary_operator.gates.offline.evaluate import Verdict


def render_json(verdict: Verdict) -> str:
    """Return the verdict as JSON."""
    status = verdict.status
    passed = find_condition(status.conditions, GateConditionType.PASSED)
    body = {
        "result": "PASS" if verdict.passed else "FAIL",
        "namespace": verdict.namespace,
        "gate": verdict.gate,
        "bot": verdict.bot,
        "time": verdict.now.isoformat(),
        "digest": status.subject.digest if status.subject else None,
        "reason": passed.reason if passed else "",
        "message": passed.message if passed else "",
        "level": status.level,
        "soaked": status.soaked,
        "approved": status.approved,
        "passedChecks": status.passed_checks,
        "checks": [_check(verdict, check) for check in status.checks],
        "rungs": [rung.model_dump(mode="json", by_alias=True) for rung in status.rungs],
        "approvals": [item.model_dump(mode="json", by_alias=True) for item in status.approvals],
        "conditions": [
            {"type": item.type, "status": item.status, "reason": item.reason, "message": item.message}
            for item in status.conditions
        ],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def render_markdown(verdict: Verdict) -> str:
    """Return the verdict as Markdown."""
    status = verdict.status
    passed = find_condition(status.conditions, GateConditionType.PASSED)
    lines = [
        f"# {'PASS' if verdict.passed else 'FAIL'}: {verdict.gate}",
        "",
        f"{passed.reason}: {passed.message}" if passed else "",
        "",
        "| what | |",
        "|---|---|",
        f"| bot | {verdict.bot} |",
        f"| digest | {status.subject.digest if status.subject else 'not known'} |",
        f"| evaluated | {verdict.now.isoformat()} |",
        f"| checks passed | {status.passed_checks} |",
        f"| soaked | {status.soaked} |",
        f"| level | {status.level} |",
        f"| approved | {status.approved} |",
        "",
        "| check | state | reason | value | threshold | sha256 | evidence |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in (_check(verdict, check) for check in status.checks):
        cells = [item["name"], item["state"], f"{item['reason']}: {item['message']}", item["value"] or "—"]
        cells += [item["threshold"], item["sha256"] or "—", item["file"]]
        lines.append(f"| {' | '.join(_cell(text) for text in cells)} |")
    return "\n".join(lines)


def _check(verdict: Verdict, check: CheckStatus) -> dict[str, Any]:
    return {
        "name": check.name,
        "severity": check.severity.value,
        "enforcement": check.enforcement.value,
        "state": check.state.value,
        "reason": check.reason,
        "message": check.message,
        "value": None if check.value is None else decimal_text(check.value),
        "threshold": check.threshold,
        "query": check.query,
        "windowSeconds": check.window_seconds,
        "observedTime": check.observed_time.isoformat() if check.observed_time else None,
        "sha256": verdict.hashes.get(check.name) or None,
        "file": str(verdict.files.get(check.name, "")),
    }


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
