"""A release is the operator's; bots are their desks'. No upgrade touches one."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples"
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def _versions(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    kinds = "tradingbots,tradingdesks,statefulsets,configmaps,services"
    found = json.loads(kubectl("get", kinds, "-n", namespace, "-o", "json").stdout)["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found}


@pytest.mark.usefixtures("installed_crds")
def test_an_upgrade_of_both_charts_writes_nothing_where_bots_live(
    helm_upgrade: Callable[..., str], kubectl: Kubectl
) -> None:
    kubectl("create", "namespace", "desk-upgrade")
    for file in sorted(SAMPLES.glob("*.yaml")):
        if file.name != "namespace.yaml":
            kubectl("apply", "-f", "-", stdin=file.read_text().replace("desk-demo", "desk-upgrade"))
    helm_upgrade("aviary", "upgrade", "--set", "simVenue.enabled=true")
    before = _versions(kubectl, "desk-upgrade")
    assert len(before) >= 8
    helm_upgrade("aviary-crds", "aviary-system", "--set", "labels.round=two")
    helm_upgrade("aviary", "upgrade", "--set", "simVenue.enabled=true", "--set", "operator.image.tag=0.2.0")
    assert _versions(kubectl, "desk-upgrade") == before


def test_the_notes_name_what_the_release_made(helm_upgrade: Callable[..., str], kubectl: Kubectl) -> None:
    notes = helm_upgrade("aviary", "notes", "--set", "simVenue.enabled=true")
    commands = re.findall(r"^ +(kubectl .*?)(?:  .*)?$", notes, re.MULTILINE)
    assert len(commands) == 3
    deployments = {name for command in commands for name in re.findall(r"deployment/(\S+)", command)}
    assert deployments == {"aviary-operator"}
    for kind, name in re.findall(r"(service|ca): \{name: ([a-z-]+), namespace: notes\}", notes):
        kubectl("get", {"service": "service", "ca": "configmap"}[kind], name, "-n", "notes")
    assert "venueOverrides" in notes
