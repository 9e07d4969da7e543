"""Makes the test data of the health scripts anew: ``python -m manifests.argocd.capture``, about two minutes.

Every object comes from a real operator on a real API server (``scenes``). Its expected health is the first word of its
file's name: what a scene is called is decided by people, and not by what a script says. Names of scenes may follow.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_cluster.controlplane import run_control_plane
from aviary_crds.labels import GROUP

from manifests.argocd.scenes import SCENES, Shot
from manifests.argocd.stage import open_stage

CUSTOMIZATIONS: Final = Path(__file__).parent / "resource_customizations" / GROUP


def main(names: list[str]) -> int:
    """Play the scenes called ``names``, all when there are none, and write what they show."""
    unknown = sorted(set(names) - set(SCENES))
    if unknown:
        sys.stderr.write(f"no scene {', '.join(unknown)}; there are {', '.join(SCENES)}\n")
        return 2
    shots = asyncio.run(play_scenes(names or list(SCENES)))
    if not names:
        for folder in CUSTOMIZATIONS.glob("*/testdata"):
            shutil.rmtree(folder)
    for shot in shots:
        sys.stdout.write(f"wrote {write_shot(shot)}\n")
    for kind in sorted({shot.obj["kind"] for shot in shots}):
        write_cases(kind, [shot for shot in shots if shot.obj["kind"] == kind], keep=bool(names))
    return 0


async def play_scenes(names: Iterable[str]) -> list[Shot]:
    """Play scenes one after another, each in a namespace of its own, and return what they show."""
    shots: list[Shot] = []
    with tempfile.TemporaryDirectory() as folder, run_control_plane() as plane:
        for number, name in enumerate(names):
            evidence = Path(folder) / name
            async with open_stage(plane, f"desk-{name}", number=number, evidence=evidence) as stage:
                shots += [shot async for shot in SCENES[name](stage)]
    return shots


def write_shot(shot: Shot) -> Path:
    """Write the object as a test file, without what only server-side apply needs."""
    obj = {
        **shot.obj,
        "metadata": {key: value for key, value in shot.obj["metadata"].items() if key != "managedFields"},
    }
    path = CUSTOMIZATIONS / str(obj["kind"]) / "testdata" / f"{shot.name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(obj, sort_keys=False, width=1000, allow_unicode=True), encoding="utf-8")
    return path


def write_cases(kind: str, shots: Iterable[Shot], *, keep: bool) -> None:
    """Write ``health_test.yaml``; ``keep`` the cases that are not among the shots."""
    path = CUSTOMIZATIONS / kind / "health_test.yaml"
    cases: dict[str, dict[str, Any]] = {}
    if keep and path.exists():
        cases = {case["inputPath"]: case for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]}
    for shot in shots:
        file, health = f"testdata/{shot.name}.yaml", shot.name.split("_")[0].capitalize()
        cases[file] = {"healthStatus": {"status": health, "message": shot.message}, "inputPath": file}
    tests = [cases[file] for file in sorted(cases)]
    path.write_text(yaml.safe_dump({"tests": tests}, sort_keys=False, width=110, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
