"""Reads what gates grant a bot. A grant whose seal is not the operator's own is told apart here; nobody believes it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aviary_crds.conditions import GateConditionType, find_condition
from aviary_crds.v1alpha1.gatestatus import HistoryEntry, PromotionGateStatus
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from pydantic import ValidationError

from aviary_operator.bots.observed import GateView, Missing
from aviary_operator.bots.records import GateRecord
from aviary_operator.bots.seal import Seal, grant_parts, same_seal

_GRANT_EVENTS: Final = frozenset({"Granted", "BreakGlass", "Lost"})


def read_gate_view(
    gate: GateRecord | None, *, name: str, namespace: str, seal: Seal, standing: Collection[str] | None = None
) -> GateView | Missing:
    """Return what the gate says, or why it says nothing.

    ``standing`` are the seals of the grants that the evaluator stands by; None while it has not decided since the
    start: then a good seal is enough for a bot to keep what it is granted.
    """
    if gate is None or gate.deleting:
        return Missing("GateMissing", f"PromotionGate {namespace}/{name} does not exist; create it")
    try:
        spec = PromotionGateSpec.model_validate(dict(gate.spec))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return Missing("GateInvalid", f"PromotionGate {namespace}/{name}: spec.{where}: {first['msg']}")
    status = read_gate_status(gate.status)
    passed = find_condition(status.conditions, GateConditionType.PASSED)
    grant = status.grant
    parts = grant_parts(grant, namespace=namespace, gate=gate.name, gate_uid=gate.uid) if grant else {}
    genuine = grant is not None and same_seal(grant.seal, seal(parts)) and (standing is None or grant.seal in standing)
    return GateView(
        name=gate.name,
        spec=spec,
        evaluator_version=status.evaluator_version,
        current=status.observed_generation == gate.generation,
        grant=grant if genuine else None,
        forged=grant is not None and not genuine,
        decided=standing is not None,
        message=passed.message if passed else "not evaluated yet",
        lost=_why_lost(status.history) if grant is None else None,
    )


def _why_lost(history: Sequence[HistoryEntry]) -> tuple[str, str] | None:
    last = next((entry for entry in reversed(history) if entry.event in _GRANT_EVENTS), None)
    return (last.reason, last.message) if last is not None and last.event == "Lost" else None


def read_gate_status(raw: Mapping[str, Any]) -> PromotionGateStatus:
    """Return the stored status; an unreadable one reads as empty: it grants nothing and is written anew."""
    try:
        return PromotionGateStatus.model_validate(dict(raw))
    except ValidationError:
        return PromotionGateStatus()
