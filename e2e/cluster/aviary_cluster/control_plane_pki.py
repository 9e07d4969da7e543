"""The key files a control plane needs, written into one folder."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.pki import Authority, KeyPair, create_service_account_key, render_kubeconfig, write_private

ADMIN_USER = "kubernetes-admin"
ADMIN_GROUP = "system:masters"
_SERVICE_HOSTS = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class ClusterAuthority:
    """The authority of a running cluster, able to issue kubeconfigs for any user and groups."""

    authority: Authority
    server: str

    def client(self, user: str, groups: Sequence[str]) -> KeyPair:
        """Issue a client certificate for a user in these groups."""
        return self.authority.issue_client(user, groups, _now())

    def kubeconfig(self, user: str, groups: Sequence[str]) -> str:
        """Return a kubeconfig for a user in these groups."""
        return render_kubeconfig(self.server, self.authority.pem.certificate, user, self.client(user, groups))


def write_control_plane_pki(folder: Path, *, server: str, addresses: Sequence[str]) -> ClusterAuthority:
    """Write everything etcd, API server, controller manager and scheduler need, and `admin.kubeconfig`.

    `addresses` are the IP addresses the API server is reached by.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = _now()
    root, front, etcd = (Authority.create(name, now) for name in ("ca", "front-proxy-ca", "etcd-ca"))
    pairs = {
        "ca": root.pem,
        "front-proxy-ca": front.pem,
        "etcd-ca": etcd.pem,
        "apiserver": root.issue_server("kube-apiserver", now, hosts=_SERVICE_HOSTS, addresses=addresses),
        "apiserver-kubelet-client": root.issue_client("kube-apiserver-kubelet-client", [ADMIN_GROUP], now),
        "front-proxy-client": front.issue_client("front-proxy-client", [], now),
        "etcd-server": etcd.issue_server("etcd", now, hosts=["localhost"], addresses=["127.0.0.1"]),
        "etcd-client": etcd.issue_client("apiserver-etcd-client", [], now),
    }
    for name, pair in pairs.items():
        pair.write(folder, name)
    private, public = create_service_account_key()
    write_private(folder / "sa.key", private)
    write_private(folder / "sa.pub", public)
    cluster = ClusterAuthority(authority=root, server=server)
    for name, user, groups in (
        ("admin", ADMIN_USER, [ADMIN_GROUP]),
        ("controller-manager", "system:kube-controller-manager", []),
        ("scheduler", "system:kube-scheduler", []),
        ("kube-proxy", "system:kube-proxy", []),
    ):
        write_kubeconfig(folder / f"{name}.kubeconfig", cluster, user, groups)
    return cluster


def write_node_pki(folder: Path, cluster: ClusterAuthority, node: str, address: str) -> None:
    """Write a kubelet's serving certificate (with the address exec and logs are reached by) and kubeconfig."""
    user, groups = f"system:node:{node}", ["system:nodes"]
    serving = cluster.authority.issue_server(
        user, _now(), hosts=[node], addresses=[address, "127.0.0.1"], groups=groups
    )
    serving.write(folder, f"kubelet-server-{node}")
    write_kubeconfig(folder / f"kubelet-{node}.kubeconfig", cluster, user, groups)


def write_kubeconfig(path: Path, cluster: ClusterAuthority, user: str, groups: Sequence[str]) -> Path:
    """Write a user's kubeconfig, readable by its owner only, and return its path."""
    write_private(path, cluster.kubeconfig(user, groups).encode())
    return path


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
