"""Both charts installed on an API server, and people bound to their roles, as ``charts/tests/admission`` does."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aviary_cluster.binaries import ensure
from aviary_cluster.controlplane import ControlPlane
from aviary_operator.runtime.kinds import TRADING_BOT, Kind
from aviary_operator_simulation.cluster import CLUSTER_BINDINGS, CLUSTER_ROLES, NAMESPACES, RULES

from .manifests import DESK, OPEN, OTHER, build_bot
from .people import Person, RefusedError

CHARTS: Final = Path(__file__).resolve().parents[4] / "charts"
RELEASE_NAMESPACE: Final = "aviary-system"
OPERATOR: Final = f"system:serviceaccount:{RELEASE_NAMESPACE}:aviary-operator"
ROLE_BINDINGS: Final = Kind(CLUSTER_ROLES.group, "v1", "RoleBinding", "rolebindings")
POLICY_BINDINGS: Final = Kind(
    "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"
)

PEOPLE: Final[dict[str, tuple[str, ...]]] = {
    "tara": ("aviary-trader",),
    "bo": ("aviary-trader", "aviary-approver"),
    "amir": ("aviary-approver",),
    "rosa": ("aviary-risk",),
    "vera": ("aviary-viewer",),
    "petra": ("aviary-producer",),
    # what the cluster's own role `edit` is made of; nothing is aggregated without a controller manager
    "eddy": ("system:aggregate-to-edit", "system:aggregate-to-view"),
}
"""Roles in the namespaces with policies. Beside them: carla and mallory are cluster-admin, ann and ben approve in the
namespace without policies, where mallory is stopped by no admission."""


async def install(plane: ControlPlane, master: Person) -> None:
    """Install the release for the namespaces DESK and OTHER; in OPEN its operator has rights and no policy holds."""
    await asyncio.to_thread(_helm, plane, "aviary-crds")
    for name in (DESK, OTHER, OPEN):
        await master.create(NAMESPACES, _named(NAMESPACES, name, None))
    await asyncio.to_thread(_helm, plane, "aviary", "--set", f"operator.watchNamespaces={{{DESK},{OTHER}}}")
    role = _named(CLUSTER_ROLES, "operator-in-the-open", None) | {"rules": list(RULES)}
    await master.create(CLUSTER_ROLES, role)
    await bind(master, OPERATOR, "operator-in-the-open", OPEN)
    for user in ("carla", "mallory", "node"):
        await bind(master, user, "cluster-admin", None)
    for user, roles in PEOPLE.items():
        for role_name in roles:
            for namespace in (DESK, OTHER):
                await bind(master, user, role_name, namespace)
    for user in ("ann", "ben"):
        await bind(master, user, "aviary-approver", OPEN)


async def bind(master: Person, user: str, role: str, namespace: str | None) -> None:
    """Give ``user`` a ClusterRole, in a namespace or everywhere."""
    kind = ROLE_BINDINGS if namespace else CLUSTER_BINDINGS
    reference = {"apiGroup": CLUSTER_ROLES.group, "kind": "ClusterRole", "name": role}
    subject = {"apiGroup": CLUSTER_ROLES.group, "kind": "User", "name": user}
    name = f"{user.rsplit(':', 1)[-1]}-{role.replace(':', '-')}"
    await master.create(kind, _named(kind, name, namespace) | {"roleRef": reference, "subjects": [subject]})


async def until_in_force(carla: Person, until: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]) -> None:
    """Wait until the API server enforces policies in DESK and OTHER: it learns of new ones by a watch."""
    for namespace in (DESK, OTHER):
        probe = build_bot(namespace, "probe", gate=None, author="nobody", deskRef=None, mode="Paper")

        async def refused(probe: dict[str, Any] = probe) -> bool:
            try:
                await carla.create(TRADING_BOT, probe, dry=True)
            except RefusedError as error:
                return "changed-by" in str(error)
            return False

        await until(refused)


def _helm(plane: ControlPlane, chart: str, *settings: str) -> None:
    done = subprocess.run(
        [
            ensure("helm"),
            "upgrade",
            "--install",
            chart,
            CHARTS / chart,
            "--namespace",
            RELEASE_NAMESPACE,
            "--create-namespace",
            "--kubeconfig",
            plane.kubeconfig,
            *settings,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _named(kind: Kind, name: str, namespace: str | None) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
