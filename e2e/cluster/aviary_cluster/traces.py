"""What a `local` cluster has on this machine, found by looking and not by remembering: empty when it is gone.

`down` ends with this look, so that "nothing is left behind" is checked every time and not only claimed.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.control_groups import ROOT
from aviary_cluster.host_network import fetch_routes

CLIENTS: Final = frozenset({"kubectl", "helm"})
"""Programs that people point at the cluster; they are theirs, and end by themselves when it is gone."""


def find_traces(plan: AddressPlan, state: Path) -> list[str]:
    """Name every process, mount, link, route, control group and file that belongs to the cluster."""
    return [
        *_processes(plan, state),
        *_mounts(state),
        *_links(plan),
        *(f"route {route.destination}" for route in fetch_routes() if route.device == plan.bridge),
        *(f"control group {path}" for path in _groups(plan)),
        *([f"folder {state}"] if state.exists() else []),
    ]


def _processes(plan: AddressPlan, state: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
            groups = (entry / "cgroup").read_text()
        except OSError:
            continue
        if Path(command.split(" ", 1)[0]).name in CLIENTS:
            continue
        # The folder is on the command line of a node and of its daemons; pods are in our control groups.
        if f"{state}/" in command or f"/{plan.cgroup}/" in groups:
            found.append(f"process {entry.name}: {command[:100]}")
    return found


def _mounts(state: Path) -> list[str]:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [f"mount {point}" for point in points if Path(point).is_relative_to(state)]


def _links(plan: AddressPlan) -> list[str]:
    listed = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout
    names = [row["ifname"] for row in json.loads(listed)]
    own = (plan.bridge, f"{plan.bridge}h", f"{plan.bridge}n")
    return [f"link {name}" for name in names if name == own[0] or name[:-1] in own[1:]]


def _groups(plan: AddressPlan) -> list[Path]:
    tops = [ROOT / plan.cgroup, *(hierarchy / plan.cgroup for hierarchy in ROOT.iterdir())]
    return [top for top in tops if top.is_dir()]
