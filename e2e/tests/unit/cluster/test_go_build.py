"""Building from Go modules: the flags and what the cache key depends on."""

from pathlib import Path

import pytest
from aviary_cluster.go_build import build_cache_key, build_ldflags
from aviary_cluster.versions import Tool

KUBELET = Tool(name="kubelet", version="1.34.4", module="kubernetes", package="k8s.io/kubernetes/cmd/kubelet")
ETCD = Tool(name="etcd", version="3.6.16", module="etcd", package="go.etcd.io/etcd/server/v3")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module x\n")
    (tmp_path / "go.sum").write_text("")
    return tmp_path


def test_kubernetes_programs_are_stamped_with_their_version() -> None:
    flags = build_ldflags(KUBELET)
    assert "-X k8s.io/component-base/version.gitVersion=v1.34.4" in flags
    assert "-X k8s.io/component-base/version.gitMajor=1" in flags
    assert "-X k8s.io/component-base/version.gitMinor=34" in flags


def test_other_programs_are_only_stripped() -> None:
    assert build_ldflags(ETCD) == "-s -w"


def test_cache_key_changes_with_everything_a_build_depends_on(module: Path) -> None:
    keys = {build_cache_key(ETCD, module, "go1.26.8")}
    keys.add(build_cache_key(ETCD, module, "go1.27.0"))
    keys.add(build_cache_key(KUBELET, module, "go1.26.8"))
    keys.add(build_cache_key(KUBELET.model_copy(update={"version": "1.34.5"}), module, "go1.26.8"))
    (module / "go.sum").write_text("changed")
    keys.add(build_cache_key(ETCD, module, "go1.26.8"))
    (module / "main.go").write_text("package main")
    keys.add(build_cache_key(ETCD, module, "go1.26.8"))
    assert len(keys) == 6


def test_cache_key_does_not_change_with_other_files_or_times(module: Path) -> None:
    key = build_cache_key(ETCD, module, "go1.26.8")
    (module / "README.md").write_text("words")
    (module / "go.mod").touch()
    assert build_cache_key(ETCD, module, "go1.26.8") == key
