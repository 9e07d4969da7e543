"""How those that wait for an object read it, written down small to be asked in tests.

``compute_kstatus`` is what Flux, ``kpt live apply`` and Helm 4 ask: kubernetes-sigs/cli-utils, ``pkg/kstatus/status``
(``status.go`` Compute and checkReadyCondition, ``generic.go`` checkGenericProperties and checkGeneration), as of
commit 5895ad6. ``is_wait_over`` is ``kubectl wait --for=condition=…``: kubernetes/kubectl,
``pkg/cmd/wait/condition.go``, checkCondition.
"""

from typing import Any, Literal

type Kstatus = Literal["Terminating", "InProgress", "Failed", "Current"]


def compute_kstatus(obj: dict[str, Any]) -> Kstatus:
    """Return what kstatus computes for an object of a kind it does not know by name."""
    metadata, status = obj.get("metadata", {}), obj.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and metadata.get("generation") not in {None, observed}:
        return "InProgress"
    conditions = status.get("conditions", [])
    for condition in conditions:
        match condition["type"], condition["status"]:
            case "Reconciling", "True":
                return "InProgress"
            case "Stalled", "True":
                return "Failed"
            case _:
                continue
    for condition in conditions:
        if condition["type"] == "Ready":
            return "Current" if condition["status"] == "True" else "InProgress"
    return "Current"


def is_wait_over(obj: dict[str, Any], condition_type: str) -> bool:
    """Whether ``kubectl wait --for=condition=TYPE`` returns; it waits while the condition is of an older generation."""
    for condition in obj.get("status", {}).get("conditions", []):
        if condition["type"].lower() != condition_type.lower():
            continue
        observed = condition.get("observedGeneration", obj["status"].get("observedGeneration"))
        if observed is not None and observed < obj["metadata"]["generation"]:
            return False
        return str(condition["status"]).lower() == "true"
    return False
