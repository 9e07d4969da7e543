"""What gates rest on reaches the operator: a volume that stays, a Prometheus, report hosts, a floor."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aviary_cluster.controlplane import ControlPlane
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.settings import OperatorSettings

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]

EVIDENCE = "/var/lib/aviary/evidence"


def _one(manifests: list[Manifest], kind: str, name: str = "aviary-operator") -> Manifest:
    return next(item for item in manifests if item["kind"] == kind and item["metadata"]["name"] == name)


def _pod(manifests: list[Manifest]) -> Manifest:
    pod: Manifest = _one(manifests, "Deployment")["spec"]["template"]["spec"]
    return pod


def _environment(manifests: list[Manifest]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in _pod(manifests)["containers"][0]["env"] if "value" in item}


def _volumes(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {volume["name"]: volume for volume in _pod(manifests)["volumes"]}


def _mounts(manifests: list[Manifest]) -> dict[str, tuple[str, bool]]:
    mounts = _pod(manifests)["containers"][0]["volumeMounts"]
    return {mount["name"]: (mount["mountPath"], mount.get("readOnly", False)) for mount in mounts}


def test_evidence_has_a_volume_that_outlives_release_and_pod(render: Render) -> None:
    manifests = render("aviary")
    claim = _one(manifests, "PersistentVolumeClaim", "aviary-operator-evidence")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    assert _volumes(manifests)["evidence"]["persistentVolumeClaim"]["claimName"] == "aviary-operator-evidence"
    assert _mounts(manifests) == {"evidence": (EVIDENCE, False)}
    assert _environment(manifests)["AVIARY_EVIDENCE_DIR"] == EVIDENCE
    assert _pod(manifests)["securityContext"]["fsGroup"] == _pod(manifests)["securityContext"]["runAsGroup"]


def test_size_and_class_are_the_user_s(render: Render) -> None:
    values = {"gates": {"evidence": {"size": "20Gi", "storageClassName": "fast"}}}
    spec = _one(render("aviary", values), "PersistentVolumeClaim", "aviary-operator-evidence")["spec"]
    assert (spec["storageClassName"], spec["resources"]["requests"]["storage"]) == ("fast", "20Gi")


@pytest.mark.parametrize(
    ("evidence", "volume"),
    [
        ({"existingClaim": "mine"}, {"persistentVolumeClaim": {"claimName": "mine"}}),
        ({"emptyDir": True}, {"emptyDir": {"sizeLimit": "1Gi"}}),
    ],
)
def test_another_volume_makes_the_chart_claim_none(render: Render, evidence: Manifest, volume: Manifest) -> None:
    manifests = render("aviary", {"gates": {"evidence": evidence}})
    assert not [item for item in manifests if item["kind"] == "PersistentVolumeClaim"]
    assert _volumes(manifests)["evidence"] == {"name": "evidence", **volume}


def test_what_is_not_set_is_not_in_the_environment(render: Render) -> None:
    assert (
        _environment(render("aviary")).keys()
        & {
            "AVIARY_PROMETHEUS_URL",
            "AVIARY_PROMETHEUS_TOKEN_FILE",
            "AVIARY_REPORT_HOSTS",
            "AVIARY_REPORTS_DIR",
        }
        == set()
    )
    assert _environment(render("aviary"))["AVIARY_FLOOR_SECONDS"] == "7200"


def test_what_is_set_reaches_the_operator(render: Render) -> None:
    gates = {
        "floorSeconds": 2_678_400,
        "prometheusUrl": "https://prometheus.monitoring:9090/k8s",
        "prometheusTokenSecret": "token",
        "reportHosts": ["reports.desk:8080", "reports.example.org"],
        "reports": {"existingClaim": "documents"},
    }
    manifests = render("aviary", {"gates": gates})
    environment = _environment(manifests)
    assert environment["AVIARY_FLOOR_SECONDS"] == "2678400"
    assert environment["AVIARY_PROMETHEUS_URL"] == gates["prometheusUrl"]
    assert environment["AVIARY_REPORT_HOSTS"] == "reports.desk:8080,reports.example.org"
    mounts, volumes = _mounts(manifests), _volumes(manifests)
    assert mounts["reports"] == (environment["AVIARY_REPORTS_DIR"], True)
    assert volumes["reports"]["persistentVolumeClaim"] == {"claimName": "documents", "readOnly": True}
    folder, read_only = mounts["prometheus-token"]
    assert read_only
    assert environment["AVIARY_PROMETHEUS_TOKEN_FILE"] == f"{folder}/token"
    assert volumes["prometheus-token"]["secret"]["items"] == [{"key": "token", "path": "token"}]


def test_the_operator_reaches_prometheus_only_where_it_is(render: Render) -> None:
    def rules(**gates: Any) -> list[Manifest]:
        egress = _one(render("aviary", {"gates": gates}), "NetworkPolicy")["spec"]["egress"]
        return [rule for rule in egress if "ports" in rule and rule["ports"][0]["port"] in {9090, 8427}]

    assert rules() == []
    anywhere = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 9090, "protocol": "TCP"}]}
    assert rules(prometheusUrl="http://prometheus:9090") == [anywhere]
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    (rule,) = rules(prometheusUrl="http://victoria:8427", prometheusPort=8427, prometheusPeers=[peer])
    assert rule["to"] == [peer]


def test_alerts_rest_on_metrics_of_the_operator_and_lead_to_a_runbook(render: Render) -> None:
    assert not [item for item in render("aviary") if item["kind"] == "PrometheusRule"]
    values = {"prometheusRule": {"enabled": True, "labels": {"release": "p"}, "runbookUrlPrefix": "https://r.example/"}}
    rule = _one(render("aviary", values), "PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "p"
    alerts = {alert["alert"]: alert for group in rule["spec"]["groups"] for alert in group["rules"]}
    assert {name: alert["labels"]["severity"] for name, alert in alerts.items()} == {
        "AviaryBreakGlassActive": "critical",
        "AviaryGateNotReady": "warning",
        "AviaryGateNoLongerPasses": "warning",
    }
    metrics = Metrics().registry.collect()
    exported = {f"{family.name}_total" if family.type == "counter" else family.name for family in metrics}
    for name, alert in alerts.items():
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"https://r.example/{name.lower()}"
        assert set(re.findall(r"aviary_\w+", alert["expr"])) <= exported, name


def test_a_release_without_a_volume_gets_one_and_leaves_it_to_the_next(
    helm_upgrade: Callable[..., str], helm: Path, kube_apiserver: ControlPlane, kubectl: Kubectl
) -> None:
    def claims() -> dict[str, str]:
        found = json.loads(kubectl("get", "pvc", "-n", "kept", "-o", "json").stdout)["items"]
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}

    helm_upgrade("aviary", "kept", "--set", "gates.evidence.emptyDir=true")
    assert claims() == {}
    helm_upgrade("aviary", "kept", "--set", "gates.evidence.emptyDir=false")
    made = claims()
    assert made.keys() == {"aviary-operator-evidence"}
    place = ("--namespace", "kept", "--kubeconfig", str(kube_apiserver.kubeconfig))
    subprocess.run([str(helm), "uninstall", "aviary", *place], check=True, capture_output=True)
    assert claims() == made
    helm_upgrade("aviary", "kept")
    assert claims() == made


@pytest.mark.parametrize("gates", [{}, {"prometheusUrl": "http://p:9090", "reportHosts": ["a", "b:8080"]}])
def test_the_operator_takes_the_environment_that_the_chart_gives(
    render: Render, monkeypatch: pytest.MonkeyPatch, gates: Manifest
) -> None:
    monkeypatch.setenv("AVIARY_NAMESPACE", "aviary-system")
    for name, value in _environment(render("aviary", {"gates": gates})).items():
        assert name.removeprefix("AVIARY_").lower() in OperatorSettings.model_fields
        monkeypatch.setenv(name, value)
    settings = OperatorSettings()
    assert settings.prometheus_url == gates.get("prometheusUrl", "")
    assert settings.report_hosts == tuple(gates.get("reportHosts", ()))
    assert str(settings.evidence_dir) == EVIDENCE
    assert settings.floor_seconds == 7_200
