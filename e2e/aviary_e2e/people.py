"""People with different rights on a cluster: who may write bots, who may approve, who may write gates and desks.

A person is a user name that the API server impersonates, which whoever runs the scenarios may ask for; RBAC and the
admission policies see that user as if they had signed in. Their rights are RoleBindings to the chart's ClusterRoles.
"""

from dataclasses import replace
from enum import StrEnum

from aviary_e2e.kubectl import Kubectl, Manifest


class Role(StrEnum):
    """The chart's ClusterRoles."""

    TRADER = "aviary-trader"
    APPROVER = "aviary-approver"
    RISK = "aviary-risk"
    PRODUCER = "aviary-producer"
    VIEWER = "aviary-viewer"


def sign_in(kubectl: Kubectl, user: str) -> Kubectl:
    """Return a kubectl that speaks as ``user``."""
    return replace(kubectl, as_user=user)


def role_bindings(namespace: str, people: dict[str, tuple[Role, ...]]) -> list[Manifest]:
    """Return the RoleBindings that give each user their roles in ``namespace``."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{user}-{role.value}", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.value},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }
        for user, roles in people.items()
        for role in roles
    ]
