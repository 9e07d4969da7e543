"""What the user chose, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aviary_cluster.address_plan import MAX_NODES, MAX_SLOT
from aviary_cluster.errors import ClusterError


class ProviderChoice(StrEnum):
    """The values of `AVIARY_CLUSTER`."""

    AUTO = "auto"
    LOCAL = "local"
    KIND = "kind"
    EXISTING = "existing"


@dataclass(frozen=True)
class Settings:
    """The environment variables the cluster providers read."""

    provider: ProviderChoice
    nodes: int
    slot: int
    node_grace_seconds: int
    """After how many silent seconds a `local` node is NotReady (Kubernetes' default: 40)."""
    chosen_kubeconfig: Path | None
    """`AVIARY_KUBECONFIG`: set for us, so it may be acted on."""
    general_kubeconfig: Path | None
    """`KUBECONFIG`: set for anything; acted on only with AVIARY_CLUSTER=existing."""


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ClusterError: a value that is none of those possible; the message names the variable.
    """
    choice = env.get("AVIARY_CLUSTER", "") or "auto"
    if choice not in set(ProviderChoice):
        raise ClusterError(f"AVIARY_CLUSTER must be one of {', '.join(ProviderChoice)}, not {choice!r}")
    return Settings(
        provider=ProviderChoice(choice),
        nodes=_number(env, "AVIARY_NODES", default=1, low=1, high=MAX_NODES),
        slot=_number(env, "AVIARY_CLUSTER_SLOT", default=0, low=0, high=MAX_SLOT),
        node_grace_seconds=_number(env, "AVIARY_NODE_GRACE_SECONDS", default=40, low=6, high=3600),
        chosen_kubeconfig=_path(env, "AVIARY_KUBECONFIG"),
        general_kubeconfig=_path(env, "KUBECONFIG"),
    )


def _number(env: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = env.get(name, "") or str(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ClusterError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _path(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name, "")
    return Path(value) if value else None
