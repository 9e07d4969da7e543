"""The plain Prometheus of manifests/monitoring fits the chart: same labels as its PodMonitors, and doors that match."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]

POD_MONITOR_LABELS = {"namespace", "pod", "container", "endpoint", "job"}
"""What the Prometheus operator gives every target of a PodMonitor."""


def _documents() -> dict[str, Manifest]:
    documents = yaml.safe_load_all((REPOSITORY / "manifests" / "monitoring" / "prometheus.yaml").read_text())
    return {document["kind"]: document for document in documents}


def _scrape_configs() -> dict[str, Manifest]:
    config = yaml.safe_load(_documents()["ConfigMap"]["data"]["prometheus.yml"])
    return {scrape["job_name"]: scrape for scrape in config["scrape_configs"]}


def _monitors(render: Render) -> dict[str, Manifest]:
    made = render("aviary", {"podMonitor": {"enabled": True}})
    return {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}": item
        for item in made
        if item["kind"] == "PodMonitor"
    }


def _labels_of(monitor: Manifest) -> set[str]:
    spec = monitor["spec"]
    of_pods = {re.sub(r"\W", "_", label) for label in spec.get("podTargetLabels", ())}
    endpoint = spec["podMetricsEndpoints"][0]
    return POD_MONITOR_LABELS | of_pods | {relabeling["targetLabel"] for relabeling in endpoint.get("relabelings", ())}


def _targets(scrape: Manifest) -> dict[str, str]:
    relabelings = scrape["relabel_configs"]
    return {item["target_label"]: item["source_labels"][0] for item in relabelings if "target_label" in item}


def test_a_query_finds_the_same_labels_with_and_without_the_prometheus_operator(render: Render) -> None:
    monitor = _monitors(render)["aviary-system/aviary-bots"]
    targets = _targets(_scrape_configs()["aviary-system/aviary-bots"])
    assert {*targets, "job"} == _labels_of(monitor)
    relabelings = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
    bot = next(item for item in relabelings if item["targetLabel"] == "bot")
    assert bot["sourceLabels"] == [targets["bot"]] == ["__meta_kubernetes_pod_label_aviary_trading_bot"]
    assert targets["namespace"] == "__meta_kubernetes_namespace"


def test_jobs_are_called_as_the_pod_monitors_are(render: Render) -> None:
    assert set(_scrape_configs()) == set(_monitors(render))


def test_the_chart_s_policy_lets_its_namespace_read_metrics(render: Render) -> None:
    policy = next(
        item
        for item in render("aviary")
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "aviary-operator"
    )
    labels = _documents()["Namespace"]["metadata"]["labels"].items()
    peers = [peer for rule in policy["spec"]["ingress"] for peer in rule["from"]]
    assert any(peer["namespaceSelector"]["matchLabels"].items() <= labels for peer in peers)


def test_its_policy_lets_the_operator_in_and_nobody_else(render: Render) -> None:
    operator = next(item for item in render("aviary") if item["kind"] == "Deployment")
    (rule,) = _documents()["NetworkPolicy"]["spec"]["ingress"]
    (peer,) = rule["from"]
    labels = operator["spec"]["template"]["metadata"]["labels"].items()
    assert peer["podSelector"]["matchLabels"].items() <= labels
    namespace = {"kubernetes.io/metadata.name": operator["metadata"]["namespace"]}
    assert peer["namespaceSelector"]["matchLabels"] == namespace


def test_its_image_is_of_the_chart_s_version() -> None:
    version = yaml.safe_load((REPOSITORY / "charts" / "aviary" / "Chart.yaml").read_text())["appVersion"]
    (container,) = _documents()["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"aviary.local/prometheus:{version}"


def test_the_api_server_takes_it_and_its_pod_is_restricted(kubectl: Callable[..., Any]) -> None:
    folder = str(REPOSITORY / "manifests" / "monitoring")
    done = kubectl("apply", "--server-side", "-f", folder)
    assert "would violate PodSecurity" not in done.stderr
    assert kubectl("diff", "--server-side", "-f", folder).stdout == ""
