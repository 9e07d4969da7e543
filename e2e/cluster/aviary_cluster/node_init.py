"""Process 1 of a `local` cluster's node: sets the machine up, then keeps its daemons running.

Started only by `aviary_cluster.node_process`, inside namespaces of its own (mount, net, uts, ipc, pid). When it
ends, in whatever way, the kernel ends everything below it and drops its mounts and its network.

Signals: SIGTERM: an orderly stop, pods first. SIGUSR1 and SIGUSR2: stop and start the API server.

    python -m aviary_cluster.node_init run|purge SPEC.json
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aviary_cluster import address_plan
from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.api_probe import probe_from_kubeconfig
from aviary_cluster.containerd_store import purge_containers, stop_pods
from aviary_cluster.control_groups import create_groups
from aviary_cluster.control_plane_flags import (
    ApiServerPlan,
    ControllersPlan,
    EtcdPlan,
    build_apiserver_command,
    build_controller_manager_command,
    build_etcd_command,
    build_scheduler_command,
)
from aviary_cluster.node_config import (
    CONTAINERD_SOCKET,
    render_containerd_config,
    render_kube_proxy_config,
    render_kubelet_config,
)
from aviary_cluster.node_machine import apply_machine, apply_private_mounts
from aviary_cluster.node_spec import NodeSpec, read_node_spec
from aviary_cluster.supervisor import Supervised, Supervisor

_TICK_SECONDS = 0.05


def run(spec: NodeSpec) -> None:
    """Be the node until told to stop."""
    apply_machine(spec)
    plan = AddressPlan(spec.slot)
    create_groups((plan.cgroup, plan.node_name(spec.node)))
    Path("/run/containerd.toml").write_text(render_containerd_config(spec, with_cri=True))
    Path("/run/kubelet.json").write_text(render_kubelet_config(spec))
    Path("/run/kube-proxy.json").write_text(render_kube_proxy_config(spec))
    supervisor = Supervisor(Path(spec.folder))
    stopping = False

    def ask_stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, ask_stop)
    signal.signal(signal.SIGUSR1, lambda _signal, _frame: supervisor.hold("kube-apiserver"))
    signal.signal(signal.SIGUSR2, lambda _signal, _frame: supervisor.release("kube-apiserver"))
    for daemon in _daemons(spec, plan):
        supervisor.add(daemon)
    while not stopping:
        supervisor.tick(time.monotonic())
        time.sleep(_TICK_SECONDS)
    # The kubelet first, or it would start again what is stopped.
    supervisor.stop("kubelet")
    stop_pods(grace_seconds=spec.pod_grace_seconds)


def purge(spec: NodeSpec) -> None:
    """Remove what earlier clusters' containers left in the image store; images stay."""
    apply_private_mounts()
    config = Path("/run/containerd.toml")
    config.write_text(render_containerd_config(spec, with_cri=False))
    with Path(spec.folder, "purge.log").open("ab") as log:
        containerd = subprocess.Popen(["containerd", "-c", str(config)], stdout=log, stderr=log)
        try:
            purge_containers()
        finally:
            containerd.terminate()
            containerd.wait()


def _daemons(spec: NodeSpec, plan: AddressPlan) -> list[Supervised]:
    name = plan.node_name(spec.node)
    programs = spec.programs
    kubeconfig = f"{spec.pki}/kubelet-{name}.kubeconfig"
    probe = probe_from_kubeconfig(Path(kubeconfig))
    node = [
        Supervised(
            "kubelet",
            [
                programs["kubelet"],
                "--config=/run/kubelet.json",
                f"--kubeconfig={kubeconfig}",
                f"--hostname-override={name}",
                f"--node-ip={plan.node_address(spec.node)}",
            ],
            lambda: Path(CONTAINERD_SOCKET).is_socket() and probe.is_ready(),
        ),
        Supervised("kube-proxy", [programs["kube-proxy"], "--config=/run/kube-proxy.json"], probe.is_ready),
        Supervised("netpol-enforcer", _enforcer_command(spec, name), probe.is_ready),
        Supervised("volumes", _volumes_command(spec, name), probe.is_ready),
    ]
    control_plane = _control_plane(spec, plan) if spec.control_plane else []
    containerd = Supervised("containerd", ["containerd", "-c", "/run/containerd.toml"])
    return [*control_plane[:2], containerd, *control_plane[2:], *node]


def _enforcer_command(spec: NodeSpec, name: str) -> Sequence[str]:
    module = "aviary_cluster.netpol_enforcer_for_tests"
    return [spec.python, "-m", module, f"{spec.pki}/netpol-enforcer-for-tests.kubeconfig", name]


def _volumes_command(spec: NodeSpec, name: str) -> Sequence[str]:
    return [spec.programs["volumes"], f"{spec.pki}/volumes.kubeconfig", name, "/var/lib/volumes"]


def _control_plane(spec: NodeSpec, plan: AddressPlan) -> list[Supervised]:
    pki, folder, programs = Path(spec.pki), Path(spec.folder), spec.programs
    probe = probe_from_kubeconfig(pki / "controller-manager.kubeconfig")
    etcd = EtcdPlan(
        binary=Path(programs["etcd"]),
        data=folder / "etcd",
        pki=pki,
        client_port=address_plan.ETCD_CLIENT_PORT,
        peer_port=address_plan.ETCD_PEER_PORT,
        metrics_port=address_plan.ETCD_METRICS_PORT,
    )
    apiserver = ApiServerPlan(
        binary=Path(programs["kube-apiserver"]),
        pki=pki,
        etcd_port=address_plan.ETCD_CLIENT_PORT,
        bind_address=str(plan.control_plane_address),
        port=address_plan.API_PORT,
        service_network=str(plan.service_network),
        audit_policy=Path(spec.assets) / "conf" / "audit-policy.yaml",
        audit_log=folder / "audit.log",
        admits_pods=True,
    )
    controllers = ControllersPlan(
        controller_manager=Path(programs["kube-controller-manager"]),
        scheduler=Path(programs["kube-scheduler"]),
        pki=pki,
        pod_network=str(plan.pod_network),
        service_network=str(plan.service_network),
        node_grace_seconds=spec.node_grace_seconds,
    )
    return [
        Supervised("etcd", build_etcd_command(etcd)),
        Supervised("kube-apiserver", build_apiserver_command(apiserver)),
        Supervised("kube-controller-manager", build_controller_manager_command(controllers), probe.is_ready),
        Supervised("kube-scheduler", build_scheduler_command(controllers), probe.is_ready),
    ]


if __name__ == "__main__":
    {"run": run, "purge": purge}[sys.argv[1]](read_node_spec(Path(sys.argv[2])))
