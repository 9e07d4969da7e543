"""The values' schema refuses what would otherwise become a broken or a loose release, and says which key it was."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_services.sim_venue.exchange.market import Market

CHARTS = Path(__file__).resolve().parents[1]
Template = Callable[..., subprocess.CompletedProcess[str]]

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown key", {"operators": {}}, "operators"),
    ("unknown key below", {"operator": {"replicas": 2}}, "replicas"),
    ("tag latest", {"operator": {"image": {"tag": "latest"}}}, "tag"),
    ("tag in the repository", {"services": {"image": {"repository": "aviary.local/services:1"}}}, "repository"),
    ("short digest", {"operator": {"image": {"digest": "sha256:abc"}}}, "digest"),
    ("digest without algorithm", {"operator": {"image": {"digest": "a" * 64}}}, "digest"),
    ("pull policy", {"operator": {"image": {"pullPolicy": "Sometimes"}}}, "pullPolicy"),
    ("namespaces as text", {"operator": {"watchNamespaces": "desk-demo"}}, "watchNamespaces"),
    ("namespace twice", {"operator": {"watchNamespaces": ["desk", "desk"]}}, "watchNamespaces"),
    ("namespace name", {"operator": {"watchNamespaces": ["Desk_1"]}}, "watchNamespaces"),
    ("log level", {"operator": {"logLevel": "TRACE"}}, "logLevel"),
    ("enabled as text", {"simVenue": {"enabled": "yes"}}, "enabled"),
    ("negative seed", {"simVenue": {"seed": -1}}, "seed"),
    ("step too short", {"simVenue": {"stepMillis": 50}}, "stepMillis"),
    ("validity zero", {"simVenue": {"tls": {"validityDays": 0}}}, "validityDays"),
    ("market without price", {"simVenue": {"markets": [{"symbol": "BTCUSDT", "product": "Spot"}]}}, "start_price"),
    ("resource unknown", {"operator": {"resources": {"limits": {"gpu": 1}}}}, "gpu"),
    ("quantity", {"simVenue": {"resources": {"limits": {"memory": "lots"}}}}, "memory"),
    ("scrape interval", {"podMonitor": {"intervalSeconds": 0}}, "intervalSeconds"),
    ("label without value", {"networkPolicy": {"metricsNamespaceLabel": "monitoring"}}, "metricsNamespaceLabel"),
    ("floor under a minute", {"gates": {"floorSeconds": 59}}, "floorSeconds"),
    ("floor as text", {"gates": {"floorSeconds": "2h"}}, "floorSeconds"),
    ("Prometheus without scheme", {"gates": {"prometheusUrl": "prometheus:9090"}}, "prometheusUrl"),
    ("Prometheus with a password", {"gates": {"prometheusUrl": "http://a:b@prometheus"}}, "prometheusUrl"),
    ("no peer would be every peer", {"gates": {"prometheusPeers": []}}, "prometheusPeers"),
    ("peer unknown", {"gates": {"prometheusPeers": [{"hosts": ["a"]}]}}, "hosts"),
    ("port of Prometheus", {"gates": {"prometheusPort": 0}}, "prometheusPort"),
    ("report host with a path", {"gates": {"reportHosts": ["reports/latest"]}}, "reportHosts"),
    ("report host twice", {"gates": {"reportHosts": ["reports", "reports"]}}, "reportHosts"),
    ("evidence of no size", {"gates": {"evidence": {"size": "0Gi"}}}, "size"),
    ("evidence in a number", {"gates": {"evidence": {"size": 1}}}, "size"),
    ("policies as text", {"policies": {"enabled": "no"}}, "enabled"),
    ("one policy alone", {"policies": {"approvals": False}}, "approvals"),
    ("runbook without scheme", {"prometheusRule": {"runbookUrlPrefix": "runbooks/"}}, "runbookUrlPrefix"),
    ("no port of the API server", {"networkPolicy": {"apiServerPorts": []}}, "apiServerPorts"),
]


@pytest.mark.parametrize(("values", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_value_is_refused_and_named(template: Template, values: dict[str, Any], named: str) -> None:
    done = template("aviary", values)
    assert done.returncode != 0
    assert "schema" in done.stderr
    assert named in done.stderr


@pytest.mark.parametrize(
    "values", [{"kept": True}, {"keep": "yes"}, {"rbac": {"roles": "all"}}, {"labels": {"team": "a b"}}]
)
def test_the_crds_chart_refuses_bad_values_too(template: Template, values: dict[str, Any]) -> None:
    done = template("aviary-crds", values)
    assert done.returncode != 0
    assert "schema" in done.stderr


def test_helm_may_pass_global_values_of_a_parent_chart(template: Template) -> None:
    assert template("aviary", {"global": {"anything": 1}}).returncode == 0


def test_a_market_has_the_fields_that_the_venue_reads() -> None:
    schema = json.loads((CHARTS / "aviary" / "values.schema.json").read_text())["definitions"]["market"]
    fields = Market.model_fields
    assert schema["properties"].keys() == fields.keys()
    assert set(schema["required"]) == {name for name, field in fields.items() if field.is_required()}


@pytest.mark.parametrize("chart", ["aviary", "aviary-crds"])
def test_the_schema_knows_every_key_and_is_closed_everywhere(chart: str) -> None:
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    _assert_closed(schema, values, schema, chart)


def _assert_closed(node: dict[str, Any], value: object, schema: dict[str, Any], where: str) -> None:
    if "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[-1]]
    properties = node.get("properties")
    if properties is None or not isinstance(value, dict):
        return
    assert node.get("additionalProperties") is False, f"{where} takes unknown keys"
    for key, inner in value.items():
        assert key in properties, f"{where}.{key} is not in the schema"
        _assert_closed(properties[key], inner, schema, f"{where}.{key}")
