"""A real API server made ready for an operator: kinds installed, rights as the chart gives them, writes counted."""

import json
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_operator.runtime.kinds import Kind, Manifest
from aviary_operator.runtime.kube import KubeApi

NAMESPACES: Final = Kind("", "v1", "Namespace", "namespaces")
CRDS: Final = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
CLUSTER_ROLES: Final = Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles")
CLUSTER_BINDINGS: Final = Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings")

_KINDS: Final = ["tradingbots", "tradingdesks", "promotiongates", "promotionapprovals"]
_READ: Final = ["get", "list", "watch"]
_KEEP: Final = [*_READ, "create", "patch", "update"]
_OURS: Final = ("tradingbots", "tradingdesks", "promotiongates", "promotionapprovals")
RULES: Final[Sequence[dict[str, Any]]] = (
    {"apiGroups": ["aviary.trading"], "resources": _KINDS, "verbs": _READ},
    {"apiGroups": ["aviary.trading"], "resources": [f"{kind}/status" for kind in _KINDS], "verbs": ["patch"]},
    {
        "apiGroups": [""],
        "resources": ["serviceaccounts", "configmaps", "persistentvolumeclaims", "services"],
        "verbs": _KEEP,
    },
    {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": _KEEP},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": _KEEP},
    {"apiGroups": [""], "resources": ["pods"], "verbs": [*_READ, "delete"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get"]},
)
"""What operator/README.md says the operator needs, and not more."""


@dataclass(frozen=True)
class Write:
    """A write that the API server logged."""

    verb: str
    resource: str
    subresource: str
    name: str
    namespace: str
    code: int


async def install_kinds(kube: KubeApi, folder: Path) -> None:
    """Apply the generated CRDs in ``folder``."""
    for manifest in _read_manifests(folder):
        await _apply_global(kube, CRDS, manifest)


def _read_manifests(folder: Path) -> list[Manifest]:
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.yaml"))]


async def grant_rights(kube: KubeApi, user: str) -> None:
    """Give ``user`` the operator's rights in the whole cluster."""
    name = f"aviary-operator-{user}"
    head = {"apiVersion": CLUSTER_ROLES.api_version, "metadata": {"name": name}}
    await _apply_global(kube, CLUSTER_ROLES, {**head, "kind": "ClusterRole", "rules": list(RULES)})
    binding = {
        **head,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": CLUSTER_ROLES.group, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": CLUSTER_ROLES.group, "kind": "User", "name": user}],
    }
    await _apply_global(kube, CLUSTER_BINDINGS, binding)


async def make_namespace(kube: KubeApi, name: str) -> None:
    """Make a namespace."""
    await _apply_global(kube, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


async def _apply_global(kube: KubeApi, kind: Kind, manifest: Manifest) -> None:
    """Apply an object without a namespace."""
    body = {**manifest, "metadata": {**manifest["metadata"], "namespace": ""}}
    await kube.apply(kind, body, manager="test")


def read_writes(audit_log: Path, *, user: str, namespace: str | None = None) -> list[Write]:
    """Return what ``user`` wrote, as the API server logged it."""
    return list(_writes(audit_log, user, namespace))


def _writes(audit_log: Path, user: str, namespace: str | None) -> Iterable[Write]:
    for line in audit_log.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:  # the last line may be half written
            continue
        about = event.get("objectRef") or {}
        if event.get("verb") in {"get", "list", "watch"} or event.get("stage") != "ResponseComplete":
            continue
        if event.get("user", {}).get("username") != user:
            continue
        if namespace is None or about.get("namespace") == namespace:
            yield Write(
                verb=event["verb"],
                resource=about.get("resource", ""),
                subresource=about.get("subresource", ""),
                name=about.get("name", ""),
                namespace=about.get("namespace", ""),
                code=event.get("responseStatus", {}).get("code", 0),
            )


def summarize(writes: Iterable[Write]) -> Counter[str]:
    """Return how many writes there were of each verb and resource."""
    return Counter(
        f"{item.verb} {item.resource}{'/' + item.subresource if item.subresource else ''}" for item in writes
    )


def free_port() -> int:
    """Return a port that nobody listens on, on any address."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104  closed at once
        return int(listener.getsockname()[1])
