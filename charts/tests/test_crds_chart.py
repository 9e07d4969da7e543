"""The kinds as the chart installs them are the kinds as the API package generates them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATED = REPOSITORY / "crds" / "generated" / "crds"
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def _crds(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {item["metadata"]["name"]: item for item in manifests if item["kind"] == "CustomResourceDefinition"}


def _generated() -> dict[str, Manifest]:
    return _crds([yaml.safe_load(path.read_text()) for path in sorted(GENERATED.glob("*.yaml"))])


def test_the_rendered_kinds_are_the_generated_ones_to_the_last_number(render: Render) -> None:
    rendered = _crds(render("aviary-crds"))
    assert {name: crd["spec"] for name, crd in rendered.items()} == {
        name: crd["spec"] for name, crd in _generated().items()
    }
    assert rendered.keys() >= {"tradingbots.aviary.trading", "tradingdesks.aviary.trading"}


@pytest.mark.parametrize("keep", [True, False])
def test_kinds_outlive_the_release_when_kept(render: Render, *, keep: bool) -> None:
    for crd in _crds(render("aviary-crds", {"keep": keep})).values():
        assert (crd["metadata"].get("annotations") == {"helm.sh/resource-policy": "keep"}) is keep


def test_labels_of_the_user_are_put_on_every_kind(render: Render) -> None:
    for crd in _crds(render("aviary-crds", {"labels": {"team": "desk"}})).values():
        assert crd["metadata"]["labels"]["team"] == "desk"
        assert crd["metadata"]["labels"]["app.kubernetes.io/part-of"] == "aviary"


def test_drift_between_the_copies_is_found(tmp_path: Path) -> None:
    (tmp_path / "charts/aviary-crds/files").mkdir(parents=True)
    (tmp_path / "crds/generated/crds").mkdir(parents=True)
    script = tmp_path / "charts/sync-crds.sh"
    script.write_text((REPOSITORY / "charts/sync-crds.sh").read_text())
    source = tmp_path / "crds/generated/crds/a.yaml"

    def sync(*args: str) -> int:
        return subprocess.run(["bash", script, *args], capture_output=True, check=False).returncode

    assert sync("--check") == 1, "nothing generated is an error, not an empty success"
    source.write_text("kind: A\n")
    assert sync("--check") == 1
    assert sync() == 0
    assert sync("--check") == 0
    source.write_text("kind: B\n")
    assert sync("--check") == 1
    source.rename(source.with_name("b.yaml"))
    assert sync() == 0
    assert [path.name for path in (tmp_path / "charts/aviary-crds/files").iterdir()] == ["b.yaml"]


@pytest.mark.usefixtures("installed_crds")
def test_the_cluster_s_own_roles_can_be_extended(kubectl: Kubectl) -> None:
    roles = json.loads(kubectl("get", "clusterrole", "-l", "app.kubernetes.io/name=aviary-crds", "-o", "json").stdout)
    granted = {
        label.rsplit("-", 1)[-1]: {resource for rule in role["rules"] for resource in rule["resources"]}
        for role in roles["items"]
        for label in role["metadata"]["labels"]
        if label.startswith("rbac.authorization.k8s.io/aggregate-to-")
    }
    assert granted == {"view": {"tradingbots", "tradingdesks", "promotiongates", "promotionapprovals"}}


def test_the_roles_can_be_left_out(render: Render) -> None:
    def roles(**rbac: bool) -> set[str]:
        made = render("aviary-crds", {"rbac": rbac})
        return {item["metadata"]["name"] for item in made if item["kind"] != "CustomResourceDefinition"}

    people = {"aviary-trader", "aviary-approver", "aviary-risk", "aviary-producer", "aviary-viewer"}
    assert roles() == people | {"aviary-view"}
    assert roles(aggregate=False) == people
    assert roles(roles=False) == {"aviary-view"}
    assert roles(roles=False, aggregate=False) == set()


@pytest.mark.usefixtures("installed_crds")
def test_a_second_install_changes_nothing(helm_upgrade: Callable[..., str], kubectl: Kubectl) -> None:
    def versions() -> dict[str, int]:
        found = json.loads(kubectl("get", "crd", "-o", "json").stdout)["items"]
        return {item["metadata"]["name"]: item["metadata"]["generation"] for item in found}

    before = versions()
    helm_upgrade("aviary-crds", "aviary-system")
    assert versions() == before
