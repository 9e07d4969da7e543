"""The provider `existing`: a cluster somebody else runs, named by a kubeconfig the user chose for this."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.binaries import ensure
from aviary_cluster.errors import ClusterError
from aviary_cluster.external_command import run_command
from aviary_cluster.local_readiness import read_node_health
from aviary_cluster.progress import say
from aviary_cluster.provider import ClusterStatus


@dataclass(frozen=True)
class ExistingCluster:
    """Never started, stopped or changed by us; implements `ClusterProvider`."""

    path: Path

    @property
    def name(self) -> str:
        """The provider's name."""
        return "existing"

    def up(self, nodes: int) -> None:
        """Check that it answers and all its nodes are Ready; `nodes` is not ours to choose.

        Raises:
            ClusterError: it does not answer or a node is not Ready.
        """
        del nodes
        found = self.status()
        if not found.ready:
            raise ClusterError(f"the cluster of {self.path} is not ready: {found.detail or found.nodes}")
        say(f"using the cluster of {self.path}: {found.version}, {len(found.nodes)} nodes")

    def down(self) -> None:
        """Leave it alone, and say so."""
        say(f"the cluster of {self.path} is not ours to take down: left as it is")

    def status(self) -> ClusterStatus:
        """Ask its API server."""
        return fetch_status("existing", ensure("kubectl"), self.path)

    def kubeconfig(self) -> Path:
        """Return the user's kubeconfig."""
        return self.path

    def load_image(self, archive: Path) -> None:
        """Import into a k3s that runs on this machine; elsewhere images come from a registry.

        Raises:
            ClusterError: no k3s here; the message says what to do.
        """
        if shutil.which("k3s") is None or "k3s" not in (self.status().version or ""):
            raise ClusterError(
                f"cannot load {archive} into an existing cluster from here: push its image to a registry the cluster "
                "reads, or import it on every node (`k3s ctr images import FILE` on k3s, `ctr -n k8s.io images import "
                "FILE` with containerd)"
            )
        run_command(["k3s", "ctr", "images", "import", str(archive)])

    def collect_logs(self, folder: Path) -> None:
        """`kubectl cluster-info dump`: what the API server knows, and pods' logs."""
        dump = ["cluster-info", "dump", "--all-namespaces", "--output-directory", str(folder)]
        run_command([str(ensure("kubectl")), f"--kubeconfig={self.path}", *dump])


def fetch_status(provider: str, kubectl: Path, kubeconfig: Path) -> ClusterStatus:
    """Ask any cluster for its version and nodes; one that does not answer is not ready."""
    base = [str(kubectl), f"--kubeconfig={kubeconfig}", "--request-timeout=10s"]
    try:
        version = json.loads(run_command([*base, "get", "--raw", "/version"]))["gitVersion"]
        listed = json.loads(run_command([*base, "get", "nodes", "-o", "json"]))["items"]
    except ClusterError as error:
        return ClusterStatus(
            provider, running=False, ready=False, version=None, nodes=(), kubeconfig=kubeconfig, detail=str(error)
        )
    health = [read_node_health(node) for node in listed]
    nodes = tuple((node.name, node.ready) for node in health)
    ready = bool(nodes) and all(is_ready for _, is_ready in nodes)
    return ClusterStatus(provider, running=True, ready=ready, version=version, nodes=nodes, kubeconfig=kubeconfig)
