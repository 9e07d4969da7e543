"""Waiting for the parts of a `local` cluster, each wait with a deadline and a reason."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aviary_cluster.api_probe import ApiProbe, ApiProbeError
from aviary_cluster.dns_probe import dns_answers
from aviary_cluster.errors import ClusterTimeoutError

_POLL_SECONDS = 0.1
_SECONDS = 180.0
_DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


@dataclass(frozen=True)
class NodeHealth:
    """What the API server knows of a node."""

    name: str
    ready: bool
    heartbeat: dt.datetime | None


def read_node_health(node: dict[str, Any]) -> NodeHealth:
    """Read a Node object; without a Ready condition it is not ready."""
    conditions = node.get("status", {}).get("conditions", [])
    ready: dict[str, Any] = next((c for c in conditions if c.get("type") == "Ready"), {})
    beat = ready.get("lastHeartbeatTime")
    return NodeHealth(
        name=node["metadata"]["name"],
        ready=ready.get("status") == "True",
        heartbeat=None if beat is None else dt.datetime.fromisoformat(beat),
    )


def fetch_node_health(probe: ApiProbe) -> list[NodeHealth]:
    """Return all nodes; none when the API server does not answer."""
    try:
        return [read_node_health(node) for node in probe.get_json("/api/v1/nodes")["items"]]
    except ApiProbeError:
        return []


def wait_until(
    condition: Callable[[], bool], what: str, *, seconds: float = _SECONDS, check: Callable[[], None] = lambda: None
) -> None:
    """Poll a condition; `check` may raise to end the wait early.

    Raises:
        ClusterTimeoutError: it did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        check()
        if time.monotonic() > deadline:
            raise ClusterTimeoutError(
                f"not within {seconds:.0f} s: {what}. `python -m aviary_cluster logs` has the logs"
            )
        time.sleep(_POLL_SECONDS)


def wait_apiserver(probe: ApiProbe, check: Callable[[], None]) -> None:
    """Return when the API server is ready."""
    wait_until(probe.is_ready, "API server ready", check=check)


def wait_apiserver_gone(probe: ApiProbe) -> None:
    """Return when the API server answers no more."""
    wait_until(lambda: not probe.is_ready(), "API server stopped", seconds=30)


def wait_node_ready(probe: ApiProbe, name: str, since: dt.datetime, check: Callable[[], None]) -> None:
    """Return when a node is Ready by a heartbeat not older than `since`.

    After a restart the API still shows what the last life of the kubelet reported. Heartbeats have whole seconds.
    """
    since = since.replace(microsecond=0)

    def fresh() -> bool:
        health = [node for node in fetch_node_health(probe) if node.name == name]
        return any(node.ready and node.heartbeat is not None and node.heartbeat >= since for node in health)

    wait_until(fresh, f"{name} Ready", check=check)


def wait_dns(probe: ApiProbe, dns_address: str, check: Callable[[], None]) -> None:
    """Return when cluster DNS is available to pods and answers this machine."""

    def available() -> bool:
        try:
            return int(probe.get_json(_DNS).get("status", {}).get("availableReplicas", 0)) > 0
        except ApiProbeError:
            return False

    wait_until(available, "coredns available", check=check)
    name = "kubernetes.default.svc.cluster.local"
    wait_until(lambda: dns_answers(dns_address, name), "cluster DNS answers", check=check)
