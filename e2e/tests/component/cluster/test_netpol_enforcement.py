"""NetworkPolicies on a local cluster really stop and allow traffic, across two nodes."""

from collections.abc import Callable, Iterator

import pytest
from aviary_cluster.local import LocalCluster

from .conftest import Kubectl
from .test_local_cluster import answers, make_pod

WaitFor = Callable[..., None]

DENY_ALL = "{podSelector: {}, policyTypes: [Ingress, Egress]}"
WEB_FROM_CLIENT = """
{podSelector: {matchLabels: {app: web}},
 ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: http}]}]}
"""
CLIENT_TO_WEB = """
{podSelector: {matchLabels: {app: client}}, policyTypes: [Egress],
 egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 8080}]}]}
"""
DNS_OUT = """
{podSelector: {}, policyTypes: [Egress],
 egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}},
                 podSelector: {matchLabels: {k8s-app: kube-dns}}}],
           ports: [{port: 53, protocol: UDP}]}]}
"""


@pytest.fixture
def policy(kubectl: Kubectl) -> Iterator[Callable[[str, str], None]]:
    """Give a way to apply policies; all are removed afterwards."""

    def apply(name: str, spec: str) -> None:
        head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        kubectl.ok("apply", "-f", "-", stdin=f"{head}metadata: {{name: {name}}}\nspec: {spec.strip()}\n")

    yield apply
    kubectl.ok("delete", "networkpolicy", "--all")


@pytest.fixture(scope="module")
def web(kubectl: Kubectl, local_cluster: LocalCluster) -> str:
    """Give the address of a server on node 2, and make a client and a stranger on node 1."""
    del local_cluster
    for name in ("client", "stranger"):
        make_pod(kubectl, name, "node1")
    address = make_pod(kubectl, "web", "node2")
    kubectl.ok("expose", "pod", "web", "--name=web", "--port=80", "--target-port=8080")
    return address


def test_policies_stop_what_they_do_not_allow_and_allow_what_they_name(
    kubectl: Kubectl, web: str, policy: Callable[[str, str], None], wait_for: WaitFor
) -> None:
    assert answers(kubectl, "client", web)
    assert answers(kubectl, "stranger", web)

    policy("deny-all", DENY_ALL)
    wait_for(lambda: not answers(kubectl, "client", web), seconds=10, what="deny-all stops the client")
    assert not answers(kubectl, "stranger", web)

    policy("web-from-client", WEB_FROM_CLIENT)
    policy("client-to-web", CLIENT_TO_WEB)
    wait_for(lambda: answers(kubectl, "client", web), seconds=10, what="the client is allowed")
    assert not answers(kubectl, "stranger", web)
    assert not answers(kubectl, "client", "web.default.svc.cluster.local", 80), "DNS was not allowed yet"

    policy("dns-out", DNS_OUT)
    wait_for(lambda: answers(kubectl, "client", "web.default.svc.cluster.local", 80), seconds=15, what="DNS is allowed")
    assert not answers(kubectl, "stranger", "web.default.svc.cluster.local", 80)

    # The kubelet's probes and exec go on under deny-all: this all ran through exec.
    kubectl.ok("delete", "networkpolicy", "--all")
    wait_for(lambda: answers(kubectl, "stranger", web), seconds=10, what="without policies all is allowed again")


def test_egress_by_address_block_leaves_out_its_exceptions(
    kubectl: Kubectl, web: str, policy: Callable[[str, str], None], wait_for: WaitFor
) -> None:
    block = f"{{cidr: 10.78.0.0/16, except: [{web}/32]}}"
    policy("out", f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{ipBlock: {block}}}]}}]}}")
    wait_for(lambda: not answers(kubectl, "client", web), seconds=10, what="the excepted address is out of reach")
    stranger = str(kubectl.json("get", "pod", "stranger")["status"]["podIP"])
    assert answers(kubectl, "client", stranger), "the rest of the block is in reach"
