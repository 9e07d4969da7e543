"""Promotion gates as the scenarios speak of them: making one, approving it, and reading what it decided and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aviary_crds.attestation import DEFAULT_KEY, Finding, build_report, build_report_config_map
from aviary_crds.conditions import Condition, find_condition
from aviary_crds.labels import API_VERSION
from aviary_crds.v1alpha1.gatestatus import CheckStatus, GrantStatus, PromotionGateStatus
from aviary_crds.v1alpha1.references import ConfigMapKeyRef

from aviary_e2e.kubectl import Kubectl, Manifest
from aviary_e2e.waiting import until


def gate_manifest(name: str, namespace: str, *, bot: str, checks: list[dict[str, Any]], **spec: Any) -> Manifest:
    """Return a gate from Paper to Live that lets a small capital live; ``spec`` overrides top-level fields."""
    return {
        "apiVersion": API_VERSION,
        "kind": "PromotionGate",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "botRef": {"name": bot},
            "from": "Paper",
            "to": "Live",
            "checks": checks,
            "grant": {"capitalQuote": "100"},
            **spec,
        },
    }


def approval_manifest(name: str, namespace: str, *, gate: str, digest: str, approver: str) -> Manifest:
    """Return one person's yes to one gate and one digest."""
    return {
        "apiVersion": API_VERSION,
        "kind": "PromotionApproval",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "gateRef": {"name": gate},
            "digest": digest,
            "approver": approver,
            "reason": "looked at the soak and at every check of the gate",
        },
    }


def report_config_map(
    name: str, namespace: str, *, bot: str, digest: str, producer: str, time: datetime, values: dict[str, str]
) -> Manifest:
    """Return a ConfigMap with a report about a bot's digest, sealed and labelled as ``producer`` would do it."""
    finding = Finding(
        producer=producer, namespace=namespace, bot=bot, digest=digest, result="Pass", values=dict(values), time=time
    )
    return build_report_config_map(
        build_report(finding), ConfigMapKeyRef(name=name, key=DEFAULT_KEY), namespace=namespace
    )


@dataclass(frozen=True)
class Gate:
    """A PromotionGate on a cluster."""

    kubectl: Kubectl
    name: str
    namespace: str

    def manifest(self) -> Manifest:
        """Return the PromotionGate.

        Raises:
            LookupError: when there is none.
        """
        found = self.kubectl.get("promotiongate", self.name, self.namespace)
        if found is None:
            raise LookupError(f"no PromotionGate {self.namespace}/{self.name}")
        return found

    def status(self) -> PromotionGateStatus:
        """Return the gate's status."""
        return PromotionGateStatus.model_validate(self.manifest().get("status", {}))

    def condition(self, type_: str) -> Condition | None:
        """Return a condition that is about the present generation, or None."""
        manifest = self.manifest()
        status = PromotionGateStatus.model_validate(manifest.get("status", {}))
        found = find_condition(status.conditions, type_)
        return found if found and found.observed_generation == manifest["metadata"]["generation"] else None

    def grant(self) -> GrantStatus | None:
        """Return what the gate grants now, or None."""
        return self.status().grant

    def check(self, name: str) -> CheckStatus:
        """Return what is known of a check.

        Raises:
            LookupError: when the status does not speak of it.
        """
        for check in self.status().checks:
            if check.name == name:
                return check
        raise LookupError(f"gate {self.name} says nothing of check {name}")

    def wait_condition(self, type_: str, status: str, *, seconds: float, reason: str | None = None) -> Condition:
        """Wait until a condition has ``status`` (and ``reason``) for the present generation, and return it.

        Raises:
            DeadlineExceededError: says what the gate says instead.
        """

        def probe() -> Condition | None:
            found = self.condition(type_)
            if found is not None and found.status == status and reason in {None, found.reason}:
                return found
            raise LookupError(self.explanation())

        return until(f"gate {self.name}: {type_}={status} {reason or ''}", probe, seconds=seconds)

    def explanation(self) -> str:
        """Return in one line what keeps the gate from passing: its conditions, and the checks that are not Passed."""
        status = self.status()
        told = [f"{item.type}={item.status} {item.reason}: {item.message}" for item in status.conditions]
        told += [f"{item.name} {item.state}: {item.message}" for item in status.checks if item.state != "Passed"]
        return "; ".join(told) or "no status yet"
