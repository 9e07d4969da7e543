"""An API server with both charts installed, and the people, accounts and parts of a cluster that speak to it.

Each has a client certificate of their own: what the policies see of them is what they would see of the real ones. There
is no controller manager, so its parts are played by their accounts, with the rights that the API server gives them.
"""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aviary_cluster.controlplane import ControlPlane

CHARTS: Final = Path(__file__).resolve().parents[2]
RELEASE_NAMESPACE: Final = "aviary-system"
Manifest = dict[str, Any]


def until(what: str, probe: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until ``probe`` says yes.

    Raises:
        AssertionError: when it has not after ``seconds``.
    """
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.1)


def account(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


OPERATOR: Final = account(RELEASE_NAMESPACE, "aviary-operator")
STATEFUL_SETS: Final = account("kube-system", "statefulset-controller")
COLLECTOR: Final = account("kube-system", "generic-garbage-collector")
KUBELET: Final = "system:node:n1"
MASTER: Final = "kubernetes-admin"


@dataclass(frozen=True)
class Guarded:
    """The API server, and kubectl in anybody's name."""

    plane: ControlPlane
    helm: Path
    kubectl: Path

    def run(self, user: str, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as ``user``; the exit code is the caller's to judge."""
        return subprocess.run(
            [self.kubectl, "--kubeconfig", self.kubeconfig(user), *args],
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def must(self, user: str, *args: str, stdin: str | None = None) -> str:
        """Run kubectl as ``user`` and return what it printed.

        Raises:
            AssertionError: with kubectl's own words when the API server refused.
        """
        done = self.run(user, *args, stdin=stdin)
        assert done.returncode == 0, f"{user}: kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def create(self, user: str, manifest: Manifest) -> Manifest:
        """Create an object as ``user`` and return what was stored."""
        created: Manifest = json.loads(self.must(user, "create", "-f", "-", "-o", "json", stdin=json.dumps(manifest)))
        return created

    def kubeconfig(self, user: str) -> Path:
        """Return the kubeconfig of a user; groups are those that the cluster itself would give them."""
        if user == MASTER:
            return self.plane.kubeconfig
        if user.startswith("system:node:"):
            return self.plane.kubeconfig_for(user, ["system:nodes"])
        if user.startswith("system:serviceaccount:"):
            namespace = user.split(":")[2]
            return self.plane.kubeconfig_for(user, ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"])
        return self.plane.kubeconfig_for(user)

    def install(self, chart: str, namespace: str = RELEASE_NAMESPACE, *settings: str) -> None:
        """Install a chart.

        Raises:
            AssertionError: with helm's own words.
        """
        done = subprocess.run(
            [self.helm, "upgrade", "--install", chart, CHARTS / chart, "--namespace", namespace, "--create-namespace",
             "--kubeconfig", self.plane.kubeconfig, *(word for value in settings for word in ("--set", value))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def install_kinds(self) -> None:
        """Install the chart of the kinds and wait until they are served."""
        self.install("aviary-crds")
        selector = "app.kubernetes.io/name=aviary-crds"
        self.must(MASTER, "wait", "--for=condition=Established", "--timeout=30s", "crd", "-l", selector)

    def make_namespace(self, name: str) -> None:
        """Make a namespace."""
        self.must(MASTER, "create", "namespace", name)

    def bind(self, user: str, role: str, namespace: str | None = None) -> None:
        """Give ``user`` a ClusterRole, in a namespace or everywhere."""
        words = ["clusterrolebinding"] if namespace is None else ["rolebinding", "-n", namespace]
        name = f"{user.rsplit(':', 1)[-1]}-{role}"
        self.must(MASTER, "create", *words, name, f"--clusterrole={role}", f"--user={user}")

    def await_refusal(self, policy: str, user: str, args: Sequence[str], manifest: Mapping[str, Any] | None) -> None:
        """Wait until the API server enforces ``policy``: it learns of a new one by a watch."""

        def refused() -> bool:
            stdin = json.dumps(manifest) if manifest else None
            return policy in self.run(user, *args, "--dry-run=server", stdin=stdin).stderr

        until(f"the policy {policy} to be enforced", refused)
