"""Making a bare set of Linux namespaces look like a machine of its own: mounts, kernel settings, network.

Runs inside the namespaces that `unshare` made, before anything else there. The rest of the machine sees none of
it, and all of it goes when the namespaces go.
"""

import socket
import subprocess
import time
from pathlib import Path

from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.errors import ClusterTimeoutError
from aviary_cluster.node_config import CNI_CONF, render_cni_config
from aviary_cluster.node_spec import NodeSpec

COVERED = (Path("/run"), Path("/var/log"), Path("/var/lib"), Path("/proc"), Path("/sys"))
"""Folders a node has of its own, so nothing it needs from this machine may lie there."""

# The kubelet insists on these, and would set them for the whole machine: it is shown files that already say so.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
_CABLE_SECONDS = 20.0


def apply_machine(spec: NodeSpec) -> None:
    """Set up mounts, host name and network; returns when the node can reach this machine's bridge."""
    plan = AddressPlan(spec.slot)
    socket.sethostname(plan.node_name(spec.node))
    _mount_private_system(Path(spec.folder))
    _write_etc(spec, plan)
    # Pods need volumes that spread into their namespaces.
    _run("mount", "--make-rshared", "/")
    _connect(spec, plan)


def apply_private_mounts() -> None:
    """Only what `containerd` and `ctr` need: own /proc and /run (used to tidy an image store)."""
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "proc", "proc", "/proc")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")


def _mount_private_system(folder: Path) -> None:
    apply_private_mounts()
    # This machine's kernel settings stay as they are; only this network namespace's own can be written.
    _run("mount", "--bind", "/proc/sys", "/proc/sys")
    _run("mount", "--bind", "/proc/sys/net", "/proc/sys/net")
    _run("mount", "-o", "remount,ro,bind", "/proc/sys")
    for setting, value in _KERNEL_SETTINGS.items():
        shown = Path("/run") / f"shown.{setting.replace('/', '.')}"
        shown.write_text(f"{value}\n")
        if Path("/proc/sys", setting).exists():
            _run("mount", "--bind", str(shown), f"/proc/sys/{setting}")
    for name in ("lock", "netns", "groups"):
        Path("/run", name).mkdir()
    for source, target in (("log", "/var/log"), ("lib", "/var/lib")):
        (folder / source).mkdir(parents=True, exist_ok=True)
        _run("mount", "--bind", str(folder / source), target)
    _run("mount", "--rbind", "/sys/fs/cgroup", "/run/groups")
    _run("mount", "-t", "sysfs", "sysfs", "/sys")
    _run("mount", "--move", "/run/groups", "/sys/fs/cgroup")
    upper, work = folder / "etc" / "upper", folder / "etc" / "work"
    for part in (upper, work):
        part.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "overlay", "-o", f"lowerdir=/etc,upperdir={upper},workdir={work}", "overlay", "/etc")


def _write_etc(spec: NodeSpec, plan: AddressPlan) -> None:
    name, address = plan.node_name(spec.node), plan.node_address(spec.node)
    # Whatever CNI configuration this machine has is not this node's.
    conf = Path(CNI_CONF)
    if conf.is_dir():
        for entry in conf.iterdir():
            entry.unlink()
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "10-aviary.conflist").write_text(render_cni_config(spec))
    resolver = Path("/etc/resolv.conf")
    # Often a link into /run, which is empty here.
    resolver.unlink(missing_ok=True)
    resolver.write_text(f"nameserver {plan.dns_address}\n")
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{address} {name}\n")


def _connect(spec: NodeSpec, plan: AddressPlan) -> None:
    cable = plan.node_link(spec.node)
    deadline = time.monotonic() + _CABLE_SECONDS
    while not Path("/sys/class/net", cable).exists():
        if time.monotonic() > deadline:
            raise ClusterTimeoutError(f"the link {cable} was not moved into node {spec.node} within {_CABLE_SECONDS} s")
        time.sleep(0.02)
    prefix = plan.node_network.prefixlen
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "set", cable, "name", "eth0")
    _run("ip", "addr", "add", f"{plan.node_address(spec.node)}/{prefix}", "dev", "eth0")
    _run("ip", "link", "set", "eth0", "up")
    _run("ip", "route", "add", "default", "via", str(plan.host_address))
    for other in range(1, spec.nodes + 1):
        if other != spec.node:
            _run("ip", "route", "add", str(plan.node_pod_network(other)), "via", str(plan.node_address(other)))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Pods of one node talk through its bridge; only with this do the filters see that traffic.
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
