"""Whether a child is what it should be, seen without asking the API server."""

import copy
from typing import Any

import pytest
from aviary_operator.bots.drift import decide_repair, find_drift, is_repair, seal_manifest
from aviary_operator.bots.records import ChildRecord, read_child
from aviary_operator.runtime.kinds import STATEFUL_SET, VOLUME_CLAIM, Manifest

MANIFEST: Manifest = seal_manifest(
    {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "alpha", "namespace": "desk", "labels": {"a": "b"}, "ownerReferences": [{"uid": "1"}]},
        "spec": {
            "replicas": 1,
            "env": [{"name": "A", "value": "1"}],
            "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {}},
            "hostAliases": [],
        },
    }
)
OURS = {"manager": "aviary-bot-controller", "operation": "Apply", "fieldsV1": {"f:spec": {}}}


def live(edit: dict[str, Any] | None = None, *, managers: list[dict[str, Any]] | None = None) -> ChildRecord:
    """Return the object as the API server would show it, with its defaults, and edited."""
    body = copy.deepcopy(MANIFEST)
    body["metadata"]["managedFields"] = [OURS, *(managers or [])]
    del body["spec"]["hostAliases"]
    body["spec"] |= {"revisionHistoryLimit": 10, **(edit or {})}
    body["status"] = {"replicas": 1}
    return read_child(STATEFUL_SET, body)


def test_missing_child_drifts() -> None:
    assert find_drift(MANIFEST, None) == "missing"
    assert decide_repair(MANIFEST, None) == "Apply"


def test_defaults_of_the_server_are_no_drift() -> None:
    assert find_drift(MANIFEST, live()) is None


def test_quantities_are_compared_as_numbers() -> None:
    same = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    assert find_drift(MANIFEST, live(same)) is None
    other = {"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}
    assert find_drift(MANIFEST, live(other)) == "changed at .spec.resources.limits.cpu"


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        ({"replicas": 3}, ".spec.replicas"),
        ({"env": [{"name": "A", "value": "2"}]}, ".spec.env[0].value"),
        ({"env": []}, ".spec.env"),
        ({"env": [{"name": "A", "value": "1"}, {"name": "B"}]}, ".spec.env"),
        ({"resources": "none"}, ".spec.resources"),
    ],
)
def test_edited_field_is_found_and_named(edit: dict[str, Any], where: str) -> None:
    assert find_drift(MANIFEST, live(edit)) == f"changed at {where}"
    assert decide_repair(MANIFEST, live(edit)) == "Apply"
    assert is_repair(MANIFEST, live(edit))


def test_field_added_by_a_stranger_is_found_by_its_owner_and_the_object_replaced() -> None:
    stranger = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:x": {}}}}
    assert find_drift(MANIFEST, live(managers=[stranger])) == "edited by kubectl-edit"
    assert decide_repair(MANIFEST, live(managers=[stranger])) == "Replace"


@pytest.mark.parametrize(
    "entry",
    [
        {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "kubectl", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "kubectl-label", "fieldsV1": {"f:metadata": {"f:labels": {}}}},
    ],
)
def test_who_owns_no_content_is_no_stranger(entry: dict[str, Any]) -> None:
    assert find_drift(MANIFEST, live(managers=[entry])) is None


def test_object_replaced_once_is_replaced_again() -> None:
    ours_twice = {"manager": "aviary-bot-controller", "operation": "Update", "fieldsV1": {"f:spec": {}}}
    record = live({"replicas": 2}, managers=[ours_twice])
    assert decide_repair(MANIFEST, record) == "Replace"
    assert decide_repair(MANIFEST, live(managers=[ours_twice])) is None


def test_field_that_is_no_longer_wanted_shows_as_another_manifest() -> None:
    bare = {key: value for key, value in MANIFEST.items() if key != "metadata"}
    bare["spec"] = {key: value for key, value in MANIFEST["spec"].items() if key != "replicas"}
    meta = {**MANIFEST["metadata"], "annotations": {}}
    wanted = seal_manifest({**bare, "metadata": meta})
    assert find_drift(wanted, live()) == "changed at .metadata.annotations.aviary.trading/manifest"
    assert not is_repair(wanted, live())


def test_volume_claims_content_is_left_to_the_cluster() -> None:
    claim = seal_manifest(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data-alpha", "labels": {}, "ownerReferences": []},
            "spec": {"resources": {"requests": {"storage": "1Gi"}}},
        }
    )
    body = copy.deepcopy(claim)
    body["spec"] = {"resources": {"requests": {"storage": "2Gi"}}, "volumeName": "pv"}
    body["metadata"]["managedFields"] = [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}]
    assert find_drift(claim, read_child(VOLUME_CLAIM, body)) is None


def test_hash_of_a_manifest_does_not_depend_on_the_order_of_its_fields() -> None:
    turned = {key: MANIFEST[key] for key in reversed(MANIFEST)}
    turned["metadata"] = {key: value for key, value in MANIFEST["metadata"].items() if key != "annotations"}
    assert seal_manifest(turned)["metadata"]["annotations"] == MANIFEST["metadata"]["annotations"]
