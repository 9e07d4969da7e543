"""Where policies hold: releases of one cluster do not judge for each other, and people can put one out of force."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aviary_cluster.controlplane import run_control_plane
from aviary_crds.v1alpha1.tradingdesk import TradingDeskStatus

from charts.tests.admission import desk
from charts.tests.admission.guarded import MASTER, Guarded, account, until

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
POLICIES = {
    "status",
    "approvals",
    "changed-by",
    "two-persons",
    "live-children",
    "live-workloads",
    "bot-reports",
    "attestations",
}
RELEASES = ("one", "two")


@pytest.fixture(scope="module")
def shared(helm: Path, kubectl_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Give a cluster with two namespaced releases, and a namespace that is neither's."""
    with run_control_plane(tmp_path_factory.mktemp("shared")) as plane:
        cluster = Guarded(plane, helm, kubectl_binary)
        cluster.install_kinds()
        for name in ("desk-one", "desk-two", "desk-free"):
            cluster.make_namespace(name)
            made = desk.trading_desk("demo", two_persons=False)
            made["metadata"]["namespace"] = name
            cluster.create(MASTER, made)
        for release in RELEASES:
            cluster.install("aviary", release, f"operator.watchNamespaces={{desk-{release}}}")
            args = ("patch", "tdesk/demo", "-n", f"desk-{release}", "--type=merge", "--subresource=status", "-p")
            cluster.await_refusal(f"'{release}-aviary-status'", MASTER, [*args, '{"status":{"bots":1}}'], None)
        yield cluster


def _write_status(cluster: Guarded, user: str, namespace: str) -> str:
    """Write a desk's status; return what the API server said against it."""
    status = TradingDeskStatus(observed_generation=1).model_dump(mode="json", by_alias=True, exclude_none=True)
    manifest = {"apiVersion": "aviary.trading/v1alpha1", "kind": "TradingDesk", "status": status,
                "metadata": {"name": "demo", "namespace": namespace}}  # fmt: skip
    args = ("apply", "--server-side", "--force-conflicts", "--subresource=status", "-f", "-")
    return cluster.run(user, *args, stdin=json.dumps(manifest)).stderr


@pytest.mark.parametrize("release", RELEASES)
def test_each_operator_writes_where_it_watches(shared: Guarded, release: str) -> None:
    assert _write_status(shared, account(release, "aviary-operator"), f"desk-{release}") == ""


@pytest.mark.parametrize("release", RELEASES)
def test_nobody_but_its_own_operator_writes_there(shared: Guarded, release: str) -> None:
    other = next(name for name in RELEASES if name != release)
    for user in (MASTER, account(other, "aviary-operator")):
        said = _write_status(shared, user, f"desk-{release}")
        assert f"'{release}-aviary-status'" in said or "cannot patch" in said
        assert f"'{other}-aviary-status'" not in said


def test_a_namespace_that_no_release_watches_is_left_alone(shared: Guarded) -> None:
    assert _write_status(shared, MASTER, "desk-free") == ""


def test_in_an_emergency_the_binding_is_deleted_and_the_audit_log_knows(shared: Guarded) -> None:
    policy = "two-aviary-status"
    shared.must(MASTER, "delete", "validatingadmissionpolicybinding", policy)
    until("the status to be written by hand", lambda: not _write_status(shared, MASTER, "desk-two"))
    events = [json.loads(line) for line in shared.plane.audit_log.read_text().splitlines()]
    deleted = [
        event["user"]["username"]
        for event in events
        if event["verb"] == "delete" and event["objectRef"]["resource"] == "validatingadmissionpolicybindings"
    ]
    assert deleted == [MASTER]
    shared.install("aviary", "two", "operator.watchNamespaces={desk-two}")
    until("the policy to be in force again", lambda: policy in _write_status(shared, MASTER, "desk-two"))


def test_a_refusal_is_in_the_audit_log_with_its_policy(shared: Guarded) -> None:
    assert "one-aviary-status" in _write_status(shared, MASTER, "desk-one")

    def logged() -> bool:
        key = "validation.policy.admission.k8s.io/validation_failure"
        lines = shared.plane.audit_log.read_text().splitlines()
        return any("one-aviary-status" in json.loads(line).get("annotations", {}).get(key, "") for line in lines)

    until("the refusal to be logged", logged)


def _policies(manifests: list[Manifest], kind: str = "ValidatingAdmissionPolicy") -> list[Manifest]:
    return [item for item in manifests if item["kind"] == kind]


@pytest.mark.parametrize("namespaces", [[], ["desk-a", "desk-b"]])
def test_every_policy_fails_closed_denies_and_is_audited(render: Render, namespaces: list[str]) -> None:
    manifests = render("aviary", {"operator": {"watchNamespaces": namespaces}})
    policies = _policies(manifests)
    names = {f"aviary-system-aviary-{name}" for name in POLICIES}
    assert {item["metadata"]["name"] for item in policies} == names
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        selector = policy["spec"]["matchConstraints"].get("namespaceSelector")
        wanted = [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}]
        assert selector == ({"matchExpressions": wanted} if namespaces else None)
    bindings = _policies(manifests, "ValidatingAdmissionPolicyBinding")
    assert {item["spec"]["policyName"] for item in bindings} == names
    assert all(item["spec"]["validationActions"] == ["Deny", "Audit"] for item in bindings)


def test_without_policies_there_are_none(render: Render) -> None:
    assert not [item for item in render("aviary", {"policies": {"enabled": False}}) if "Admission" in item["kind"]]
