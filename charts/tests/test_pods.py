"""Every pod of the chart is restricted, by our own reading and by the API server's."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]

FULL: Manifest = {
    "simVenue": {
        "enabled": True,
        "accountsSecret": "accounts",
        "markets": [
            {
                "symbol": "BTCUSDT", "product": "Spot", "base": "BTC", "quote": "USDT",
                "start_price": "60000", "tick_size": "0.01", "lot_size": "0.000001", "min_notional": "1",
                "maker_fee_bps": "10", "taker_fee_bps": "10", "half_spread_ticks": 50, "level_spacing_ticks": 100,
                "level_quantity": "0.5",
            }
        ],
    },
    "podMonitor": {"enabled": True},
    "imagePullSecrets": [{"name": "registry"}],
    "operator": {"priorityClassName": "system-cluster-critical", "nodeSelector": {"kubernetes.io/os": "linux"}},
}  # fmt: skip
DIGEST = "sha256:" + "0123456789abcdef" * 4


def _deployments(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {item["metadata"]["name"]: item for item in manifests if item["kind"] == "Deployment"}


@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "full"])
def test_every_pod_is_restricted(render: Render, values: Manifest) -> None:
    deployments = _deployments(render("aviary", values))
    assert set(deployments) == ({"aviary-operator", "aviary-sim-venue"} if values else {"aviary-operator"})
    for deployment in deployments.values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert {key for volume in pod.get("volumes", []) for key in volume} <= {
            "name",
            "configMap",
            "secret",
            "emptyDir",
            "persistentVolumeClaim",
        }
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"].keys() == {"memory"}, "a processor limit slows a start to a crawl"
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert {"livenessProbe", "readinessProbe", "startupProbe"} <= container.keys()


def test_the_api_server_takes_every_pod_in_a_restricted_namespace(
    render: Render, kubectl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "restricted", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(namespace))
    for name, deployment in _deployments(render("aviary", FULL)).items():
        spec = deployment["spec"]["template"]["spec"]
        pod: Manifest = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "restricted"},
            "spec": {key: value for key, value in spec.items() if key != "priorityClassName"},
        }
        kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
        pod["spec"]["hostNetwork"] = True
        refused = kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), check=False)
        assert 'violates PodSecurity "restricted' in refused.stderr, "the API server does not judge: the test is empty"


def test_there_is_one_operator_at_a_time(render: Render) -> None:
    for deployment in _deployments(render("aviary", FULL)).values():
        assert deployment["spec"]["replicas"] == 1
        assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_only_the_operator_holds_a_token(render: Render) -> None:
    manifests = render("aviary", FULL)
    tokens = {
        name: deployment["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for name, deployment in _deployments(manifests).items()
    }
    assert tokens == {"aviary-operator": True, "aviary-sim-venue": False}
    accounts = [item for item in manifests if item["kind"] == "ServiceAccount"]
    assert [account["automountServiceAccountToken"] for account in accounts] == [False]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "aviary.local/operator:0.1.0"),
        ({"tag": "0.2.0"}, "aviary.local/operator:0.2.0"),
        ({"tag": "0.2.0", "digest": DIGEST}, f"aviary.local/operator@{DIGEST}"),
        ({"repository": "registry:5000/desk/operator", "digest": DIGEST}, f"registry:5000/desk/operator@{DIGEST}"),
    ],
)
def test_a_digest_wins_over_a_tag(render: Render, image: Manifest, expected: str) -> None:
    deployment = _deployments(render("aviary", {"operator": {"image": image}}))["aviary-operator"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == expected


def test_a_new_chart_version_alone_restarts_no_pod(render: Render) -> None:
    for deployment in _deployments(render("aviary", FULL)).values():
        text = json.dumps(deployment["spec"]["template"]["metadata"])
        assert "helm.sh/chart" not in text
        assert "app.kubernetes.io/version" not in text


def test_services_and_policies_select_the_pods_they_mean(render: Render) -> None:
    manifests = render("aviary", FULL)
    labels = {
        deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: deployment["spec"][
            "template"
        ]["metadata"]["labels"]
        for deployment in _deployments(manifests).values()
    }
    selectors = [
        (item["metadata"]["labels"]["app.kubernetes.io/component"], selector)
        for item in manifests
        if (selector := _selector(item))
    ]
    assert len(selectors) == 9
    for component, selector in selectors:
        assert selector.items() <= labels[component].items()
        others = [other for name, other in labels.items() if name != component]
        assert not any(selector.items() <= other.items() for other in others)


def _selector(item: Manifest) -> dict[str, str] | None:
    spec = item.get("spec", {})
    match item["kind"]:
        case "Service":
            return dict(spec["selector"])
        case "Deployment":
            return dict(spec["selector"]["matchLabels"])
        case "NetworkPolicy":
            return dict(spec["podSelector"]["matchLabels"])
        case "PodMonitor" if "matchLabels" in spec["selector"]:
            return dict(spec["selector"]["matchLabels"])
        case _:
            return None


def test_ports_that_are_named_exist_in_the_pods(render: Render) -> None:
    manifests = render("aviary", FULL)
    ports = {
        deployment["metadata"]["labels"]["app.kubernetes.io/component"]: {
            port[key]
            for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
            for key in ("name", "containerPort")
        }
        for deployment in _deployments(manifests).values()
    }
    for item in manifests:
        component = item["metadata"]["labels"]["app.kubernetes.io/component"]
        match item["kind"]:
            case "Service":
                used = {port["targetPort"] for port in item["spec"]["ports"]}
            case "NetworkPolicy":
                used = {port["port"] for rule in item["spec"]["ingress"] for port in rule["ports"]}
            case "PodMonitor" if component != "bots":
                used = {endpoint["port"] for endpoint in item["spec"]["podMetricsEndpoints"]}
            case _:
                continue
        assert used <= ports[component], item


def test_bots_reach_the_venue_and_not_its_controls(render: Render) -> None:
    policy = next(
        item
        for item in render("aviary", FULL)
        if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "aviary-sim-venue"
    )
    for rule in policy["spec"]["ingress"]:
        admits_bots = any("aviary.trading/bot" in json.dumps(peer) for peer in rule["from"])
        assert [port["port"] for port in rule["ports"]] == (["https"] if admits_bots else ["admin"])
    assert policy["spec"]["egress"] == []


def test_one_label_says_who_reads_metrics(render: Render) -> None:
    def peers(label: str) -> list[object]:
        values = {"simVenue": {"enabled": True}, "networkPolicy": {"metricsNamespaceLabel": label}}
        manifests = render("aviary", values)
        environment = _deployments(manifests)["aviary-operator"]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "AVIARY_METRICS_NAMESPACE_LABEL", "value": label} in environment
        policies = [item for item in manifests if item["kind"] == "NetworkPolicy"]
        rules = [rule for policy in policies for rule in policy["spec"]["ingress"]]
        return [rule["from"] for rule in rules if [port["port"] for port in rule["ports"]] != ["https"]]

    assert (
        peers("example.org/scrape=yes") == [[{"namespaceSelector": {"matchLabels": {"example.org/scrape": "yes"}}}]] * 2
    )
    assert peers("") == []


def test_toggles_leave_nothing_behind(render: Render) -> None:
    kinds = {item["kind"] for item in render("aviary", {"networkPolicy": {"enabled": False}})}
    assert not kinds & {"NetworkPolicy", "PodMonitor", "PrometheusRule", "Secret"}
    components = {item["metadata"]["labels"]["app.kubernetes.io/component"] for item in render("aviary")}
    assert components == {"operator", "policies"}
