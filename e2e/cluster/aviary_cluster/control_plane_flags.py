"""The command lines of etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as pure functions.

The same lines serve the control plane alone (component tests) and the one inside a `local` cluster. Names of key
files are those `write_control_plane_pki` writes.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EtcdPlan:
    """Where one etcd listens and stores."""

    binary: Path
    data: Path
    pki: Path
    client_port: int
    peer_port: int
    metrics_port: int | None = None


@dataclass(frozen=True)
class ApiServerPlan:
    """Where one API server listens, and what it knows of its cluster."""

    binary: Path
    pki: Path
    etcd_port: int
    bind_address: str
    port: int
    service_network: str
    audit_policy: Path
    audit_log: Path
    admits_pods: bool
    """False without a controller manager: nothing makes the service accounts that pods would need."""


@dataclass(frozen=True)
class ControllersPlan:
    """What controller manager and scheduler need to know."""

    controller_manager: Path
    scheduler: Path
    pki: Path
    pod_network: str
    service_network: str
    node_grace_seconds: int


def build_etcd_command(plan: EtcdPlan) -> list[str]:
    """Return etcd's command line: TLS for clients, no fsync (safe against a dead process, not a dead machine)."""
    client = f"https://127.0.0.1:{plan.client_port}"
    peer = f"http://127.0.0.1:{plan.peer_port}"
    metrics = [] if plan.metrics_port is None else [f"--listen-metrics-urls=http://127.0.0.1:{plan.metrics_port}"]
    return [
        str(plan.binary),
        "--name=aviary",
        f"--data-dir={plan.data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=aviary={peer}",
        f"--cert-file={plan.pki}/etcd-server.crt",
        f"--key-file={plan.pki}/etcd-server.key",
        "--client-cert-auth",
        f"--trusted-ca-file={plan.pki}/etcd-ca.crt",
        *metrics,
        "--unsafe-no-fsync",
        "--quota-backend-bytes=536870912",
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    ]


def build_apiserver_command(plan: ApiServerPlan) -> list[str]:
    """Return kube-apiserver's command line: RBAC, node authorizer, audit log, aggregation layer."""
    pki = plan.pki
    return [
        str(plan.binary),
        f"--bind-address={plan.bind_address}",
        f"--secure-port={plan.port}",
        f"--advertise-address={plan.bind_address}",
        f"--etcd-servers=https://127.0.0.1:{plan.etcd_port}",
        f"--etcd-cafile={pki}/etcd-ca.crt",
        f"--etcd-certfile={pki}/etcd-client.crt",
        f"--etcd-keyfile={pki}/etcd-client.key",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        f"--service-cluster-ip-range={plan.service_network}",
        "--authorization-mode=Node,RBAC",
        "--anonymous-auth=true",
        "--allow-privileged=true",
        "--profiling=false",
        "--enable-aggregator-routing=true",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
        f"--audit-policy-file={plan.audit_policy}",
        f"--audit-log-path={plan.audit_log}",
        "--audit-log-maxsize=50",
        "--audit-log-maxbackup=1",
        *_admission(plan),
    ]


def build_controller_manager_command(plan: ControllersPlan) -> list[str]:
    """Return kube-controller-manager's command line.

    The client limits are raised since the default of 20 requests a second makes the forty service accounts of a
    new cluster so slowly that the first ReplicaSet comes 6 s late.
    """
    pki = plan.pki
    return [
        str(plan.controller_manager),
        *_kubeconfigs(pki / "controller-manager.kubeconfig"),
        f"--cluster-cidr={plan.pod_network}",
        "--allocate-node-cidrs=false",
        f"--service-cluster-ip-range={plan.service_network}",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--controllers=*",
        "--kube-api-qps=300",
        "--kube-api-burst=600",
        "--node-monitor-period=1s",
        f"--node-monitor-grace-period={plan.node_grace_seconds}s",
    ]


def build_scheduler_command(plan: ControllersPlan) -> list[str]:
    """Return kube-scheduler's command line."""
    return [str(plan.scheduler), *_kubeconfigs(plan.pki / "scheduler.kubeconfig")]


def _admission(plan: ApiServerPlan) -> list[str]:
    if plan.admits_pods:
        return ["--enable-admission-plugins=NodeRestriction"]
    # A loopback address may not stand in the Endpoints of the Service `kubernetes`: write none.
    return ["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"]


def _kubeconfigs(path: Path) -> list[str]:
    return [
        f"--kubeconfig={path}",
        f"--authentication-kubeconfig={path}",
        f"--authorization-kubeconfig={path}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--profiling=false",
    ]
