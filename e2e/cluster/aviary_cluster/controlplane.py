"""A real control plane alone: etcd and kube-apiserver on 127.0.0.1, for component tests.

For everything the API server decides by itself: CRD schemas, CEL rules, defaults, server-side apply, RBAC,
ValidatingAdmissionPolicy, watches, audit. Ready in about 4 s. Ports are free ones, so several run at once
(pytest-xdist). No root needed.

Not in it: controller manager and scheduler. So nothing is garbage collected, a deleted Namespace stays
Terminating (make a new one per test), no `default` ServiceAccount appears, aggregated ClusterRoles (`view`, `edit`,
`admin`) stay empty, and objects like StatefulSets are stored but never acted on. The ServiceAccount admission
plugin is off, as in the Kubernetes project's own envtest.

    with run_control_plane(folder) as plane:
        plane.kubeconfig                                  # admin
        plane.kubeconfig_for("risk", ["desk:owners"])     # anybody else; RBAC decides what they may
"""

import socket
import ssl
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.api_probe import ApiProbe, probe_from_kubeconfig
from aviary_cluster.binaries import ensure_all
from aviary_cluster.control_plane_flags import (
    ApiServerPlan,
    EtcdPlan,
    build_apiserver_command,
    build_etcd_command,
)
from aviary_cluster.control_plane_pki import ClusterAuthority, write_control_plane_pki, write_kubeconfig
from aviary_cluster.daemon import Daemon, start_daemon
from aviary_cluster.errors import ClusterError, ClusterTimeoutError
from aviary_cluster.folders import ASSETS

_ADDRESS = "127.0.0.1"
_SERVICE_NETWORK = "10.96.0.0/24"
_READY_SECONDS = 60.0
_PORT_ATTEMPTS = 3


@dataclass(frozen=True)
class ControlPlane:
    """A running API server and who may talk to it."""

    server: str
    """URL of the API server."""
    folder: Path
    """Logs (`etcd.log`, `kube-apiserver.log`, `audit.log`), `pki/` and data; gone after the run."""
    kubeconfig: Path
    """The admin's (group system:masters) kubeconfig."""
    authority: ClusterAuthority
    probe: ApiProbe
    """Small GETs as the admin."""

    @property
    def ca_file(self) -> Path:
        """The PEM file that verifies the API server."""
        return self.folder / "pki" / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """The audit log, one JSON event a line."""
        return self.folder / "audit.log"

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Write a kubeconfig for a user with a client certificate of this cluster; RBAC says what they may."""
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in "-".join([user, *groups]))
        return write_kubeconfig(self.folder / f"user-{safe}.kubeconfig", self.authority, user, groups)

    def ssl_context_for(self, user: str, groups: Sequence[str] = ()) -> ssl.SSLContext:
        """Return an SSL context with which aiohttp, httpx or urllib act as that user."""
        return probe_from_kubeconfig(self.kubeconfig_for(user, groups)).context


class _PortTakenError(Exception):
    """A port found free was taken before the server could bind it."""


@contextmanager
def run_control_plane(folder: Path | None = None) -> Iterator[ControlPlane]:
    """Run etcd and kube-apiserver until the block ends; they also end when this process dies.

    Args:
        folder: an empty folder to work in; a temporary one when None.

    Raises:
        ToolUnavailableError: the programs can be neither found, downloaded nor built.
        ClusterTimeoutError: not ready within 60 s; the message ends with the log.
    """
    tools = ensure_all(("etcd", "kube-apiserver"))
    with tempfile.TemporaryDirectory(prefix="aviary-controlplane-", dir=folder) as name:
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            run = Path(name) / str(attempt)
            run.mkdir()
            daemons: list[Daemon] = []
            try:
                plane = _start(run, tools["etcd"], tools["kube-apiserver"], daemons)
            except _PortTakenError as error:
                _stop(daemons)
                if attempt == _PORT_ATTEMPTS:
                    raise ClusterError(f"no free ports on {_ADDRESS} after {attempt} attempts: {error}") from error
                continue
            except BaseException:
                _stop(daemons)
                raise
            try:
                yield plane
            finally:
                _stop(daemons)
            return


def _start(run: Path, etcd: Path, apiserver: Path, daemons: list[Daemon]) -> ControlPlane:
    port, etcd_port, peer_port = _free_ports(3)
    pki = run / "pki"
    server = f"https://{_ADDRESS}:{port}"
    authority = write_control_plane_pki(pki, server=server, addresses=[_ADDRESS])
    commands = {
        "etcd": build_etcd_command(
            EtcdPlan(binary=etcd, data=run / "etcd", pki=pki, client_port=etcd_port, peer_port=peer_port)
        ),
        "kube-apiserver": build_apiserver_command(
            ApiServerPlan(
                binary=apiserver,
                pki=pki,
                etcd_port=etcd_port,
                bind_address=_ADDRESS,
                port=port,
                service_network=_SERVICE_NETWORK,
                audit_policy=ASSETS / "conf" / "audit-policy.yaml",
                audit_log=run / "audit.log",
                admits_pods=False,
            )
        ),
    }
    for name, command in commands.items():
        daemons.append(start_daemon(name, command, run / f"{name}.log", dies_with_parent=True))
    kubeconfig = pki / "admin.kubeconfig"
    probe = probe_from_kubeconfig(kubeconfig)
    _wait_ready(probe, daemons)
    return ControlPlane(server=server, folder=run, kubeconfig=kubeconfig, authority=authority, probe=probe)


def _wait_ready(probe: ApiProbe, daemons: Sequence[Daemon]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not probe.is_ready():
        for daemon in daemons:
            if not daemon.alive:
                tail = daemon.log_tail()
                if "address already in use" in tail:
                    raise _PortTakenError(tail)
                raise ClusterError(f"{daemon.name} ended with {daemon.process.returncode}; its log:\n{tail}")
        if time.monotonic() > deadline:
            raise ClusterTimeoutError(
                f"the API server was not ready after {_READY_SECONDS:.0f} s; its log:\n{daemons[-1].log_tail()}"
            )
        time.sleep(0.05)


def _stop(daemons: Sequence[Daemon]) -> None:
    # The data is thrown away: an orderly end of the API server (it drains for seconds) would buy nothing.
    for daemon in reversed(daemons):
        daemon.stop(grace_seconds=0)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind((_ADDRESS, 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()
