"""Bots, gates, approvals and desks, as people write them."""

from typing import Any, Final

from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT, TRADING_DESK, Kind, Manifest
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS, merged

DESK: Final = "desk"
"""A namespace with policies, whose TradingDesk asks for two persons."""
OTHER: Final = "other"
"""Another such namespace, with a bot and a gate of the same names."""
OPEN: Final = "open"
"""A namespace that the operator serves and no policy guards."""

CAPITAL: Final = "100"
OTHER_DIGEST: Final = "sha256:" + "cd" * 32

FILLS: Final = {
    "name": "fills",
    "bot": {"field": "Fills"},
    "threshold": {"comparison": "AtLeast", "value": "1"},
    "periodSeconds": 5,
}


def build_desk(namespace: str, name: str, *, two_persons: bool, **ceilings: Any) -> Manifest:
    """Return a desk that allows every mode unless ``ceilings`` say otherwise."""
    wide = {"modes": list(Mode), "maxLiveBots": 50, "maxTotalNotionalQuote": "100000"}
    spec = {"ceilings": merged(CEILINGS, {**wide, **ceilings}), "promotion": {"twoPersons": two_persons}}
    return _build(TRADING_DESK, namespace, name, spec)


def build_bot(namespace: str, name: str, *, gate: str | None, author: str | None = None, **changes: Any) -> Manifest:
    """Return a bot that asks for Live at ``gate``; ``author`` is what its annotation says."""
    wanted = {
        "mode": "Live",
        "deskRef": {"name": "demo"},
        # as much as is granted: a bot whose capital is cut restarts, and a restart is a long time in so short a floor
        "capital": {"totalAmountQuote": CAPITAL},
        "safety": {"maxNotionalQuote": CAPITAL},
    }
    reference = {"gateRef": {"name": gate}} if gate else {}
    made = _build(TRADING_BOT, namespace, name, merged(BOT_SPEC, {**wanted, **reference, **changes}))
    if author is not None:
        made["metadata"]["annotations"] = {CHANGED_BY_ANNOTATION: author}
    return made


def build_gate(namespace: str, name: str, *, bot: str, **changes: Any) -> Manifest:
    """Return a gate from Paper to Live that a trading bot passes in a little more than ten seconds, but for people."""
    spec = {
        "botRef": {"name": bot},
        "from": "Paper",
        "to": "Live",
        "soak": {"minSeconds": 3, "minFills": 1, "maxGapSeconds": 60},
        "checks": [FILLS],
        "grant": {"capitalQuote": CAPITAL},
    }
    return _build(PROMOTION_GATE, namespace, name, {**spec, **changes})


def build_approval(namespace: str, name: str, *, gate: str, digest: str, approver: str, **changes: Any) -> Manifest:
    """Return an approval."""
    spec = {"gateRef": {"name": gate}, "digest": digest, "approver": approver, "reason": "looked at every check of it"}
    return _build(PROMOTION_APPROVAL, namespace, name, {**spec, **changes})


def _build(kind: Kind, namespace: str, name: str, spec: dict[str, Any]) -> Manifest:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, "spec": spec}
