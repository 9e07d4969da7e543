"""What the operator may do, asked of the real API server, and what it may not."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]

OPERATOR = "system:serviceaccount:{namespace}:aviary-operator"
WRITES = ["create", "patch", "update"]

WHERE_BOTS_LIVE: list[tuple[str, list[str], bool]] = [
    ("tradingbots.aviary.trading", ["get", "list", "watch"], True),
    ("tradingbots.aviary.trading", ["create", "patch", "update", "delete", "deletecollection"], False),
    ("tradingbots.aviary.trading:status", ["patch"], True),
    ("tradingdesks.aviary.trading", ["get", "list", "watch"], True),
    ("tradingdesks.aviary.trading", ["patch", "update", "create", "delete"], False),
    ("tradingdesks.aviary.trading:status", ["patch"], True),
    ("promotiongates.aviary.trading", ["get", "list", "watch"], True),
    ("promotiongates.aviary.trading", ["patch", "update", "create", "delete", "deletecollection"], False),
    ("promotiongates.aviary.trading:status", ["patch"], True),
    ("promotionapprovals.aviary.trading", ["get", "list", "watch"], True),
    ("promotionapprovals.aviary.trading", ["patch", "update", "create", "delete", "deletecollection"], False),
    ("promotionapprovals.aviary.trading:status", ["patch"], True),
    ("promotiongates.aviary.trading:finalizers", ["update"], True),
    ("promotiongates.aviary.trading", ["approve", "breakglass", "attest"], False),
    ("jobs.batch", ["get", "list", "watch", "create", "delete"], True),
    ("jobs.batch", ["patch", "update", "deletecollection"], False),
    ("cronjobs.batch", ["get", *WRITES], False),
    ("validatingadmissionpolicies.admissionregistration.k8s.io", ["get", *WRITES, "delete"], False),
    ("statefulsets.apps", ["get", "list", "watch", *WRITES], True),
    ("networkpolicies.networking.k8s.io", ["get", "list", "watch", *WRITES], True),
    ("configmaps", ["get", "list", "watch", *WRITES], True),
    ("services", ["get", "list", "watch", *WRITES], True),
    ("serviceaccounts", ["get", "list", "watch", *WRITES], True),
    ("serviceaccounts:token", ["create"], False),
    ("persistentvolumeclaims", ["get", "list", "watch", *WRITES], True),
    ("pods", ["get", "list", "watch", "delete"], True),
    ("pods", ["create", "patch", "update"], False),
    ("pods:exec", ["create"], False),
    ("statefulsets.apps", ["delete", "deletecollection"], False),
    ("persistentvolumeclaims", ["delete", "deletecollection"], False),
    ("events", ["create"], True),
    ("secrets", ["get", "list", "watch", *WRITES], False),
    ("roles.rbac.authorization.k8s.io", ["create", "patch", "bind", "escalate"], False),
    ("deployments.apps", ["get", *WRITES], False),
    ("nodes", ["get", "list"], False),
    ("namespaces", ["get", "list"], False),
]
ELSEWHERE = [("configmaps", "get"), ("tradingbots.aviary.trading", "list"), ("pods", "delete"), ("secrets", "get")]


@pytest.fixture(scope="module", params=["cluster", "namespaced"])
def scope(request: pytest.FixtureRequest, helm_upgrade: Callable[..., str], kubectl: Kubectl) -> str:
    """Install the chart once cluster-wide and once for one namespace; the release namespace has the scope's name."""
    scope = str(request.param)
    for name in (scope, f"{scope}-desk", f"{scope}-other"):
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    watched = [] if scope == "cluster" else ["--set", f"operator.watchNamespaces={{{scope}-desk}}"]
    helm_upgrade("aviary", scope, *watched)
    return scope


def _may(kubectl: Kubectl, user: str, verb: str, resource: str, namespace: str) -> bool:
    """Ask the API server; ``resource`` is ``kind``, ``kind/name`` or ``kind:subresource``."""
    kind, _, subresource = resource.partition(":")
    extra = [f"--subresource={subresource}"] if subresource else []
    answer = kubectl("auth", "can-i", verb, kind, *extra, "-n", namespace, "--as", user, "-q", check=False)
    assert answer.returncode in {0, 1}, answer.stderr
    return answer.returncode == 0


@pytest.mark.usefixtures("installed_crds")
@pytest.mark.parametrize(("resource", "verbs", "allowed"), WHERE_BOTS_LIVE)
def test_where_bots_live(scope: str, kubectl: Kubectl, resource: str, verbs: list[str], *, allowed: bool) -> None:
    user = OPERATOR.format(namespace=scope)
    answers = {verb: _may(kubectl, user, verb, resource, f"{scope}-desk") for verb in verbs}
    assert answers == dict.fromkeys(verbs, allowed)


@pytest.mark.usefixtures("installed_crds")
@pytest.mark.parametrize(("resource", "verb"), ELSEWHERE)
def test_a_namespaced_operator_may_do_nothing_elsewhere(kubectl: Kubectl, scope: str, resource: str, verb: str) -> None:
    user = OPERATOR.format(namespace=scope)
    wanted = scope == "cluster" and resource != "secrets"
    assert _may(kubectl, user, verb, resource, f"{scope}-other") is wanted


def test_one_secret_is_readable_by_name_and_no_other(scope: str, kubectl: Kubectl) -> None:
    user = OPERATOR.format(namespace=scope)
    assert _may(kubectl, user, "get", "secrets/aviary-operator-control", scope)
    assert not _may(kubectl, user, "get", "secrets/aviary-sim-venue-tls", scope)
    assert not _may(kubectl, user, "list", "secrets", scope)
    assert not _may(kubectl, user, "watch", "secrets", scope)


def test_a_namespaced_operator_has_no_cluster_role(render: Render) -> None:
    values = {"operator": {"watchNamespaces": ["desk-a", "desk-b"]}}
    manifests = render("aviary", values)
    assert not [item for item in manifests if item["kind"].startswith("Cluster")]
    roles = {item["metadata"]["namespace"] for item in manifests if item["kind"] == "Role"}
    assert roles == {"desk-a", "desk-b", "aviary-system"}


def test_no_rule_has_a_wildcard(render: Render) -> None:
    for values in ({}, {"operator": {"watchNamespaces": ["desk"]}}):
        roles = [item for item in render("aviary", values) if item["kind"] in {"Role", "ClusterRole"}]
        assert roles
        for rule in (rule for role in roles for rule in role["rules"]):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
