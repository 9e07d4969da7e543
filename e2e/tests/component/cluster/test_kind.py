"""The kind provider types what a kind user would; a stand-in for `kind` writes it down."""

import json
import os
from pathlib import Path

import pytest
import yaml
from aviary_cluster.errors import ClusterError
from aviary_cluster.folders import ASSETS
from aviary_cluster.kind import KindCluster, render_kind_config

# Remembers its clusters in a file, like the real one in its engine, and writes the kubeconfig it is asked for.
STAND_IN = """#!/usr/bin/env python3
import json, os, pathlib, sys
home = pathlib.Path(os.environ["KIND_STAND_IN"])
arguments = sys.argv[1:]
with (home / "calls").open("a") as calls:
    calls.write(json.dumps({"arguments": arguments, "provider": os.environ.get("KIND_EXPERIMENTAL_PROVIDER")}) + "\\n")
options = dict(zip(arguments, arguments[1:]))
clusters = home / "clusters"
known = set(clusters.read_text().split()) if clusters.exists() else set()
if arguments[:2] == ["get", "clusters"]:
    print("\\n".join(sorted(known)))
elif arguments[:2] == ["create", "cluster"]:
    (home / "config").write_text(pathlib.Path(options["--config"]).read_text())
    known.add(options["--name"])
elif arguments[:2] == ["delete", "cluster"]:
    known.discard(options["--name"])
elif arguments[:2] == ["load", "image-archive"] and not os.path.exists(arguments[2]):
    print("ERROR: no such file", file=sys.stderr)
    sys.exit(1)
if "--kubeconfig" in options and arguments[0] != "delete":
    pathlib.Path(options["--kubeconfig"]).write_text("kubeconfig of " + options["--name"])
clusters.write_text("\\n".join(known))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "kind"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KIND_STAND_IN", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def calls(home: Path) -> list[list[str]]:
    return [json.loads(line)["arguments"] for line in (home / "calls").read_text().splitlines()]


def test_up_creates_the_cluster_once_with_the_asked_nodes_and_a_kubeconfig_of_our_own(home: Path) -> None:
    cluster = KindCluster()
    cluster.up(nodes=3)
    cluster.up(nodes=3)
    created = [call for call in calls(home) if call[:2] == ["create", "cluster"]]
    assert len(created) == 1
    assert created[0][2:4] == ["--name", "aviary"]
    roles = [node["role"] for node in yaml.safe_load((home / "config").read_text())["nodes"]]
    assert roles == ["control-plane", "worker", "worker"]
    assert cluster.kubeconfig().read_text() == "kubeconfig of aviary"
    assert cluster.kubeconfig().is_relative_to(home / "state"), "the user's own kubeconfig is left alone"


def test_images_go_in_by_archive_and_a_refusal_is_passed_on(home: Path) -> None:
    cluster = KindCluster()
    archive = home / "bot.tar"
    archive.write_bytes(b"")
    cluster.load_image(archive)
    assert calls(home)[-1] == ["load", "image-archive", str(archive), "--name", "aviary"]
    with pytest.raises(ClusterError, match="no such file"):
        cluster.load_image(home / "none.tar")


def test_down_deletes_it_and_may_be_repeated(home: Path) -> None:
    cluster = KindCluster()
    cluster.up(nodes=1)
    cluster.down()
    cluster.down()
    assert not cluster.status().running
    with pytest.raises(ClusterError, match="not up"):
        cluster.kubeconfig()
    assert home.exists()


def test_podman_and_a_second_cluster_are_told_to_kind(home: Path) -> None:
    cluster = KindCluster(slot=2, engine_env={"KIND_EXPERIMENTAL_PROVIDER": "podman"})
    cluster.up(nodes=1)
    first = json.loads((home / "calls").read_text().splitlines()[0])
    assert first["provider"] == "podman"
    assert ["--name", "aviary-2"] in [call[2:4] for call in calls(home)]


def test_without_kind_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="`kind` is not on PATH"):
        KindCluster().status()


def test_config_keeps_what_the_file_says_beside_the_nodes() -> None:
    base = (ASSETS / "conf" / "kind.yaml").read_text()
    config = yaml.safe_load(render_kind_config(base, 1))
    assert config["kind"] == "Cluster"
    assert config["nodes"] == [{"role": "control-plane"}]
