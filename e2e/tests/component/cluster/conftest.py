"""Fixtures of the cluster providers' component tests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.binaries import ensure
from aviary_cluster.local import LocalCluster
from aviary_cluster.pytest_controlplane import kube_apiserver

__all__ = ["kube_apiserver"]


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a kubeconfig."""

    kubeconfig: Path

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(ensure("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Run, demand success, return the output."""
        run = self(*arguments, stdin=stdin)
        assert run.returncode == 0, f"kubectl {' '.join(arguments)}: {run.stderr}"
        return run.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run with -o json and return the object."""
        document: dict[str, Any] = json.loads(self.ok(*arguments, "-o", "json"))
        return document


WaitFor = Callable[..., None]


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    """Give a wait for a condition with a deadline."""

    def wait(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def needs_root() -> None:
    """Skip, saying why, where a `local` cluster cannot be."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a local cluster needs Linux and root: run the tests as root to have these")


@pytest.fixture(scope="session")
def slot_plan(worker_id: str) -> AddressPlan:
    """Give addresses of this test process's own, far from those a developer's cluster uses."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return AddressPlan(15 - number % 8)


@pytest.fixture(scope="session")
def cluster_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a place for image stores that several clusters of the session share."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module")
def local_cluster(
    needs_root: None, slot_plan: AddressPlan, cluster_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    """Give a running cluster of two nodes that notices a lost node after 12 s; it is taken down afterwards."""
    del needs_root
    state = tmp_path_factory.mktemp("cluster") / "state"
    cluster = LocalCluster(plan=slot_plan, state=state, store=cluster_store, node_grace_seconds=12, pod_grace_seconds=1)
    try:
        cluster.up(nodes=2)
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def kubectl(local_cluster: LocalCluster) -> Kubectl:
    """Give kubectl as the admin of the running cluster."""
    return Kubectl(local_cluster.kubeconfig())
