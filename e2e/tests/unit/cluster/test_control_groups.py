"""Control groups on both kinds of hosts, on a folder that looks like one."""

from pathlib import Path

import pytest
from aviary_cluster.control_groups import create_groups, is_v2, remove_groups


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller in ("cpu", "cpuset", "memory", "pids", "systemd", "unified"):
        (tmp_path / controller).mkdir()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")
    return tmp_path


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids\n")
    return tmp_path


def test_version_1_gets_groups_per_controller_with_processors_and_memory_handed_down(v1: Path) -> None:
    assert not is_v2(v1)
    create_groups(("aviary0", "node1"), v1)
    for controller in ("cpu", "cpuset", "memory", "pids", "systemd"):
        assert (v1 / controller / "aviary0" / "node1").is_dir()
    assert (v1 / "cpuset" / "aviary0" / "node1" / "cpuset.cpus").read_text() == "0-1\n"
    assert (v1 / "cpuset" / "aviary0" / "node1" / "cpuset.mems").read_text() == "0\n"
    assert not (v1 / "blkio").exists()


def test_version_2_hands_the_needed_controllers_down_at_every_level(v2: Path) -> None:
    assert is_v2(v2)
    create_groups(("aviary0", "node1"), v2)
    for group in (v2, v2 / "aviary0", v2 / "aviary0" / "node1"):
        assert (group / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +memory +pids"


def test_groups_are_removed_in_every_hierarchy_deepest_first(v1: Path) -> None:
    for hierarchy in ("memory", "unified"):
        (v1 / hierarchy / "aviary0" / "node1" / "kubepods" / "pod1").mkdir(parents=True)
        (v1 / hierarchy / "aviary1").mkdir()
    assert remove_groups("aviary0", v1) == []
    assert not list(v1.glob("*/aviary0"))
    assert len(list(v1.glob("*/aviary1"))) == 2, "another cluster's groups are not ours"


def test_groups_in_use_are_named(v1: Path) -> None:
    busy = v1 / "memory" / "aviary0" / "node1"
    busy.mkdir(parents=True)
    # A folder with a file cannot be removed, as a group with a process cannot.
    (busy / "tasks").write_text("1")
    assert busy in remove_groups("aviary0", v1)


def test_removing_what_is_not_there_is_fine(v1: Path) -> None:
    assert remove_groups("aviary0", v1) == []
