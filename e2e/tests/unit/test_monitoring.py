"""Prometheus on a cluster: where it is, and how it is asked."""

import json
from pathlib import Path
from typing import override
from urllib.parse import parse_qs, urlsplit

import yaml
from aviary_e2e.kubectl import Kubectl
from aviary_e2e.monitoring import MANIFESTS, URL, Monitoring


class QueriedKubectl(Kubectl):
    """Answers every raw GET with one series, and remembers what was asked."""

    asked: list[str]

    @override
    def raw_get(self, path: str) -> str:
        self.asked.append(path)
        return json.dumps({"data": {"result": [{"metric": {"bot": "btc"}, "value": [1, "1"]}]}})


def test_a_query_arrives_as_it_was_written() -> None:
    kubectl = QueriedKubectl(Path("kubectl"), Path("kubeconfig"))
    object.__setattr__(kubectl, "asked", [])
    query = 'avg_over_time(hbot_ready{bot="btc"}[60s]) + 1 & 2'
    assert Monitoring(kubectl).query(query) == [{"metric": {"bot": "btc"}, "value": [1, "1"]}]
    (asked,) = kubectl.asked
    assert parse_qs(urlsplit(asked).query) == {"query": [query]}


def test_the_operator_is_told_where_the_manifests_put_it() -> None:
    documents = list(yaml.safe_load_all((MANIFESTS / "prometheus.yaml").read_text()))
    service = next(document for document in documents if document["kind"] == "Service")
    (port,) = service["spec"]["ports"]
    metadata = service["metadata"]
    assert urlsplit(URL).netloc == f"{metadata['name']}.{metadata['namespace']}:{port['port']}"
