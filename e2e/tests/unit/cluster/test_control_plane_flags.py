"""The control plane's command lines: what a real cluster has and what component tests leave out."""

from pathlib import Path

import pytest
from aviary_cluster.control_plane_flags import (
    ApiServerPlan,
    ControllersPlan,
    EtcdPlan,
    build_apiserver_command,
    build_controller_manager_command,
    build_etcd_command,
    build_scheduler_command,
)


def apiserver(*, admits_pods: bool) -> list[str]:
    return build_apiserver_command(
        ApiServerPlan(
            binary=Path("/bin/kube-apiserver"),
            pki=Path("/pki"),
            etcd_port=2379,
            bind_address="10.77.0.2",
            port=6443,
            service_network="10.79.0.0/24",
            audit_policy=Path("/conf/audit.yaml"),
            audit_log=Path("/log/audit.log"),
            admits_pods=admits_pods,
        )
    )


def test_api_server_authorizes_by_role_and_node_and_writes_an_audit_log() -> None:
    command = apiserver(admits_pods=True)
    for flag in (
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--client-ca-file=/pki/ca.crt",
        "--audit-log-path=/log/audit.log",
        "--audit-policy-file=/conf/audit.yaml",
        "--service-cluster-ip-range=10.79.0.0/24",
    ):
        assert flag in command
    assert not [flag for flag in command if flag.startswith(("--disable-admission-plugins", "--insecure"))]


def test_api_server_alone_needs_no_service_accounts_and_writes_no_endpoints() -> None:
    command = apiserver(admits_pods=False)
    assert "--disable-admission-plugins=ServiceAccount" in command
    assert "--endpoint-reconciler-type=none" in command


@pytest.mark.parametrize("admits_pods", [True, False])
def test_no_flag_is_given_twice(*, admits_pods: bool) -> None:
    names = [flag.partition("=")[0] for flag in apiserver(admits_pods=admits_pods)]
    assert len(names) == len(set(names))


def test_etcd_listens_on_loopback_only_and_demands_client_certificates() -> None:
    plan = EtcdPlan(binary=Path("/bin/etcd"), data=Path("/data"), pki=Path("/pki"), client_port=1, peer_port=2)
    command = build_etcd_command(plan)
    addresses = [flag.partition("=")[2] for flag in command if "://" in flag]
    assert all("//127.0.0.1:" in address for address in addresses)
    assert "--client-cert-auth" in command
    assert not [flag for flag in command if flag.startswith("--listen-metrics-urls")]


def test_controllers_use_credentials_of_their_own_and_the_given_grace() -> None:
    plan = ControllersPlan(
        controller_manager=Path("/bin/kcm"),
        scheduler=Path("/bin/ks"),
        pki=Path("/pki"),
        pod_network="10.78.0.0/20",
        service_network="10.79.0.0/24",
        node_grace_seconds=8,
    )
    command = build_controller_manager_command(plan)
    assert "--use-service-account-credentials=true" in command
    assert "--node-monitor-grace-period=8s" in command
    assert "--kubeconfig=/pki/controller-manager.kubeconfig" in command
    assert "--kubeconfig=/pki/scheduler.kubeconfig" in build_scheduler_command(plan)
