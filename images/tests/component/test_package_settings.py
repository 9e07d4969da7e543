"""The builder's package settings reach the build as they are, and paths of the machine do not."""

import os
import subprocess
import sys
from pathlib import Path

from images.tests.component.built_image import REPOSITORY

SECRET_INDEX = "https://user:it's $HOME@packages.example/simple"


def settings_for(folder: Path, environment: dict[str, str], home: Path) -> dict[str, str]:
    # this machine's own files must not speak here: /dev/null turns pip's off, an empty file takes the place of uv's
    (home / "uv.toml").touch()
    kept = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "UV_CONFIG_FILE": str(home / "uv.toml"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    command = [REPOSITORY / "images/package-settings.sh", sys._base_executable, folder]  # type: ignore[attr-defined]  # CPython
    subprocess.run(command, env=kept | environment, check=True)
    script = f". {folder}/settings; env -0"
    run = subprocess.run(["sh", "-ac", script], env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, check=True)
    pairs = [entry.split("=", 1) for entry in run.stdout.decode().split("\0") if entry]
    return {name: value for name, value in pairs if name.startswith(("PIP_", "UV_", "http"))}


def test_an_index_with_a_password_arrives_unchanged_for_pip_and_uv(tmp_path: Path) -> None:
    found = settings_for(tmp_path, {"PIP_INDEX_URL": SECRET_INDEX}, tmp_path)
    assert found == {"PIP_INDEX_URL": SECRET_INDEX, "UV_DEFAULT_INDEX": SECRET_INDEX}


def test_pips_own_file_counts_too(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    found = settings_for(tmp_path, {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}, tmp_path)
    assert found["PIP_INDEX_URL"] == found["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_uvs_own_settings_win_over_pips(tmp_path: Path) -> None:
    found = settings_for(
        tmp_path, {"PIP_INDEX_URL": "https://a.example", "UV_DEFAULT_INDEX": "https://b.example"}, tmp_path
    )
    assert found["UV_DEFAULT_INDEX"] == "https://b.example"


def test_folders_of_this_machine_stay_behind_and_proxies_pass(tmp_path: Path) -> None:
    found = settings_for(
        tmp_path, {"PIP_FIND_LINKS": "/some/wheels", "https_proxy": "http://proxy.example:3128"}, tmp_path
    )
    assert found == {"https_proxy": "http://proxy.example:3128"}


def test_certificates_and_files_are_private(tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("certificates")
    out = tmp_path / "out"
    out.mkdir()
    settings_for(out, {"SSL_CERT_FILE": str(bundle)}, tmp_path)
    assert (out / "ca").read_text() == "certificates"
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
