"""What the operator of today writes still gets the health of the stored cases."""

from pathlib import Path

import pytest
from aviary_cluster.controlplane import ControlPlane

from manifests.argocd.scenes import SCENES
from manifests.argocd.stage import open_stage
from manifests.tests.argo_lua import Health, run_health
from manifests.tests.cases import find_cases, read_script
from manifests.tests.expected import EXPECTED
from manifests.tests.waiters import compute_kstatus

CASES = {case.name: case for case in find_cases()}


@pytest.mark.parametrize("number", range(len(SCENES)), ids=list(SCENES))
async def test_scene_has_the_health_of_its_cases(kube_apiserver: ControlPlane, tmp_path: Path, number: int) -> None:
    name, play = list(SCENES.items())[number]
    shown = []
    async with open_stage(kube_apiserver, f"scene-{name}", number=number, evidence=tmp_path / "evidence") as stage:
        async for shot in play(stage):
            kind = shot.obj["kind"]
            case = f"{kind}/{shot.name}"
            shown.append(case)
            assert run_health(read_script(kind), shot.obj) == Health(CASES[case].expected.status, shot.message), case
            assert compute_kstatus(shot.obj) == EXPECTED[case][0], case
    assert shown
