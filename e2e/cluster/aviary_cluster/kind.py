"""The provider `kind`: the commands a kind user would type, with `conf/kind.yaml`."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from aviary_cluster.binaries import ensure
from aviary_cluster.errors import ClusterError
from aviary_cluster.existing import fetch_status
from aviary_cluster.external_command import run_command
from aviary_cluster.folders import ASSETS, state_home
from aviary_cluster.progress import say
from aviary_cluster.provider import ClusterStatus


def render_kind_config(base: str, nodes: int) -> str:
    """Return the kind configuration for one to three nodes: the first is the control plane."""
    config = yaml.safe_load(base)
    config["nodes"] = [{"role": "control-plane"}, *({"role": "worker"} for _ in range(nodes - 1))]
    return yaml.safe_dump(config, sort_keys=False)


@dataclass(frozen=True)
class KindCluster:
    """A kind cluster named `aviary` (or `aviary-<slot>`); implements `ClusterProvider`."""

    slot: int = 0
    engine_env: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The provider's name."""
        return "kind"

    @property
    def cluster(self) -> str:
        """The name kind knows it by."""
        return "aviary" if self.slot == 0 else f"aviary-{self.slot}"

    def up(self, nodes: int) -> None:
        """Create the cluster, or find it. Its own NetworkPolicy enforcer (kindnet) comes with it."""
        if self._exists():
            say(f"the kind cluster {self.cluster} is up already")
        else:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
                config.write(render_kind_config((ASSETS / "conf" / "kind.yaml").read_text(), nodes))
                config.flush()
                arguments = ["--name", self.cluster, "--config", config.name, "--wait", "180s"]
                self._kind("create", "cluster", *arguments, "--kubeconfig", str(self._kubeconfig()), shows=True)
        self._kind("export", "kubeconfig", "--name", self.cluster, "--kubeconfig", str(self._kubeconfig()))

    def down(self) -> None:
        """Delete the cluster; nothing happens when there is none."""
        self._kind("delete", "cluster", "--name", self.cluster, "--kubeconfig", str(self._kubeconfig()), shows=True)
        self._kubeconfig().unlink(missing_ok=True)

    def status(self) -> ClusterStatus:
        """Ask kind whether it exists and the API server for its nodes."""
        if not self._exists():
            return ClusterStatus("kind", running=False, ready=False, version=None, nodes=(), kubeconfig=None)
        return fetch_status("kind", ensure("kubectl"), self.kubeconfig())

    def kubeconfig(self) -> Path:
        """Return a kubeconfig of our own: the user's default one is left alone."""
        if not self._exists():
            raise ClusterError(f"the kind cluster {self.cluster} is not up: `make up`")
        if not self._kubeconfig().exists():
            self._kind("export", "kubeconfig", "--name", self.cluster, "--kubeconfig", str(self._kubeconfig()))
        return self._kubeconfig()

    def load_image(self, archive: Path) -> None:
        """`kind load image-archive`: kind itself skips what its nodes have."""
        self._kind("load", "image-archive", str(archive), "--name", self.cluster)

    def collect_logs(self, folder: Path) -> None:
        """`kind export logs`."""
        self._kind("export", "logs", str(folder), "--name", self.cluster)

    def _exists(self) -> bool:
        return self.cluster in self._kind("get", "clusters").split()

    def _kubeconfig(self) -> Path:
        folder = state_home(os.environ)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"kind-{self.cluster}.kubeconfig"

    def _kind(self, *arguments: str, shows: bool = False) -> str:
        return run_command(["kind", *arguments], env=self.engine_env, shows=shows)
