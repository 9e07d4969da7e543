"""What a node asks of containerd by its own client `ctr`: images, containers, tasks. Runs inside the node."""

import subprocess
import time

from aviary_cluster.errors import ClusterTimeoutError

_START_SECONDS = 30.0
_POLL_SECONDS = 0.1
_SYSTEM_NAMESPACE = "kube-system"


def ctr(*arguments: str) -> str:
    """Run `ctr` in Kubernetes' namespace and return its output; raises CalledProcessError."""
    run = subprocess.run(["ctr", "-n", "k8s.io", *arguments], check=True, capture_output=True, text=True)
    return run.stdout


def wait_containerd() -> None:
    """Return when containerd answers.

    Raises:
        ClusterTimeoutError: not within 30 s.
    """
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run(["ctr", "version"], capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise ClusterTimeoutError(f"containerd did not answer within {_START_SECONDS:.0f} s; see containerd.log")
        time.sleep(_POLL_SECONDS)


def purge_containers() -> None:
    """Remove every container and its snapshot; none may be running."""
    wait_containerd()
    containers = ctr("containers", "ls", "-q").split()
    if containers:
        ctr("containers", "rm", *containers)


def stop_pods(grace_seconds: float) -> None:
    """Ask every container outside kube-system to end (SIGTERM) and wait, at most the grace.

    A bot gets the chance to cancel its orders. The kubelet must be stopped before.
    """
    others = f'labels."io.cri-containerd.kind"==container,labels."io.kubernetes.pod.namespace"!={_SYSTEM_NAMESPACE}'
    chosen = set(ctr("containers", "ls", "-q", others).split())
    for container in chosen & _running():
        subprocess.run(["ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGTERM", container], check=False)
    deadline = time.monotonic() + grace_seconds
    while chosen & _running() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _running() -> set[str]:
    rows = [line.split() for line in ctr("tasks", "ls").splitlines()[1:]]
    return {row[0] for row in rows if len(row) == 3 and row[2] == "RUNNING"}
