"""The address plan: one place for every address and name, and no two clusters sharing any."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from aviary_cluster.address_plan import MAX_NODES, MAX_SLOT, AddressPlan, Route, find_collisions

SLOTS = range(MAX_SLOT + 1)


def test_slot_zero_has_the_documented_addresses() -> None:
    plan = AddressPlan(0)
    assert str(plan.host_address) == "10.77.0.1"
    assert [str(plan.node_address(n)) for n in (1, 2, 3)] == ["10.77.0.2", "10.77.0.3", "10.77.0.4"]
    assert [str(plan.node_pod_network(n)) for n in (1, 2, 3)] == ["10.78.1.0/24", "10.78.2.0/24", "10.78.3.0/24"]
    assert str(plan.service_network) == "10.79.0.0/24"
    assert str(plan.api_service_address) == "10.79.0.1"
    assert str(plan.dns_address) == "10.79.0.10"
    assert plan.server == "https://10.77.0.2:6443"


def test_no_two_slots_share_a_network_or_a_name() -> None:
    for one, other in combinations(map(AddressPlan, SLOTS), 2):
        assert not any(a.overlaps(b) for a in one.networks for b in other.networks)
        assert one.bridge != other.bridge
        assert one.cgroup != other.cgroup


@pytest.mark.parametrize("slot", SLOTS)
def test_networks_of_a_plan_do_not_overlap_and_nodes_lie_in_the_pod_network(slot: int) -> None:
    plan = AddressPlan(slot)
    assert not any(a.overlaps(b) for a, b in combinations(plan.networks, 2))
    nodes = range(1, MAX_NODES + 1)
    assert all(plan.node_pod_network(n).subnet_of(plan.pod_network) for n in nodes)
    assert len({plan.node_mac(n) for n in nodes}) == MAX_NODES


@pytest.mark.parametrize("slot", SLOTS)
def test_link_names_fit_the_kernels_fifteen_characters_and_differ(slot: int) -> None:
    plan = AddressPlan(slot)
    names = [plan.bridge, *(name for n in (1, 2, 3) for name in (plan.host_link(n), plan.node_link(n)))]
    assert all(len(name) <= 15 for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("slot", [-1, MAX_SLOT + 1])
def test_slots_out_of_range_are_refused_by_the_variable_s_name(slot: int) -> None:
    with pytest.raises(ValueError, match="AVIARY_CLUSTER_SLOT"):
        AddressPlan(slot)


@pytest.mark.parametrize(
    ("destination", "device", "collides"),
    [
        ("0.0.0.0/0", "eth0", False),
        ("192.168.1.0/24", "eth0", False),
        ("10.0.0.0/8", "vpn0", True),
        ("10.77.0.0/24", "eth1", True),
        ("10.77.0.0/24", "aviary0", False),
        ("10.78.2.128/25", "docker0", True),
        ("10.79.0.77/32", "lo", True),
        ("10.79.1.0/24", "aviary1", False),
    ],
)
def test_a_route_collides_when_it_overlaps_and_is_not_our_own(destination: str, device: str, *, collides: bool) -> None:
    found = find_collisions(AddressPlan(0), [Route(IPv4Network(destination), device)])
    assert bool(found) == collides
    assert all(destination in text and device in text for text in found)
