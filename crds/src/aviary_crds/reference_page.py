"""The reference page of a kind, from the same models as its CRD."""

import json
from collections.abc import Iterator
from typing import Any, Final

from aviary_crds.crd import build_crd
from aviary_crds.kinds import Kind
from aviary_crds.labels import API_VERSION, CATEGORY
from aviary_crds.rules import LIST_TYPE, VALIDATIONS
from aviary_crds.schema import PRESERVE, Schema

_HEADER: Final = "<!-- Generated from the models in crds/src/aviary_crds. Do not edit: run make docs. -->\n"

_CONVENTIONS: Final = (
    "Fields that are not known are refused. Money and quantities are decimal strings, ratios integers in basis points "
    "(100 is 1 %), times integers in the unit that the name ends in."
)


def render_reference_page(kind: Kind) -> str:
    """Return the page: fields with type, default, bounds and meaning, then the rules, then the columns."""
    version = build_crd(kind)["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    lines = [
        _HEADER,
        f"# {kind.kind}",
        "",
        f"`{API_VERSION}`, short name `{kind.short_name}`, category `{CATEGORY}`, namespaced, status subresource.",
        "",
        root["description"],
        "",
        _CONVENTIONS,
        "",
    ]
    lines += _table("Spec", root["properties"]["spec"])
    lines += ["## Rules", "", "| at | what is refused, and what to do | rule (CEL) |", "|---|---|---|"]
    lines += [f"| `{where}` | {_cell(rule['message'])} | `{_cell(rule['rule'])}` |" for where, rule in _rules(root)]
    lines.append("")
    lines += _table("Status", root["properties"]["status"])
    lines += [f"## Columns of `kubectl get {kind.short_name}`", "", "| column | from | shows |", "|---|---|---|"]
    lines += [
        f"| {column.name}{' (wide)' if column.wide else ''} | `{_cell(column.path)}` | {column.description} |"
        for column in kind.columns
    ]
    if kind.selectable:
        paths = " and ".join(f"`{path.removeprefix('.')}`" for path in kind.selectable)
        lines += ["", f"`--field-selector` takes {paths}."]
    return "\n".join(lines) + "\n"


def _table(heading: str, schema: Schema) -> list[str]:
    rows = [f"## {heading}", "", "| field | type | default | bounds | meaning |", "|---|---|---|---|---|"]
    for path, field, required in _fields(schema, heading.lower()):
        default = "required" if required else _default(field)
        meaning = _cell(field["description"])
        rows.append(f"| `{path}` | {_type(field)} | {default} | {_bounds(field)} | {meaning} |")
    return [*rows, ""]


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, field, name in schema.get("required", ())
        yield from _fields(field, here)
        yield from _fields(field.get("items", {}), f"{here}[]")


def _rules(schema: Schema, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for rule in schema.get(VALIDATIONS, ()):
        yield path or "(whole object)", rule
    for name, field in schema.get("properties", {}).items():
        yield from _rules(field, f"{path}.{name}".removeprefix("."))
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if key in schema:
            yield from _rules(schema[key], path + suffix)


def _type(field: Schema) -> str:
    if field.get(PRESERVE):
        return "object, free-form"
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    match field["type"]:
        case "array":
            kind = {"set": "set of ", "map": "list-map of "}.get(field[LIST_TYPE], "list of ")
            return kind + _type(field["items"])
        case "object" if "additionalProperties" in field:
            return f"map of {_type(field['additionalProperties'])}"
        case "string" if field.get("format") == "date-time":
            return "time"
        case plain:
            return str(plain)


def _default(field: Schema) -> str:
    match field.get("default"):
        case None:
            return ""
        case dict() as parts if parts.keys() & _defaulted(field):
            return "see below"
        case dict() | list() as parts:
            return f"`{json.dumps(parts)}`" if parts else "empty"
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case str() as text:
            return f'`"{text}"`'
        case plain:
            return f"`{plain}`"


def _defaulted(field: Schema) -> set[str]:
    return {name for name, inner in field.get("properties", {}).items() if "default" in inner}


def _bounds(field: Schema) -> str:
    bounds = []
    if "minimum" in field:
        bounds.append(
            f"{field['minimum']} to {field['maximum']}" if "maximum" in field else f"{field['minimum']} or more"
        )
    for least, most, unit in (
        ("minItems", "maxItems", "items"),
        ("minProperties", "maxProperties", "entries"),
        ("minLength", "maxLength", "characters"),
    ):
        if most in field:
            least_text = f"{field[least]} to " if least in field else "up to "
            bounds.append(f"{least_text}{field[most]} {unit}")
    if "pattern" in field:
        bounds.append(f"`{_cell(field['pattern'])}`")
    return ", ".join(bounds)


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|")
