"""CustomResourceDefinitions and JSON schemas of the kinds, built from the models."""

from typing import Any, Final

from aviary_crds.kinds import Column, Kind
from aviary_crds.labels import API_VERSION, CATEGORY, GROUP, VERSION
from aviary_crds.rules import with_validations
from aviary_crds.schema import PRESERVE, Part, Schema, structural_schema

_JSON_SCHEMA_DIALECT: Final = "http://json-schema.org/draft-07/schema#"


def build_crd(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of ``kind``.

    Raises:
        SchemaError: when a model cannot be said in a structural schema.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short_name],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [_build_version(kind)],
        },
    }


def build_json_schema(kind: Kind) -> Schema:
    """Return a schema of whole manifests of ``kind``, for editors and for checks without a cluster.

    It has no CEL: ``python -m aviary_crds validate`` knows those rules too.
    """
    root = _build_root_schema(kind)
    properties = root["properties"]
    return {
        "$schema": _JSON_SCHEMA_DIALECT,
        "title": f"{kind.kind} {API_VERSION}",
        **_without_extensions(root),
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {**properties["apiVersion"], "enum": [API_VERSION]},
            "kind": {**properties["kind"], "enum": [kind.kind]},
            "metadata": properties["metadata"],
            "spec": _closed(_without_extensions(properties["spec"])),
            "status": _without_extensions(properties["status"]),
        },
        "additionalProperties": False,
    }


def _build_version(kind: Kind) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        **({"selectableFields": [{"jsonPath": path} for path in kind.selectable]} if kind.selectable else {}),
        "additionalPrinterColumns": [_build_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": _build_root_schema(kind)},
    }


def _build_root_schema(kind: Kind) -> Schema:
    root: Schema = {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "Group and version of this object", "type": "string"},
            "kind": {"description": f"Always {kind.kind}", "type": "string"},
            # named, so that a rule can point at it
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural_schema(kind.spec, Part.SPEC),
            "status": structural_schema(kind.status, Part.STATUS),
        },
    }
    return with_validations(root, kind.object_model.rules)


def _build_column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "description": column.description,
        "jsonPath": column.path,
        **({"priority": 1} if column.wide else {}),
    }


def _without_extensions(schema: Schema) -> Schema:
    return {key: _inner_without_extensions(key, value) for key, value in schema.items() if not _is_extension(key)}


def _inner_without_extensions(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _without_extensions(inner) for name, inner in value.items()}
    return _without_extensions(value) if key in {"items", "additionalProperties"} else value


def _is_extension(key: str) -> bool:
    # whether unknown fields are kept decides whether the object is closed, so that one is looked at first
    return key.startswith("x-kubernetes-") and key != PRESERVE


def _closed(schema: Schema) -> Schema:
    """Refuse unknown fields wherever the API server would prune them."""
    closed = dict(schema)
    if "properties" in closed:
        closed["properties"] = {name: _closed(inner) for name, inner in closed["properties"].items()}
    if "items" in closed:
        closed["items"] = _closed(closed["items"])
    if closed.get("type") == "object" and "additionalProperties" not in closed and not closed.pop(PRESERVE, False):
        closed["additionalProperties"] = False
    return closed
