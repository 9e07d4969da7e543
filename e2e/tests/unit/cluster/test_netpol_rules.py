"""NetworkPolicies as nftables rules: golden text, and a table of what a policy selects."""

from typing import Any

import pytest
from aviary_cluster.netpol_rules import read_cluster_view, render_rules, selector_matches


def pod(name: str, address: str, *, node: str = "node1", namespace: str = "desk", **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}] if name == "web" else []
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": ports}], **spec},
        "status": {"podIP": address, "phase": "Running"},
    }


def policy(spec: dict[str, Any], namespace: str = "desk") -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": namespace}, "spec": spec}


NAMESPACES = [{"metadata": {"name": name, "labels": {"name": name}}} for name in ("desk", "other", "kube-system")]
PODS = [
    pod("web", "10.78.1.5"),
    pod("bot", "10.78.1.6"),
    pod("bot", "10.78.2.6", node="node2"),
    pod("stranger", "10.78.1.7", namespace="other"),
    pod("dns", "10.78.2.9", node="node2", namespace="kube-system"),
    pod("host", "10.77.0.2", hostNetwork=True),
]


def rules(*specs: dict[str, Any], node: str = "node1") -> str:
    return render_rules(read_cluster_view(PODS, NAMESPACES, [policy(spec) for spec in specs]), node)


def chain(text: str, name: str) -> list[str]:
    lines = text.splitlines()
    begin = lines.index(f"  chain {name} {{")
    return [line.strip() for line in lines[begin + 1 : lines.index("  }", begin)]]


def test_without_policies_everything_is_open() -> None:
    assert rules() == (
        "table ip aviary_netpol\n"
        "delete table ip aviary_netpol\n"
        "table ip aviary_netpol {\n"
        "  chain forward {\n"
        "    type filter hook forward priority -10;\n"
        "    ct state established,related accept\n"
        "  }\n"
        "  chain input {\n"
        "    type filter hook input priority -10;\n"
        "    ct state established,related accept\n"
        "  }\n"
        "}\n"
    )


def test_ingress_by_label_and_named_port_and_egress_to_dns_as_golden_text() -> None:
    web_from_bots = {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "bot"}}}], "ports": [{"port": "http"}]}],
    }
    dns = {
        "podSelector": {"matchLabels": {"app": "bot"}},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [{"namespaceSelector": {"matchLabels": {"name": "kube-system"}}}],
                "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
            }
        ],
    }
    assert rules(web_from_bots, dns) == (
        "table ip aviary_netpol\n"
        "delete table ip aviary_netpol\n"
        "table ip aviary_netpol {\n"
        "  chain ingress_10_78_1_5 {\n"
        "    ip saddr { 10.78.1.6, 10.78.2.6 } ip daddr 10.78.1.5 tcp dport 8080 return\n"
        "    counter drop\n"
        "  }\n"
        "  chain egress_10_78_1_6 {\n"
        "    ip daddr { 10.78.2.9 } tcp dport 53 return\n"
        "    ip daddr { 10.78.2.9 } udp dport 53 return\n"
        "    counter drop\n"
        "  }\n"
        "  chain forward {\n"
        "    type filter hook forward priority -10;\n"
        "    ct state established,related accept\n"
        "    ip saddr 10.78.1.6 jump egress_10_78_1_6\n"
        "    ip daddr 10.78.1.5 jump ingress_10_78_1_5\n"
        "  }\n"
        "  chain input {\n"
        "    type filter hook input priority -10;\n"
        "    ct state established,related accept\n"
        "    ip saddr 10.78.1.6 jump egress_10_78_1_6\n"
        "  }\n"
        "}\n"
    )


def test_a_node_has_rules_for_its_own_pods_only() -> None:
    text = rules({"podSelector": {}, "policyTypes": ["Ingress"]}, node="node2")
    assert "ingress_10_78_2_6" in text
    assert "ingress_10_78_1_5" not in text


