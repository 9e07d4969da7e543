"""The plain Prometheus of ``manifests/monitoring`` on a cluster: brought there, stopped, started again and asked."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aviary_e2e.commands import REPOSITORY, cluster, output, run
from aviary_e2e.kubectl import Kubectl
from aviary_e2e.waiting import until

MANIFESTS: Final = REPOSITORY / "manifests" / "monitoring"
NAMESPACE: Final = "aviary-monitoring"
SERVICE: Final = "prometheus"
URL: Final = f"http://{SERVICE}.{NAMESPACE}:9090"
"""Under which the operator reaches it: the chart's gates.prometheusUrl."""


@dataclass(frozen=True)
class Monitoring:
    """Prometheus on a cluster."""

    kubectl: Kubectl

    def start(self) -> None:
        """Build the image, bring it to the nodes, apply the manifests, wait for an answer; all of it repeatable."""
        build = REPOSITORY / "images" / "build.sh"
        run(build, "prometheus")
        run(*cluster("load", output(build, "--print", "prometheus")))
        self.kubectl.run("apply", "--server-side", "-f", str(MANIFESTS))
        self.resume()

    def stop(self) -> None:
        """Take its pod away; the Service stays and nobody answers behind it."""
        self._scale(0)
        until("Prometheus to be gone", lambda: not self.kubectl.items("pod", NAMESPACE), seconds=60)

    def resume(self) -> None:
        """Let it run (again), and wait until it answers."""
        self._scale(1)
        until("Prometheus to answer", lambda: self.query("vector(1)"), seconds=60)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with ``metric`` and ``value``."""
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}:http/proxy/api/v1/query?query={quote(promql)}"
        return list(json.loads(self.kubectl.raw_get(path))["data"]["result"])

    def delete(self) -> None:
        """Take all of it off the cluster."""
        self.kubectl.run("delete", "-f", str(MANIFESTS), "--ignore-not-found", "--wait=false")

    def _scale(self, replicas: int) -> None:
        self.kubectl.run("scale", "deployment", SERVICE, "-n", NAMESPACE, f"--replicas={replicas}")
