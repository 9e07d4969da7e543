"""The files that are made from the models and committed: CRDs, JSON schemas (a report's too), reference pages.

They are committed so that a review shows what a change of a model does to the API; ``make lint`` fails when they
are not what the models say.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, override

import yaml

from aviary_crds.crd import build_crd, build_json_schema
from aviary_crds.kinds import KINDS
from aviary_crds.labels import GROUP, VERSION
from aviary_crds.reference_page import render_reference_page
from aviary_crds.report_schema import build_report_schema

_HEADER: Final = "# Generated from the models in crds/src/aviary_crds. Do not edit: run make crds.\n"


def render_definitions() -> dict[Path, str]:
    """Return CRDs and JSON schemas by path below ``crds/generated``."""
    files: dict[Path, str] = {}
    for kind in KINDS:
        files[Path("crds") / f"{GROUP}_{kind.plural}.yaml"] = _HEADER + _yaml(build_crd(kind))
        files[Path("schemas") / f"{kind.kind.lower()}_{VERSION}.json"] = _json(build_json_schema(kind))
    files[Path("schemas") / "report_v1.json"] = _json(build_report_schema())
    return files


def render_reference() -> dict[Path, str]:
    """Return the reference pages by path below ``docs/reference``."""
    return {Path(f"{kind.kind.lower()}.md"): render_reference_page(kind) for kind in KINDS}


def write_files(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """Write ``files`` below ``folder``; return those that changed."""
    changed = find_drift(folder, files)
    for path in changed:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")
    return changed


def find_drift(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """Return the paths of ``files`` whose text below ``folder`` is missing or another one."""
    return [path for path, text in files.items() if _read(folder / path) != text]


def find_strangers(folder: Path, files: Mapping[Path, str]) -> list[Path]:
    """Return files below ``folder`` that no model makes any more."""
    if not folder.is_dir():
        return []
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return sorted(found - set(files))


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


class _PlainDumper(yaml.SafeDumper):
    """Writes shared parts out in full: anchors are for machines."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=116)