def test_deny_all_drops_both_ways_and_spares_other_namespaces_and_host_pods() -> None:
    text = rules({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    for name in ("ingress_10_78_1_5", "egress_10_78_1_5", "ingress_10_78_1_6", "egress_10_78_1_6"):
        assert chain(text, name) == ["counter drop"]
    assert "10_78_1_7" not in text
    assert "10_77" not in text


WEB = {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param({}, ["return"], id="an empty rule allows all"),
        pytest.param({"ports": [{"port": 80}]}, ["tcp dport 80 return"], id="a port without a peer"),
        pytest.param(
            {"ports": [{"port": 8000, "endPort": 8010, "protocol": "UDP"}]},
            ["udp dport 8000-8010 return"],
            id="a range of ports",
        ),
        pytest.param({"ports": [{"protocol": "SCTP"}]}, ["meta l4proto sctp return"], id="a protocol alone"),
        pytest.param({"ports": [{"port": "nothing"}]}, [], id="a port name nobody has allows nothing"),
        pytest.param(
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.78.0.0/16"]}}]},
            ["ip saddr 10.0.0.0/8 ip saddr != { 10.78.0.0/16 } return"],
            id="a block with an exception",
        ),
        pytest.param(
            {"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "stranger"}}}]},
            ["ip saddr { 10.78.1.7 } return"],
            id="both selectors in one peer are joined by and",
        ),
        pytest.param(
            {"from": [{"podSelector": {"matchLabels": {"app": "stranger"}}}]},
            [],
            id="a pod selector alone looks in its own namespace",
        ),
        pytest.param(
            {"from": [{"namespaceSelector": {"matchLabels": {"name": "other"}}}, {"podSelector": WEB}]},
            ["ip saddr { 10.78.1.5 } return", "ip saddr { 10.78.1.7 } return"],
            id="peers of a list are joined by or",
        ),
    ],
)
def test_ingress_rule(rule: dict[str, Any], expected: list[str]) -> None:
    text = rules({"podSelector": WEB, "policyTypes": ["Ingress"], "ingress": [rule]})
    assert chain(text, "ingress_10_78_1_5") == [*expected, "counter drop"]


def test_policies_for_one_pod_add_up() -> None:
    first = {"podSelector": WEB, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 1}]}]}
    second = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": 2}]}]}
    assert chain(rules(first, second), "ingress_10_78_1_5") == [
        "tcp dport 1 return",
        "tcp dport 2 return",
        "counter drop",
    ]


@pytest.mark.parametrize(
    ("spec", "directions"),
    [
        ({"podSelector": WEB}, {"ingress"}),
        ({"podSelector": WEB, "egress": [{}]}, {"ingress", "egress"}),
        ({"podSelector": WEB, "policyTypes": ["Egress"]}, {"egress"}),
    ],
)
def test_directions_follow_policy_types_or_their_default(spec: dict[str, Any], directions: set[str]) -> None:
    text = rules(spec)
    assert {d for d in ("ingress", "egress") if f"chain {d}_10_78_1_5" in text} == directions


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "In", "values": ["2"]}, False),
        ({"key": "b", "operator": "In", "values": ["1"]}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),  # codespell:ignore notin
        ({"key": "b", "operator": "NotIn", "values": ["1"]}, True),  # codespell:ignore notin
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "Exists"}, False),
        ({"key": "a", "operator": "DoesNotExist"}, False),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Unheard"}, False),
    ],
)
def test_selector_expression(expression: dict[str, Any], *, matches: bool) -> None:
    assert selector_matches({"matchExpressions": [expression]}, {"a": "1"}) == matches


def test_ended_pods_and_pods_without_address_have_no_rules() -> None:
    ended = pod("web", "10.78.1.5") | {"status": {"podIP": "10.78.1.5", "phase": "Succeeded"}}
    pending = pod("web", "") | {"status": {"phase": "Pending"}}
    assert read_cluster_view([ended, pending], NAMESPACES, []).pods == ()
