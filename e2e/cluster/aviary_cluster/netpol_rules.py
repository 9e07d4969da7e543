"""NetworkPolicies as nftables rules: pure translation from API objects to text.

For tests only (see `netpol_enforcer_for_tests`): real clusters have an enforcer of their own.

Semantics as in the API reference of NetworkPolicy: a pod that any policy selects for a direction accepts in that
direction only what some policy's rule names; other pods accept everything; answers to accepted connections pass;
traffic between a pod and its own node always passes. IPv4; TCP, UDP and SCTP; numbers, ranges and named ports.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["Ingress", "Egress"]
Manifest = Mapping[str, Any]

TABLE = "aviary_netpol"


@dataclass(frozen=True)
class Pod:
    """What the rules need of a pod with an address of its own."""

    namespace: str
    address: str
    node: str
    labels: Mapping[str, str]
    named_ports: tuple[tuple[str, str, int], ...]
    """(name, protocol, number) of every named container port."""


@dataclass(frozen=True)
class ClusterView:
    """Everything the translation looks at."""

    pods: tuple[Pod, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    """Labels by name."""
    policies: tuple[Manifest, ...]


def read_cluster_view(
    pods: Iterable[Manifest], namespaces: Iterable[Manifest], policies: Iterable[Manifest]
) -> ClusterView:
    """Read lists of API objects; pods on the host's network or already ended have no address of their own."""
    return ClusterView(
        pods=tuple(_read_pod(pod) for pod in pods if _has_own_address(pod)),
        namespaces={ns["metadata"]["name"]: ns["metadata"].get("labels") or {} for ns in namespaces},
        policies=tuple(policies),
    )


def selector_matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; the empty one matches all, an unknown operator nothing."""
    exact = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exact and all(_expression_matches(e, labels) for e in selector.get("matchExpressions") or [])


def render_rules(view: ClusterView, node: str) -> str:
    """Return the complete nftables table for a node, replacing the one before in one transaction."""
    chains: list[str] = []
    egress_jumps: list[str] = []
    ingress_jumps: list[str] = []
    for pod in sorted((p for p in view.pods if p.node == node), key=lambda p: p.address):
        for direction, jumps, field in (("Egress", egress_jumps, "saddr"), ("Ingress", ingress_jumps, "daddr")):
            lines = _pod_chain(view, pod, direction)  # type: ignore[arg-type]  # the tuple above widens the literal
            if lines is not None:
                name = f"{direction.lower()}_{pod.address.replace('.', '_')}"
                chains.append(_chain(name, [*lines, "counter drop"]))
                jumps.append(f"ip {field} {pod.address} jump {name}")
    established = "ct state established,related accept"
    base = [
        # After address translation (priority -100), so that rules see pods and not Services.
        _chain("forward", ["type filter hook forward priority -10;", established, *egress_jumps, *ingress_jumps]),
        _chain("input", ["type filter hook input priority -10;", established, *egress_jumps]),
    ]
    body = "".join([*chains, *base])
    return f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{body}}}\n"


def _pod_chain(view: ClusterView, pod: Pod, direction: Direction) -> list[str] | None:
    """Return the pod's accepting rules, or None when no policy selects it for this direction."""
    policies = [policy for policy in view.policies if _selects(policy, pod, direction)]
    if not policies:
        return None
    rules: set[str] = set()
    for policy in policies:
        for rule in policy["spec"].get(direction.lower()) or []:
            rules |= set(_rule_lines(view, policy, rule, pod, direction))
    return sorted(rules)


def _selects(policy: Manifest, pod: Pod, direction: Direction) -> bool:
    spec = policy["spec"]
    # The API server fills policyTypes in; this is its rule for those written before it did.
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    same_namespace = policy["metadata"]["namespace"] == pod.namespace
    return same_namespace and direction in types and selector_matches(spec.get("podSelector") or {}, pod.labels)


def _rule_lines(view: ClusterView, policy: Manifest, rule: Manifest, pod: Pod, direction: Direction) -> Iterable[str]:
    field = "saddr" if direction == "Ingress" else "daddr"
    peers = rule.get("from" if direction == "Ingress" else "to")
    for match, targets in _peers(view, policy, peers, field):
        # A named port is looked up on the pod that is connected to.
        for port in _ports(rule.get("ports"), [pod] if direction == "Ingress" else targets):
            yield " ".join([*match, *port, "return"])


def _peers(
    view: ClusterView, policy: Manifest, peers: Sequence[Manifest] | None, field: str
) -> Iterable[tuple[list[str], Sequence[Pod]]]:
    if not peers:
        yield [], view.pods
        return
    for peer in peers:
        block = peer.get("ipBlock")
        if block is not None:
            excepted = block.get("except") or []
            match = [f"ip {field} {block['cidr']}"]
            match += [f"ip {field} != {{ {', '.join(excepted)} }}"] if excepted else []
            yield match, []
            continue
        pods = [pod for pod in view.pods if _is_peer(view, policy, peer, pod)]
        if pods:
            addresses = ", ".join(sorted({pod.address for pod in pods}))
            yield [f"ip {field} {{ {addresses} }}"], pods


def _is_peer(view: ClusterView, policy: Manifest, peer: Manifest, pod: Pod) -> bool:
    spaces = peer.get("namespaceSelector")
    if spaces is None:
        in_namespace = pod.namespace == policy["metadata"]["namespace"]
    else:
        in_namespace = selector_matches(spaces, view.namespaces.get(pod.namespace, {}))
    return in_namespace and selector_matches(peer.get("podSelector") or {}, pod.labels)


def _ports(ports: Sequence[Manifest] | None, targets: Sequence[Pod]) -> Iterable[list[str]]:
    if not ports:
        yield []
        return
    for entry in ports:
        protocol = entry.get("protocol", "TCP")
        port = entry.get("port")
        if port is None:
            yield [f"meta l4proto {protocol.lower()}"]
        elif isinstance(port, int):
            last = f"-{entry['endPort']}" if entry.get("endPort") else ""
            yield [f"{protocol.lower()} dport {port}{last}"]
        else:
            for target in targets:
                for name, named_protocol, number in target.named_ports:
                    if (name, named_protocol) == (port, protocol):
                        yield [f"ip daddr {target.address} {protocol.lower()} dport {number}"]


def _expression_matches(expression: Manifest, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":  # codespell:ignore notin
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _has_own_address(pod: Manifest) -> bool:
    status, spec = pod.get("status", {}), pod["spec"]
    ended = status.get("phase") in {"Succeeded", "Failed"}
    return bool(status.get("podIP")) and not spec.get("hostNetwork") and not ended


def _read_pod(pod: Manifest) -> Pod:
    containers = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]
    named = [
        (port["name"], port.get("protocol", "TCP"), port["containerPort"])
        for container in containers
        for port in container.get("ports") or []
        if port.get("name")
    ]
    return Pod(
        namespace=pod["metadata"]["namespace"],
        address=pod["status"]["podIP"],
        node=pod["spec"].get("nodeName", ""),
        labels=pod["metadata"].get("labels") or {},
        named_ports=tuple(named),
    )


def _chain(name: str, lines: Sequence[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"
