import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from aviary_crds.__main__ import main
from aviary_crds.generated_files import (
    find_drift,
    find_strangers,
    render_definitions,
    render_reference,
    write_files,
)
from aviary_crds.kinds import KINDS

_REPOSITORY = Path(__file__).parents[3]


def test_committed_definitions_are_what_the_models_say() -> None:
    files = render_definitions()
    folder = _REPOSITORY / "crds" / "generated"
    assert len(files) == 2 * len(KINDS) + 1, "a CRD and a schema of each kind, and the schema of a report"
    assert (find_drift(folder, files), find_strangers(folder, files)) == ([], [])


def test_committed_reference_is_what_the_models_say() -> None:
    assert find_drift(_REPOSITORY / "docs" / "reference", render_reference()) == []


def test_definitions_say_that_they_are_generated_and_how() -> None:
    for path, text in render_definitions().items():
        if path.suffix == ".yaml":
            first = text.splitlines()[0]
            assert first.startswith("# Generated")
            assert "make crds" in first
            assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_output_does_not_depend_on_the_order_of_hashes(seed: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aviary_crds", "generate", "--folder", str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.DEVNULL)
    assert find_drift(tmp_path, render_definitions()) == []


def test_writing_touches_only_what_changed(tmp_path: Path) -> None:
    files = {Path("a") / "one.yaml": "one\n", Path("two.yaml"): "two\n"}
    assert write_files(tmp_path, files) == list(files)
    assert write_files(tmp_path, files) == []
    (tmp_path / "two.yaml").write_text("edited\n", encoding="utf-8")
    assert write_files(tmp_path, files) == [Path("two.yaml")]


def test_check_names_the_file_and_the_remedy_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--folder", str(tmp_path)]) == 0
    edited = tmp_path / "crds" / "aviary.trading_tradingbots.yaml"
    edited.write_text("edited\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["generate", "--check", "--folder", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert str(edited) in told
    assert "make crds" in told
    assert edited.read_text(encoding="utf-8") == "edited\n"


def test_check_finds_a_file_that_no_model_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--folder", str(tmp_path)]) == 0
    assert main(["generate", "--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "crds" / "aviary.trading_oldkinds.yaml").write_text("old\n", encoding="utf-8")
    assert main(["generate", "--check", "--folder", str(tmp_path)]) == 1
    assert "aviary.trading_oldkinds.yaml" in capsys.readouterr().err


def test_check_of_the_reference_fails_when_a_page_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["docs", "--check", "--folder", str(tmp_path)]) == 1
    assert "make docs" in capsys.readouterr().err
    assert main(["docs", "--folder", str(tmp_path)]) == 0
    assert main(["docs", "--check", "--folder", str(tmp_path)]) == 0
