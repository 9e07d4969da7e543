"""What one node of a `local` cluster must know, handed to its first process as a JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from aviary_cluster.errors import ClusterError


@dataclass(frozen=True)
class NodeSpec:
    """One node. Paths are text since this crosses a process border; all are absolute."""

    slot: int
    node: int
    nodes: int
    control_plane: bool
    folder: str
    """State of this node: logs, kubelet and volumes; thrown away with the cluster."""
    pki: str
    containerd_root: str
    """Images and snapshots; outlives the cluster so that an image is unpacked once."""
    assets: str
    programs: dict[str, str]
    """Paths of etcd, kube-apiserver and so on, by name."""
    search_path: str
    """PATH inside the node: containerd, runc and nft are found by it."""
    library_path: str
    """LD_LIBRARY_PATH inside the node, for programs unpacked from packages; empty when they are installed."""
    cni_bin: str
    runc: str
    pause_image: str
    python: str
    node_grace_seconds: int
    pod_grace_seconds: float = 15.0

    def write(self, path: Path) -> None:
        """Write the spec as JSON, whole or not at all."""
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        temporary.replace(path)


def read_node_spec(path: Path) -> NodeSpec:
    """Read a spec written by `NodeSpec.write`, by this version or another.

    Raises:
        ClusterError: it is of a version whose fields differ; `down` still works.
    """
    try:
        return NodeSpec(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ClusterError(
            f"{path} was written by another version of these tools ({error}): take that cluster down (`make down`)"
        ) from error


def read_slot(path: Path) -> int | None:
    """Read only the slot of a spec, which every version has; None when it cannot be read."""
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["slot"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
