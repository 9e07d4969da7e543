"""The one interface of all cluster providers, and the extra one of those that can break things on purpose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class ClusterStatus:
    """What `status` tells."""

    provider: str
    running: bool
    ready: bool
    version: str | None
    nodes: tuple[tuple[str, bool], ...]
    """Every node's name and whether it is Ready."""
    kubeconfig: Path | None
    detail: str = ""


class ClusterProvider(Protocol):
    """A way to have a cluster. Every method may be called at any time, in any state a crash can leave."""

    @property
    def name(self) -> str:
        """`local`, `kind` or `existing`."""

    def up(self, nodes: int) -> None:
        """Bring the cluster up and return when it is ready; quick when it is already."""

    def down(self) -> None:
        """Take the cluster away, whole or half-made; does nothing when there is none."""

    def status(self) -> ClusterStatus:
        """Look, change nothing."""

    def kubeconfig(self) -> Path:
        """Return the path of the admin's kubeconfig; raises ClusterError when there is no cluster."""

    def load_image(self, archive: Path) -> None:
        """Make the images of an archive (OCI layout or docker save) runnable on every node."""

    def collect_logs(self, folder: Path) -> None:
        """Write what the cluster's parts logged into a folder."""


@runtime_checkable
class Faults(Protocol):
    """Faults that scenarios need. Nodes are numbered from 1; node 1 has the control plane."""

    def kill_node(self, node: int) -> None:
        """The machine loses power."""

    def cut_node(self, node: int) -> None:
        """Its network cable is out; its pods run on."""

    def mend_node(self, node: int) -> None:
        """Cable in, power on; returns when the node is Ready."""

    def stop_apiserver(self) -> None:
        """The API server ends; returns when it answers no more. Everything else runs on."""

    def start_apiserver(self) -> None:
        """The API server is back; returns when it is ready."""
