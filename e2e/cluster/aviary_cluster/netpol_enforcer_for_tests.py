"""A NetworkPolicy enforcer for tests on `local` clusters, one instance per node, in the node's own namespaces.

No maintained enforcer runs on the plain bridge network of `local` without downloads, and a policy nobody enforces
tests nothing. This one lists pods, namespaces and policies twice a second and writes one nftables table. Not for
any other use: it polls, knows IPv4 only, and a new pod is unprotected for up to half a second. kind and k3s bring
their own.

    python -m aviary_cluster.netpol_enforcer_for_tests KUBECONFIG NODE
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from aviary_cluster.api_probe import ApiProbe, ApiProbeError, probe_from_kubeconfig
from aviary_cluster.netpol_rules import ClusterView, read_cluster_view, render_rules

_POLL_SECONDS = 0.5


def fetch_view(probe: ApiProbe) -> ClusterView:
    """List everything the rules depend on, from the API server's watch cache; raises ApiProbeError."""
    return read_cluster_view(
        _items(probe, "/api/v1/pods"),
        _items(probe, "/api/v1/namespaces"),
        _items(probe, "/apis/networking.k8s.io/v1/networkpolicies"),
    )


def apply_rules(rules: str) -> str | None:
    """Load a rule set in one transaction; returns what nft said against it, or None."""
    run = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    return None if run.returncode == 0 else run.stderr.strip()


def enforce(probe: ApiProbe, node: str) -> None:
    """Keep the node's rules equal to the cluster's policies, forever. On any error the last rules stay in force."""
    loaded = ""
    while True:
        try:
            rules = render_rules(fetch_view(probe), node)
        except ApiProbeError as error:
            _log(f"rules kept: {error}")
        else:
            refusal = apply_rules(rules) if rules != loaded else None
            if refusal is not None:
                _log(f"rules refused: {refusal}\n{rules}")
            elif rules != loaded:
                loaded = rules
                _log(f"rules loaded: {rules.count('jump')} selected directions")
        time.sleep(_POLL_SECONDS)


def _items(probe: ApiProbe, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = probe.get_json(f"{path}?resourceVersion=0").get("items") or []
    return items


def _log(text: str) -> None:
    print(f"{time.time():.2f} {text}", flush=True)


if __name__ == "__main__":
    enforce(probe_from_kubeconfig(Path(sys.argv[1])), sys.argv[2])
