"""Manifests checked without a cluster, by the same models and in the same words as the API server."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, override

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aviary_crds.kinds import KINDS
from aviary_crds.labels import API_VERSION, GROUP

_SUFFIXES: Final = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a manifest.

    Attributes:
        source: file and document.
        field: path of the field as a person writes it, such as ``spec.market.leverage``; empty for the whole object.
        message: what is wrong and what to do.
    """

    source: str
    field: str
    message: str

    @override
    def __str__(self) -> str:
        return f"{self.source}: {self.field + ': ' if self.field else ''}{self.message}"


def find_manifests(paths: Iterable[Path]) -> list[Path]:
    """Return ``paths`` with each folder replaced by the YAML files in and below it, sorted."""
    found: list[Path] = []
    for path in paths:
        below = (inner for inner in path.rglob("*") if inner.suffix in _SUFFIXES and inner.is_file())
        found += sorted(below) if path.is_dir() else [path]
    return found


def check_manifests(paths: Sequence[Path]) -> tuple[int, list[Fault]]:
    """Return how many objects of this API ``paths`` hold, and everything that is wrong with them.

    Objects of other groups are passed over. A file that cannot be read is a fault.
    """
    checked = 0
    faults: list[Fault] = []
    for path in paths:
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            faults.append(Fault(source=str(path), field="", message=f"cannot be read as YAML: {_one_line(error)}"))
            continue
        for number, manifest in enumerate(documents, start=1):
            if isinstance(manifest, dict) and str(manifest.get("apiVersion", "")).startswith(f"{GROUP}/"):
                checked += 1
                faults += check_manifest(manifest, source=f"{path}#{number}")
    return checked, faults


def check_manifest(manifest: dict[str, Any], *, source: str) -> list[Fault]:
    """Return what is wrong with one object of this API; nothing when the API server would take it."""
    model = _find_model(manifest)
    if model is None:
        known = ", ".join(kind.kind for kind in KINDS)
        message = f"{manifest.get('apiVersion')} {manifest.get('kind')} is unknown; {API_VERSION} has {known}"
        return [Fault(source=source, field="kind", message=message)]
    try:
        # names of the wire only: the API server knows no snake_case
        model.model_validate(manifest, by_alias=True, by_name=False)
    except ValidationError as error:
        return list(_faults(error.errors(include_url=False), source))
    return []


def _find_model(manifest: dict[str, Any]) -> type[BaseModel] | None:
    if manifest.get("apiVersion") != API_VERSION:
        return None
    return next((kind.object_model for kind in KINDS if kind.kind == manifest.get("kind")), None)


def _faults(errors: Iterable[ErrorDetails], source: str) -> Iterator[Fault]:
    for error in errors:
        yield Fault(source=source, field=_path(error["loc"]), message=_words(error))


def _path(location: Iterable[int | str]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _words(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "unknown field; look for a typing error, or for the place it belongs to"
        case "missing":
            return "required, and not there; add it"
        case "rule_broken":
            return error["msg"]
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _:
            return f"{error['msg']}; got {error['input']!r}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
