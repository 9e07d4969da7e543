"""Control groups for pods, on hosts with cgroup v1 (one hierarchy per controller) and v2 (one for all).

Version 2 follows the kernel's documentation (admin-guide/cgroup-v2); it was written on a version 1 host.
"""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_V1_CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")
_V2_CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")


def is_v2(root: Path = ROOT) -> bool:
    """Whether this machine has the unified hierarchy."""
    return (root / "cgroup.controllers").exists()


def create_groups(parts: tuple[str, ...], root: Path = ROOT) -> None:
    """Make a path of nested groups, usable by a kubelet, in every hierarchy there is."""
    if is_v2(root):
        _create_v2(parts, root)
        return
    for controller in _V1_CONTROLLERS:
        hierarchy = root / controller
        if not hierarchy.is_dir():
            continue
        for depth in range(1, len(parts) + 1):
            group = hierarchy.joinpath(*parts[:depth])
            group.mkdir(exist_ok=True)
            if controller == "cpuset":
                # A new cpuset has no processors and no memory, and no process may enter it until it has.
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (group / name).write_text((group.parent / name).read_text())


def remove_groups(name: str, root: Path = ROOT) -> list[Path]:
    """Remove a group and all below it in every hierarchy, deepest first; returns those still in use."""
    # Every hierarchy: with v1, runc also makes groups in a `unified` one that may be mounted beside them.
    tops = [root / name, *(hierarchy / name for hierarchy in root.iterdir())]
    left: list[Path] = []
    for top in tops:
        folders = [path for path in top.rglob("*") if path.is_dir()] if top.is_dir() else []
        for group in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            _remove(group, left)
        if top.is_dir():
            _remove(top, left)
    return left


def _create_v2(parts: tuple[str, ...], root: Path) -> None:
    available = set((root / "cgroup.controllers").read_text().split())
    wanted = " ".join(f"+{name}" for name in _V2_CONTROLLERS if name in available)
    group = root
    for part in parts:
        # A group's children get only the controllers that it hands down.
        (group / "cgroup.subtree_control").write_text(wanted)
        group = group / part
        group.mkdir(exist_ok=True)
    (group / "cgroup.subtree_control").write_text(wanted)


def _remove(group: Path, left: list[Path]) -> None:
    try:
        group.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        left.append(group)
