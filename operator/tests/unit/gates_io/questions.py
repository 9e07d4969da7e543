"""Checks and questions for tests of sources."""

from datetime import UTC, datetime
from typing import Any

from aviary_crds.v1alpha1.gatechecks import Check
from aviary_operator.gates.sources.question import Question

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
GATE_UID = "6a7e0000-0000-4000-8000-000000000001"


def check(source: dict[str, Any], **changes: Any) -> Check:
    """Return a check of this source that wants a value above 0."""
    body = {"name": "it", "threshold": {"comparison": "MoreThan", "value": "0"}, **source, **changes}
    return Check.model_validate(body)


def question(of: Check, **changes: Any) -> Question:
    """Ask for it now."""
    plain: dict[str, Any] = {
        "namespace": "desk",
        "gate": "to-live",
        "gate_uid": GATE_UID,
        "bot": "alpha",
        "digest": DIGEST,
        "check": of,
        "now": datetime.now(UTC),
    }
    return Question(**{**plain, **changes})
