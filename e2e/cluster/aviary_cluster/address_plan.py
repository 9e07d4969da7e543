"""Every address, port and name a `local` cluster takes on this machine: the one place that knows them.

A slot (0 to 15, `AVIARY_CLUSTER_SLOT`, default 0) gives a second cluster its own: bridge, cgroup, links and
networks differ, so that two may run side by side. Node networks are 10.77.<slot>.0/24, pods 10.78.<16*slot+n>.0/24,
Services 10.79.<slot>.0/24. Ports inside a node's network namespace are the usual ones and touch nothing outside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

MAX_NODES = 3
MAX_SLOT = 15
API_PORT = 6443
ETCD_CLIENT_PORT = 2379
ETCD_PEER_PORT = 2380
ETCD_METRICS_PORT = 2381


@dataclass(frozen=True)
class AddressPlan:
    """The addresses and names of the cluster in one slot."""

    slot: int

    def __post_init__(self) -> None:
        if not 0 <= self.slot <= MAX_SLOT:
            raise ValueError(f"AVIARY_CLUSTER_SLOT must be 0 to {MAX_SLOT}, not {self.slot}")

    @property
    def bridge(self) -> str:
        """The bridge on this machine that joins the nodes."""
        return f"aviary{self.slot}"

    @property
    def cgroup(self) -> str:
        """The control group above all pods, from the root of every hierarchy."""
        return f"aviary{self.slot}"

    @property
    def node_network(self) -> IPv4Network:
        """This machine's and the nodes' addresses."""
        return IPv4Network(f"10.77.{self.slot}.0/24")

    @property
    def host_address(self) -> IPv4Address:
        """This machine on the bridge."""
        return self.node_network[1]

    @property
    def control_plane_address(self) -> IPv4Address:
        """Where the API server listens: node 1, not loopback, which Endpoints may not hold."""
        return self.node_address(1)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.control_plane_address}:{API_PORT}"

    @property
    def pod_network(self) -> IPv4Network:
        """All pods of this cluster."""
        return IPv4Network(f"10.78.{16 * self.slot}.0/20")

    @property
    def service_network(self) -> IPv4Network:
        """All Services of this cluster."""
        return IPv4Network(f"10.79.{self.slot}.0/24")

    @property
    def api_service_address(self) -> IPv4Address:
        """The Service `kubernetes`: always the first of the network."""
        return self.service_network[1]

    @property
    def dns_address(self) -> IPv4Address:
        """The Service `kube-dns`."""
        return self.service_network[10]

    def node_name(self, node: int) -> str:
        """The name of node 1, 2 or 3."""
        return f"node{node}"

    def node_address(self, node: int) -> IPv4Address:
        """The address of a node."""
        return self.node_network[1 + node]

    def node_pod_network(self, node: int) -> IPv4Network:
        """The addresses of a node's pods."""
        return list(self.pod_network.subnets(new_prefix=24))[node]

    def host_link(self, node: int) -> str:
        """This machine's end of the node's cable."""
        return f"aviary{self.slot}h{node}"

    def node_link(self, node: int) -> str:
        """The node's end of its cable, until the node renames it eth0."""
        return f"aviary{self.slot}n{node}"

    def node_mac(self, node: int) -> str:
        """The node's hardware address (locally administered): the same after a restart.

        Else its neighbours go on sending to the old one for half a minute.
        """
        return f"0a:77:00:00:{self.slot:02x}:{node:02x}"

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """Everything this plan claims."""
        return (self.node_network, self.pod_network, self.service_network)


@dataclass(frozen=True)
class Route:
    """One route of this machine."""

    destination: IPv4Network
    device: str


def find_collisions(plan: AddressPlan, routes: Iterable[Route]) -> list[str]:
    """Name every route that overlaps the plan and does not belong to it; the default route never does."""
    return [
        f"{network} overlaps the route {route.destination} on {route.device}"
        for network in plan.networks
        for route in routes
        if route.device != plan.bridge and route.destination.prefixlen > 0 and network.overlaps(route.destination)
    ]
