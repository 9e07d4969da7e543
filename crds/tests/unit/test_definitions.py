"""What a good CRD has, checked over every kind; the API server has its say in the component tests."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aviary_crds.crd import build_crd, build_json_schema
from aviary_crds.kinds import KINDS, TRADING_BOT, Kind
from aviary_crds.manifests import check_manifest
from kubernetes.client import V1CustomResourceDefinition, V1JSONSchemaProps

type Schema = dict[str, Any]

ALL_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def _root(kind: Kind) -> Schema:
    schema: Schema = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _nodes(inner, f"{path}.{name}")
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), dict):
            yield from _nodes(schema[key], path + suffix)


def _spec_and_status(kind: Kind) -> Iterator[tuple[str, Schema]]:
    return ((path, node) for path, node in _nodes(_root(kind)) if path.startswith((".spec", ".status")))


@ALL_KINDS
def test_the_models_of_the_kubernetes_client_take_the_definition(kind: Kind) -> None:
    # they forbid const, prefixItems, $ref beside other words, numeric exclusiveMinimum and everything made up
    V1CustomResourceDefinition.model_validate(build_crd(kind))
    for _, node in _nodes(_root(kind)):
        V1JSONSchemaProps.model_validate(node)


@ALL_KINDS
def test_kind_is_named_and_listed_as_the_others(kind: Kind) -> None:
    spec = build_crd(kind)["spec"]
    assert spec["scope"] == "Namespaced"
    assert spec["names"]["categories"] == ["aviary"]
    assert spec["names"]["listKind"] == f"{spec['names']['kind']}List"
    assert spec["names"]["plural"] == f"{spec['names']['kind'].lower()}s"
    assert build_crd(kind)["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"


@ALL_KINDS
def test_status_is_a_subresource_with_conditions_merged_by_type(kind: Kind) -> None:
    version = build_crd(kind)["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    status = _root(kind)["properties"]["status"]["properties"]
    assert status["observedGeneration"]["type"] == "integer"
    conditions = status["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert set(conditions["items"]["required"]) == {"type", "status", "lastTransitionTime", "reason"}
    assert conditions["items"]["properties"]["status"]["enum"] == ["True", "False", "Unknown"]


@ALL_KINDS
def test_board_shows_readiness_and_age(kind: Kind) -> None:
    columns = {column["name"]: column for column in build_crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]}
    assert columns["Ready"]["jsonPath"] == '.status.conditions[?(@.type=="Ready")].status'
    assert columns["Age"] == {
        "name": "Age",
        "type": "date",
        "description": "Time since it was made",
        "jsonPath": ".metadata.creationTimestamp",
    }


@ALL_KINDS
def test_every_path_that_is_shown_or_selected_exists(kind: Kind) -> None:
    known = {path for path, _ in _nodes(_root(kind))} | {".metadata.creationTimestamp"}
    shown = [column.path for column in kind.columns] + list(kind.selectable)
    assert {re.sub(r"\[[^]]*\]", "[]", path) for path in shown} <= known


@ALL_KINDS
def test_every_field_is_described(kind: Kind) -> None:
    nodes = [(path, node) for path, node in _spec_and_status(kind) if not path.endswith(("[]", ".*"))]
    assert len(nodes) > 10
    assert [path for path, node in nodes if len(node.get("description", "")) < 3] == []


@ALL_KINDS
def test_everything_people_write_is_bounded(kind: Kind) -> None:
    def bounded(node: Schema) -> bool:
        match node["type"]:
            case "string":
                return "maxLength" in node or "enum" in node or node.get("format") == "date-time"
            case "array":
                return "maxItems" in node and "x-kubernetes-list-type" in node
            case "integer":
                return {"minimum", "maximum"} <= node.keys()
            case "object":
                return "properties" in node or "maxProperties" in node
            case kind_of_value:
                return bool(kind_of_value == "boolean")

    written = [(path, node) for path, node in _spec_and_status(kind) if path.startswith(".spec")]
    assert [path for path, node in written if not bounded(node)] == []
    observed = [(path, node) for path, node in _spec_and_status(kind) if node["type"] != "integer"]
    assert [path for path, node in observed if not bounded(node)] == []


@ALL_KINDS
def test_unknown_fields_are_kept_in_strategy_parameters_only(kind: Kind) -> None:
    free = [path for path, node in _nodes(_root(kind)) if "x-kubernetes-preserve-unknown-fields" in node]
    assert free == ([".spec.strategy.parameters"] if kind is TRADING_BOT else [])


@ALL_KINDS
def test_no_float_is_asked_for(kind: Kind) -> None:
    assert [path for path, node in _spec_and_status(kind) if node["type"] == "number"] == []


@ALL_KINDS
def test_every_rule_speaks_to_a_person(kind: Kind) -> None:
    rules = [rule for _, node in _nodes(_root(kind)) for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) > 5
    for rule in rules:
        assert {"rule", "message"} <= rule.keys() <= {"rule", "message", "fieldPath"}
        assert "\n" not in rule["message"]
        assert len(rule["message"]) > 20


def test_every_rule_has_a_spec_that_breaks_it(refused_manifests: list[dict[str, Any]]) -> None:
    told = "\n".join(fault.message for bad in refused_manifests for fault in check_manifest(bad, source="table"))
    assert [
        rule["message"]
        for kind in KINDS
        for _, node in _nodes(_root(kind))
        for rule in node.get("x-kubernetes-validations", ())
        if rule["message"] not in told and "oldSelf" not in rule["rule"]
    ] == []


@ALL_KINDS
def test_every_pattern_also_says_it_in_words(kind: Kind) -> None:
    for path, node in _spec_and_status(kind):
        if "pattern" in node and path.startswith(".spec"):
            rules = [rule["rule"] for rule in node["x-kubernetes-validations"]]
            assert f"self.matches(r'{node['pattern']}')" in rules, path


@ALL_KINDS
def test_definition_fits_the_annotation_of_a_client_side_apply(kind: Kind) -> None:
    assert len(json.dumps(build_crd(kind), separators=(",", ":"))) < 262_144 / 2


@ALL_KINDS
def test_json_schema_is_closed_and_free_of_extensions(kind: Kind) -> None:
    schema = build_json_schema(kind)
    assert "x-kubernetes" not in json.dumps(schema)
    assert schema["properties"]["kind"]["enum"] == [kind.kind]
    assert schema["additionalProperties"] is False
    for path, node in _nodes(schema["properties"]["spec"]):
        if node["type"] == "object" and path != ".strategy.parameters":
            assert "additionalProperties" in node, path
    assert "additionalProperties" not in schema["properties"]["status"], "a newer operator may say more"
