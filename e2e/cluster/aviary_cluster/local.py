"""The provider `local`: one to three real Kubernetes nodes on this machine, without Docker.

A node is a set of Linux namespaces made by `unshare`, as kind makes one with a container. Its first process is
`aviary_cluster.node_init`; when that dies, the kernel ends every process, mount and link of the node. What is left
to remove by hand is little and found by name: one bridge, empty control groups, one folder.
"""

import contextlib
import datetime as dt
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aviary_cluster.address_plan import MAX_NODES, AddressPlan
from aviary_cluster.api_probe import ApiProbe, probe_from_kubeconfig
from aviary_cluster.binaries import CONTROL_PLANE_TOOLS, NODE_TOOLS, ensure, ensure_all
from aviary_cluster.control_groups import remove_groups
from aviary_cluster.control_plane_pki import write_control_plane_pki, write_kubeconfig, write_node_pki
from aviary_cluster.errors import ClusterError
from aviary_cluster.folders import ASSETS
from aviary_cluster.host_network import apply_host_network, connect_node, remove_host_network, set_cable
from aviary_cluster.local_readiness import (
    fetch_node_health,
    wait_apiserver,
    wait_apiserver_gone,
    wait_dns,
    wait_node_ready,
    wait_until,
)
from aviary_cluster.manifests import render_system_manifests
from aviary_cluster.node_images import load_archive, wait_containerd_of
from aviary_cluster.node_machine import COVERED
from aviary_cluster.node_process import (
    NodeProcess,
    end_node,
    fetch_running_specs,
    find_node,
    purge_node,
    start_node,
)
from aviary_cluster.node_spec import NodeSpec, read_node_spec, read_slot
from aviary_cluster.progress import say, timed
from aviary_cluster.provider import ClusterStatus
from aviary_cluster.runtime_packages import Runtime, ensure_runtime
from aviary_cluster.system_images import ensure_system_images, image_names
from aviary_cluster.traces import find_traces
from aviary_cluster.versions import load_versions

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class LocalCluster:
    """The cluster of one slot on this machine; implements `ClusterProvider` and `Faults`."""

    plan: AddressPlan
    state: Path
    """This cluster's own folder; removed by `down`."""
    store: Path
    """Image stores of its nodes; outlive the cluster."""
    node_grace_seconds: int = 40
    """After how many silent seconds a node is NotReady (Kubernetes' default)."""
    pod_grace_seconds: float = 15.0
    """How long `down` waits at most for pods it asked to end."""

    @property
    def name(self) -> str:
        """The provider's name."""
        return "local"

    def up(self, nodes: int) -> None:
        """Bring up a new cluster, or find the running one.

        Raises:
            ClusterError: not root, addresses taken, another number of nodes running, or a part failed to start.
        """
        if not 1 <= nodes <= MAX_NODES:
            raise ClusterError(f"AVIARY_NODES must be 1 to {MAX_NODES}, not {nodes}")
        with self._locked():
            running = self._running()
            if self._complete.exists() and running:
                self._check_running(running, nodes)
                wait_apiserver(self._probe(), partial(self._check_alive, self._specs()))
                say(f"the local cluster is up already ({len(running)} nodes)")
                return
            self._check_machine()
            self._remove()
            runtime = ensure_runtime()
            programs = ensure_all((*CONTROL_PLANE_TOOLS, *NODE_TOOLS))
            images = ensure_system_images(runtime.busybox)
            specs = self._write_state(nodes, runtime, programs)
            try:
                self._start(specs, images)
            except BaseException:
                say(f"  the cluster did not come up; logs: {self.state}/node*/*.log (`down` removes them)")
                raise
            self._complete.touch()

    def down(self) -> None:
        """Ask pods to end, then end everything and remove every trace but the cache."""
        with self._locked():
            # A cluster that never came up has no pod worth waiting for.
            self._remove(pod_grace_seconds=self.pod_grace_seconds if self._complete.exists() else 0.0)

    def is_running(self) -> bool:
        """Whether any of its nodes runs."""
        return bool(self._running())

    def status(self) -> ClusterStatus:
        """Look at processes and at the API server."""
        running = self._running()
        if not running:
            return ClusterStatus("local", running=False, ready=False, version=None, nodes=(), kubeconfig=None)
        health = fetch_node_health(self._probe()) if self._kubeconfig.exists() else []
        nodes = tuple((node.name, node.ready) for node in health)
        dead = [spec.node for spec in self._specs() if spec.node not in running]
        return ClusterStatus(
            "local",
            running=True,
            ready=self._complete.exists() and not dead and bool(nodes) and all(ready for _, ready in nodes),
            version=f"v{load_versions().kubernetes}",
            nodes=nodes,
            kubeconfig=self._kubeconfig,
            detail=f"logs in {self.state}/node*/" + (f"; dead: {dead}" if dead else ""),
        )

    def kubeconfig(self) -> Path:
        """Return the admin's kubeconfig; raises ClusterError when nothing runs."""
        if not self._running():
            raise ClusterError("the local cluster is not up: `make up`, or `python -m aviary_cluster up`")
        return self._kubeconfig

    def load_image(self, archive: Path) -> None:
        """Import into every running node that has not got it."""
        running = self._running()
        if not running:
            raise ClusterError(f"cannot load {archive}: the local cluster is not up (`make up`)")
        for spec in self._specs():
            if spec.node in running:
                begin = time.monotonic()
                imported = load_archive(running[spec.node], spec, archive.resolve())
                what = f"image {archive.name} imported" if imported else f"has {archive.name} already"
                say(f"  {self.plan.node_name(spec.node)}: {what}, {time.monotonic() - begin:.1f} s")

    def collect_logs(self, folder: Path) -> None:
        """Copy the daemons' logs, the audit log and the pods' logs, a folder per node."""
        for spec in self._specs():
            target = folder / self.plan.node_name(spec.node)
            target.mkdir(parents=True, exist_ok=True)
            for log in Path(spec.folder).glob("*.log"):
                shutil.copy2(log, target)
            pods = Path(spec.folder) / "log" / "pods"
            if pods.is_dir():
                shutil.copytree(pods, target / "pods", dirs_exist_ok=True, symlinks=True)

    def kill_node(self, node: int) -> None:
        """End a node as a power cut would."""
        self._running_node(node)
        end_node(self._spec_path(node), grace_seconds=0)

    def cut_node(self, node: int) -> None:
        """Take the node's link down; with one node, only this machine loses sight of it."""
        self._running_node(node)
        set_cable(self.plan, node, plugged=False)

    def mend_node(self, node: int) -> None:
        """Link up; a dead node is started again with its disk. Returns when it is Ready."""
        begin = dt.datetime.now(dt.UTC)
        spec = read_node_spec(self._existing_spec_path(node))
        process = find_node(self._spec_path(node))
        if process is None:
            # Empty groups of the last life would cost the kubelet 3 s each.
            self._remove_groups(f"{self.plan.cgroup}/{self.plan.node_name(node)}")
            process = start_node(spec, self._spec_path(node), Path(spec.folder) / "init.log")
            connect_node(self.plan, node, process)
            # The routes went with the link.
            apply_host_network(self.plan, spec.nodes)
        else:
            set_cable(self.plan, node, plugged=True)
        wait_apiserver(self._probe(), partial(self._check_alive, [spec]))
        wait_node_ready(self._probe(), self.plan.node_name(node), begin, partial(self._check_alive, [spec]))

    def stop_apiserver(self) -> None:
        """Stop the API server and keep it stopped."""
        os.kill(self._running_node(1).init_pid, signal.SIGUSR1)
        wait_apiserver_gone(self._probe())

    def start_apiserver(self) -> None:
        """Let the API server run again."""
        os.kill(self._running_node(1).init_pid, signal.SIGUSR2)
        wait_apiserver(self._probe(), partial(self._check_alive, [read_node_spec(self._spec_path(1))]))

    @property
    def _complete(self) -> Path:
        return self.state / "complete"

    @property
    def _kubeconfig(self) -> Path:
        return self.state / "pki" / "admin.kubeconfig"

    def _probe(self) -> ApiProbe:
        return probe_from_kubeconfig(self._kubeconfig)

    def _spec_path(self, node: int) -> Path:
        return self.state / self.plan.node_name(node) / "spec.json"

    def _existing_spec_path(self, node: int) -> Path:
        path = self._spec_path(node)
        if not path.exists():
            raise ClusterError(f"there is no node {node}; nodes: {[spec.node for spec in self._specs()] or 'none'}")
        return path

    def _specs(self) -> list[NodeSpec]:
        paths = (self._spec_path(node) for node in range(1, MAX_NODES + 1))
        return [read_node_spec(path) for path in paths if path.exists()]

    def _running(self) -> dict[int, NodeProcess]:
        found = {node: find_node(self._spec_path(node)) for node in range(1, MAX_NODES + 1)}
        return {node: process for node, process in found.items() if process is not None}

    def _running_node(self, node: int) -> NodeProcess:
        process = find_node(self._existing_spec_path(node))
        if process is None:
            raise ClusterError(f"node {node} is not running; `node-mend {node}` starts it")
        return process

    def _check_running(self, running: dict[int, NodeProcess], nodes: int) -> None:
        wanted = len(self._specs())
        if len(running) < wanted:
            raise ClusterError(
                f"only nodes {sorted(running)} of {wanted} are running: `node-mend N` starts one again, "
                "`make down` removes the cluster"
            )
        if wanted != nodes:
            raise ClusterError(f"a cluster of {wanted} nodes is running, {nodes} were asked for: `make down` first")

    def _check_machine(self) -> None:
        if sys.platform != "linux" or os.geteuid() != 0:
            raise ClusterError(
                "AVIARY_CLUSTER=local needs Linux and root (it makes namespaces and control groups). Run it as root; "
                "or install Docker and kind and use AVIARY_CLUSTER=kind; or AVIARY_CLUSTER=existing with KUBECONFIG."
            )
        for needed in (self.state, self.store, ASSETS, Path(sys.prefix)):
            hidden = [str(cover) for cover in COVERED if needed.resolve().is_relative_to(cover)]
            if hidden:
                raise ClusterError(
                    f"{needed} lies under {hidden[0]}, which a local node has of its own: move it, or set "
                    "XDG_STATE_HOME and XDG_CACHE_HOME to a folder elsewhere"
                )
        for path in fetch_running_specs():
            if not path.is_relative_to(self.state) and read_slot(path) == self.plan.slot:
                raise ClusterError(
                    f"slot {self.plan.slot} is taken by the cluster in {path.parent.parent}: take that one down, "
                    "or set AVIARY_CLUSTER_SLOT to another number (0 to 15)"
                )

    def _write_state(self, nodes: int, runtime: Runtime, programs: dict[str, Path]) -> list[NodeSpec]:
        pki = self.state / "pki"
        addresses = [str(self.plan.control_plane_address), "127.0.0.1", str(self.plan.api_service_address)]
        cluster = write_control_plane_pki(pki, server=self.plan.server, addresses=addresses)
        for user in ("netpol-enforcer-for-tests", "volumes"):
            write_kubeconfig(pki / f"{user}.kubeconfig", cluster, f"aviary:{user}", [])
        specs = []
        for node in range(1, nodes + 1):
            name = self.plan.node_name(node)
            write_node_pki(pki, cluster, name, str(self.plan.node_address(node)))
            spec = NodeSpec(
                slot=self.plan.slot,
                node=node,
                nodes=nodes,
                control_plane=node == 1,
                folder=str(self.state / name),
                pki=str(pki),
                containerd_root=str(self.store / name / "containerd"),
                assets=str(ASSETS),
                programs={tool: str(path) for tool, path in programs.items()},
                search_path=runtime.search_path,
                library_path=runtime.library_path,
                cni_bin=runtime.cni_bin,
                runc=runtime.runc,
                pause_image=image_names(load_versions())["pause"],
                python=sys.executable,
                pod_grace_seconds=self.pod_grace_seconds,
                node_grace_seconds=self.node_grace_seconds,
            )
            Path(spec.folder).mkdir(parents=True)
            Path(spec.containerd_root).mkdir(parents=True, exist_ok=True)
            spec.write(self._spec_path(node))
            specs.append(spec)
        return specs

    def _start(self, specs: list[NodeSpec], images: list[Path]) -> None:
        begin = dt.datetime.now(dt.UTC)
        apply_host_network(self.plan, len(specs))
        alive = partial(self._check_alive, specs)
        probe = self._probe()
        with ThreadPoolExecutor(max_workers=len(specs)) as pool:
            nodes = [pool.submit(self._start_node, spec, images) for spec in specs]
            with timed("API server ready"):
                wait_apiserver(probe, alive)
            self._apply_add_ons()
            for node in nodes:
                node.result()
        with timed("nodes Ready"):
            for spec in specs:
                wait_node_ready(probe, self.plan.node_name(spec.node), begin, alive)
        with timed("cluster DNS answers"):
            wait_dns(probe, str(self.plan.dns_address), alive)

    def _start_node(self, spec: NodeSpec, images: list[Path]) -> None:
        self._tidy(spec)
        self._dirty_mark(spec).touch()
        process = start_node(spec, self._spec_path(spec.node), Path(spec.folder) / "init.log")
        connect_node(self.plan, spec.node, process)
        wait_containerd_of(process, spec)
        loaded = [load_archive(process, spec, archive) for archive in images]
        if any(loaded):
            say(f"  {self.plan.node_name(spec.node)}: {sum(loaded)} system images imported")

    def _apply_add_ons(self) -> None:
        manifests = render_system_manifests(self.plan, image_names(load_versions()))
        # dies with this process: a kubectl that outlived a killed `up` would be left behind
        with_us = ["setpriv", "--pdeathsig", "KILL"]
        command = [
            *with_us,
            str(ensure("kubectl")),
            f"--kubeconfig={self._kubeconfig}",
            "apply",
            "--server-side",
            "-f",
            "-",
        ]
        run = subprocess.run(command, input=manifests, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise ClusterError(f"the system manifests were refused: {run.stderr.strip()[-800:]}")

    def _check_alive(self, specs: list[NodeSpec]) -> None:
        for spec in specs:
            if find_node(self._spec_path(spec.node)) is None:
                log = Path(spec.folder) / "init.log"
                said = log.read_text(errors="replace")[-1500:] if log.exists() else ""
                raise ClusterError(f"node {spec.node} ended; its log ({log}):\n{said}")

    def _remove_groups(self, name: str) -> None:
        # The killed leave their groups a moment after they are gone from the list of processes.
        wait_until(lambda: not remove_groups(name), f"control groups {name} empty", seconds=10)

    def _tidy(self, spec: NodeSpec) -> None:
        if self._dirty_mark(spec).exists():
            purge_node(spec, self._spec_path(spec.node))
            self._dirty_mark(spec).unlink()

    def _dirty_mark(self, spec: NodeSpec) -> Path:
        return Path(spec.containerd_root).parent / "has-containers"

    def _remove(self, pod_grace_seconds: float = 0.0) -> None:
        paths = [self._spec_path(node) for node in range(MAX_NODES, 0, -1)]
        with ThreadPoolExecutor(max_workers=MAX_NODES) as pool:
            list(
                pool.map(
                    partial(end_node, grace_seconds=pod_grace_seconds + _STOP_SECONDS if pod_grace_seconds else 0),
                    paths,
                )
            )
        remove_host_network(self.plan)
        self._remove_groups(self.plan.cgroup)
        with contextlib.suppress(ClusterError):
            # An image store that cannot be tidied now is tidied before its next use.
            for spec in self._specs():
                self._tidy(spec)
        if self.state.exists():
            shutil.rmtree(self.state)
        left = find_traces(self.plan, self.state)
        if left:
            raise ClusterError("the cluster left something behind: " + "; ".join(left))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.state.parent.mkdir(parents=True, exist_ok=True)
        with (self.state.parent / f".{self.state.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("  another `up` or `down` is at work; waiting for it ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
