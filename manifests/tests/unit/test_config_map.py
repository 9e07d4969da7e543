"""The patch for Argo CD's own settings holds the scripts as they are."""

from pathlib import Path

import pytest
import yaml
from aviary_crds.kinds import KINDS

from manifests.argocd import config_map
from manifests.tests.cases import read_script


def test_patch_is_up_to_date() -> None:
    assert config_map.PATCH.read_text(encoding="utf-8") == config_map.render_patch()
    assert config_map.main(["--check"]) == 0


def test_patch_names_every_kind_as_argo_cd_looks_it_up() -> None:
    data = yaml.safe_load(config_map.PATCH.read_text(encoding="utf-8"))["data"]
    assert data == {
        f"resource.customizations.health.aviary.trading_{kind.kind}": read_script(kind.kind) for kind in KINDS
    }


def test_patch_that_is_out_of_date_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config_map, "PATCH", tmp_path / "argocd-cm.yaml")
    assert config_map.main(["--check"]) == 1
    assert "run manifests/argocd/config_map.py" in capsys.readouterr().err
    assert config_map.main([]) == 0
    assert config_map.main(["--check"]) == 0
    config_map.PATCH.write_text(config_map.render_patch().replace("Degraded", "Healthy"), encoding="utf-8")
    assert config_map.main(["--check"]) == 1


def test_wrong_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert config_map.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err
