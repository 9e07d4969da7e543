"""The kinds the operator reads or writes, and how each is addressed.

Written down instead of discovered: the operator must know these kinds anyway, and a start without discovery is faster
and needs no cache file on a read-only root.
"""

from dataclasses import dataclass
from typing import Any, Final

from aviary_crds.labels import GROUP, VERSION

type Manifest = dict[str, Any]
"""A Kubernetes object as plain JSON. The only place where Any crosses a border."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object in the API."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """``apiVersion`` as manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection, the object or its subresource."""
        parts = ["", "apis", self.group, self.version] if self.group else ["", "api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


TRADING_BOT: Final = Kind(GROUP, VERSION, "TradingBot", "tradingbots")
TRADING_DESK: Final = Kind(GROUP, VERSION, "TradingDesk", "tradingdesks")
PROMOTION_GATE: Final = Kind(GROUP, VERSION, "PromotionGate", "promotiongates")
PROMOTION_APPROVAL: Final = Kind(GROUP, VERSION, "PromotionApproval", "promotionapprovals")
SERVICE_ACCOUNT: Final = Kind("", "v1", "ServiceAccount", "serviceaccounts")
CONFIG_MAP: Final = Kind("", "v1", "ConfigMap", "configmaps")
VOLUME_CLAIM: Final = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE: Final = Kind("", "v1", "Service", "services")
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
STATEFUL_SET: Final = Kind("apps", "v1", "StatefulSet", "statefulsets")
POD: Final = Kind("", "v1", "Pod", "pods")
JOB: Final = Kind("batch", "v1", "Job", "jobs")
"""What a gate's check of source ``job`` runs."""
SECRET: Final = Kind("", "v1", "Secret", "secrets")
EVENT: Final = Kind("", "v1", "Event", "events")

CHILD_KINDS: Final = (SERVICE_ACCOUNT, CONFIG_MAP, VOLUME_CLAIM, SERVICE, NETWORK_POLICY, STATEFUL_SET)
"""What a TradingBot owns, in the order in which it is made. Pods are the StatefulSet's."""
