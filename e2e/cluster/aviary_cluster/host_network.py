"""The few things a `local` cluster puts into this machine's own network: one bridge, a cable per node, routes."""

import json
import shutil
import subprocess
from ipaddress import IPv4Network

from aviary_cluster.address_plan import MAX_NODES, AddressPlan, Route, find_collisions
from aviary_cluster.errors import ClusterError
from aviary_cluster.node_process import NodeProcess


def fetch_routes() -> list[Route]:
    """Return this machine's IPv4 routes; the default route as 0.0.0.0/0."""
    listed = json.loads(_ip("-json", "-4", "route", "show", "table", "all").stdout or "[]")
    return [
        Route(IPv4Network("0.0.0.0/0" if row["dst"] == "default" else row["dst"], strict=False), row.get("dev", "?"))
        for row in listed
        if row.get("type", "unicast") not in {"broadcast", "multicast"}
    ]


def apply_host_network(plan: AddressPlan, nodes: int) -> None:
    """Make the bridge and the routes by which this machine reaches pods and Services.

    Raises:
        ClusterError: an address range of the plan is in use on this machine already.
    """
    if shutil.which("ip") is None:
        raise ClusterError("`ip` is not on PATH: install iproute2 (needed by AVIARY_CLUSTER=local)")
    collisions = find_collisions(plan, fetch_routes())
    if collisions:
        raise ClusterError(
            f"the addresses of cluster slot {plan.slot} are taken on this machine: {'; '.join(collisions)}. "
            "Set AVIARY_CLUSTER_SLOT to another number (1 to 15), or use AVIARY_CLUSTER=kind or existing."
        )
    if _ip("link", "show", plan.bridge, check=False).returncode != 0:
        _ip("link", "add", plan.bridge, "type", "bridge")
    _ip("addr", "replace", f"{plan.host_address}/{plan.node_network.prefixlen}", "dev", plan.bridge)
    # Frames between nodes are none of this machine's packet filter's business.
    _ip("link", "set", plan.bridge, "up", "type", "bridge", "nf_call_iptables", "0", check=False)
    _ip("link", "set", plan.bridge, "up")
    _ip("route", "replace", str(plan.service_network), "via", str(plan.control_plane_address))
    for node in range(1, nodes + 1):
        _ip("route", "replace", str(plan.node_pod_network(node)), "via", str(plan.node_address(node)))


def connect_node(plan: AddressPlan, node: int, process: NodeProcess) -> None:
    """Plug the node's cable in: one end on the bridge, the other into the node."""
    near, far = plan.host_link(node), plan.node_link(node)
    _ip("link", "del", near, check=False)
    _ip("link", "add", near, "type", "veth", "peer", "name", far, "address", plan.node_mac(node))
    _ip("link", "set", near, "master", plan.bridge, "up")
    _ip("link", "set", far, "netns", str(process.init_pid))


def set_cable(plan: AddressPlan, node: int, *, plugged: bool) -> None:
    """Pull the node's cable out, or put it back."""
    _ip("link", "set", plan.host_link(node), "up" if plugged else "down")


def remove_host_network(plan: AddressPlan) -> None:
    """Remove cables, bridge and (with the bridge) routes; whatever of it there is."""
    for node in range(1, MAX_NODES + 1):
        _ip("link", "del", plan.host_link(node), check=False)
    _ip("link", "del", plan.bridge, check=False)


def _ip(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if check and run.returncode != 0:
        raise ClusterError(f"`ip {' '.join(arguments)}` failed: {run.stderr.strip()}")
    return run
