"""The status of an approval says whether it counts, as its gate judged it, and why not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aviary_operator.bots.records import ApprovalRecord, GateRecord, read_approval, read_gate
from aviary_operator.gates.approvals import build_approval_status

from .questions import DIGEST

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MADE = "2026-11-25T11:00:00Z"


def approval(**spec: Any) -> ApprovalRecord:
    body = {
        "gateRef": {"name": "to-live"},
        "digest": DIGEST,
        "approver": "ann",
        "reason": "looked at everything",
        **spec,
    }
    meta = {"name": "yes", "namespace": "desk", "uid": "u", "generation": 1, "creationTimestamp": MADE}
    return read_approval({"metadata": meta, "spec": body})


def gate(*judged: dict[str, Any], **spec: Any) -> GateRecord:
    body = {
        "botRef": {"name": "alpha"},
        "from": "Paper",
        "to": "Live",
        "checks": [{"name": "a", "bot": {"field": "Fills"}, "threshold": {"comparison": "AtLeast", "value": "1"}}],
        "grant": {"capitalQuote": "100"},
        **spec,
    }
    meta = {"name": "to-live", "namespace": "desk", "uid": "g", "generation": 1, "creationTimestamp": MADE}
    return read_gate({"metadata": meta, "spec": body, "status": {"approvals": list(judged)}})


def judged(**changes: Any) -> dict[str, Any]:
    plain = {"name": "yes", "approver": "ann", "type": "Approval", "time": MADE, "expiresTime": "2026-11-25T13:00:00Z"}
    return {**plain, "counts": True, "reason": "looked at everything", **changes}


OTHERS = [judged(name=f"other-{number}", time=(NOW + timedelta(seconds=number)).isoformat()) for number in range(32)]


@pytest.mark.parametrize(
    ("gate_", "status", "reason", "message"),
    [
        (gate(judged()), "True", "Counts", "it counts until 2026-11-25 13:00:00 UTC"),
        (gate(judged(counts=False, reason="it is for digest x")), "False", "DoesNotCount", "it is for digest x"),
        (None, "False", "GateMissing", "PromotionGate desk/to-live does not exist"),
        (gate(judged(), checks=[]), "False", "GateInvalid", "cannot be read"),
        (gate(*OTHERS), "False", "Superseded", "newest approvals only"),
    ],
)
def test_condition_ready(gate_: GateRecord | None, status: str, reason: str, message: str) -> None:
    found = build_approval_status(approval(), gate_, now=NOW)
    assert found is not None
    ready, *stalled = found.conditions
    assert (ready.type, ready.status, ready.reason) == ("Ready", status, reason)
    assert message in ready.message
    assert [(item.type, item.status, item.reason) for item in stalled] == (
        [] if status == "True" else [("Stalled", "True", reason)]
    )


def test_end_is_told() -> None:
    found = build_approval_status(approval(), gate(judged()), now=NOW)
    assert found is not None
    assert found.expires_time == datetime(2026, 11, 25, 13, 0, tzinfo=UTC)


def test_invalid_approval_says_what_is_wrong() -> None:
    found = build_approval_status(approval(reason="ok"), gate(judged()), now=NOW)
    assert found is not None
    assert found.conditions[0].reason == "InvalidSpec"
    assert "spec.reason" in found.conditions[0].message


@pytest.mark.parametrize("seen", [[], [judged(time="2026-11-25T10:00:00Z")], [judged(name="another")]])
def test_nothing_is_said_before_the_gate_has_judged_this_very_approval(seen: list[dict[str, Any]]) -> None:
    assert build_approval_status(approval(), gate(*seen), now=NOW) is None


def test_status_that_is_stored_is_not_written_again() -> None:
    first = build_approval_status(approval(), gate(judged()), now=NOW)
    assert first is not None
    stored = approval()
    body = {
        "metadata": {"name": "yes", "namespace": "desk", "uid": "u", "generation": 1, "creationTimestamp": MADE},
        "spec": dict(stored.spec),
        "status": first.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    assert build_approval_status(read_approval(body), gate(judged()), now=NOW + timedelta(hours=1)) == first
