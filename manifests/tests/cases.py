"""The health scripts and their cases, in the layout of Argo CD's ``resource_customizations``."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_crds.labels import GROUP

from manifests.tests.argo_lua import Health

ARGOCD: Final = Path(__file__).resolve().parents[1] / "argocd"
CUSTOMIZATIONS: Final = ARGOCD / "resource_customizations" / GROUP


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of a ``health_test.yaml``."""

    kind: str
    path: Path
    expected: Health

    @property
    def name(self) -> str:
        """Kind and file, such as ``TradingBot/healthy_paper``."""
        return f"{self.kind}/{self.path.stem}"

    def read(self) -> dict[str, Any]:
        """Return the object, the caller's own."""
        found: dict[str, Any] = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        return found


@cache
def read_script(kind: str) -> str:
    """Return the health script of a kind."""
    return (CUSTOMIZATIONS / kind / "health.lua").read_text(encoding="utf-8")


def find_cases() -> list[Case]:
    """Return every case of every kind."""
    cases = []
    for file in sorted(CUSTOMIZATIONS.glob("*/health_test.yaml")):
        for entry in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
            wanted = entry["healthStatus"]
            expected = Health(wanted["status"], wanted.get("message", ""))
            cases.append(Case(file.parent.name, file.parent / entry["inputPath"], expected))
    return cases
