"""Writes ``argocd-cm.yaml``, the patch that gives Argo CD the health scripts; with ``--check`` it only compares."""

import sys
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_crds.kinds import KINDS
from aviary_crds.labels import GROUP

FOLDER: Final = Path(__file__).parent
PATCH: Final = FOLDER / "argocd-cm.yaml"

_HEADER: Final = (
    "# Made from resource_customizations by: .venv/bin/python manifests/argocd/config_map.py\n"
    "# How to apply it, and what each health means: README.md beside it.\n"
)


class _Text(str):
    """Text that is written as a block, as a person would."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
)


def main(arguments: list[str]) -> int:
    """Write the patch, or compare it; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: manifests/argocd/config_map.py [--check]\n")
        return 2
    wanted = render_patch()
    if not arguments:
        PATCH.write_text(wanted, encoding="utf-8")
    elif not PATCH.exists() or PATCH.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"{PATCH} is not what the scripts say; run manifests/argocd/config_map.py\n")
        return 1
    return 0


def render_patch() -> str:
    """Return the ConfigMap with the script of every kind of the API.

    Raises:
        FileNotFoundError: when a kind has none.
    """
    scripts: dict[str, Any] = {}
    for kind in KINDS:
        path = FOLDER / "resource_customizations" / GROUP / kind.kind / "health.lua"
        scripts[f"resource.customizations.health.{GROUP}_{kind.kind}"] = _Text(path.read_text(encoding="utf-8"))
    labels = {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}
    patch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd", "labels": labels},
        "data": scripts,
    }
    return _HEADER + yaml.dump(patch, Dumper=_Dumper, sort_keys=False, width=1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
