"""Which provider `auto` means on this machine: a pure decision over a few facts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.errors import ClusterError
from aviary_cluster.settings import ProviderChoice, Settings

_ENGINE_SECONDS = 10.0


@dataclass(frozen=True)
class MachineFacts:
    """What the decision rests on."""

    linux: bool
    root: bool
    kind_installed: bool
    engine: str | None
    """`docker` or `podman` when it answers."""
    local_running: bool = False
    """Whether a `local` cluster of this slot runs: `auto` goes on with it, whatever was installed since."""


@dataclass(frozen=True)
class Decision:
    """A provider, and for `existing` the kubeconfig it acts on."""

    provider: ProviderChoice
    kubeconfig: Path | None = None


def decide_provider(settings: Settings, facts: MachineFacts) -> Decision:
    """Decide. A kubeconfig is acted on only when the user chose it for this: never the one that happens to be there.

    Raises:
        ClusterError: the choice is impossible here, or `auto` finds nothing; the message names the alternatives.
    """
    match settings.provider:
        case ProviderChoice.EXISTING:
            return _existing(settings)
        case ProviderChoice.KIND:
            if not facts.kind_installed or facts.engine is None:
                missing = "kind is not on PATH" if not facts.kind_installed else "neither Docker nor Podman answers"
                raise ClusterError(
                    f"AVIARY_CLUSTER=kind, but {missing}; https://kind.sigs.k8s.io says how to install it"
                )
            return Decision(ProviderChoice.KIND)
        case ProviderChoice.LOCAL:
            return Decision(ProviderChoice.LOCAL)
        case ProviderChoice.AUTO:
            return _auto(settings, facts)


def fetch_machine_facts(*, local_running: bool) -> MachineFacts:
    """Look at this machine."""
    return MachineFacts(
        linux=sys.platform == "linux",
        root=os.geteuid() == 0,
        kind_installed=shutil.which("kind") is not None,
        engine=next((engine for engine in ("docker", "podman") if _answers(engine)), None),
        local_running=local_running,
    )


def engine_environment(engine: str | None) -> Mapping[str, str]:
    """Return what kind must be told about the engine: it takes Docker unless asked for Podman."""
    return {"KIND_EXPERIMENTAL_PROVIDER": "podman"} if engine == "podman" else {}


def _auto(settings: Settings, facts: MachineFacts) -> Decision:
    if settings.chosen_kubeconfig is not None:
        return _existing(settings)
    if facts.local_running:
        return Decision(ProviderChoice.LOCAL)
    if facts.kind_installed and facts.engine is not None:
        return Decision(ProviderChoice.KIND)
    if facts.linux and facts.root:
        return Decision(ProviderChoice.LOCAL)
    raise ClusterError(
        "no way to a cluster here: run as root on Linux for AVIARY_CLUSTER=local; or install Docker and kind; or set "
        "AVIARY_CLUSTER=existing with KUBECONFIG naming your cluster's kubeconfig."
    )


def _existing(settings: Settings) -> Decision:
    kubeconfig = settings.chosen_kubeconfig or settings.general_kubeconfig
    if kubeconfig is None:
        raise ClusterError("AVIARY_CLUSTER=existing needs KUBECONFIG (or AVIARY_KUBECONFIG): no default file is used")
    if ":" in str(kubeconfig):
        raise ClusterError(f"KUBECONFIG (or AVIARY_KUBECONFIG) must name one file here, not a list: {kubeconfig}")
    if not kubeconfig.is_file():
        raise ClusterError(f"the kubeconfig {kubeconfig} does not exist or is not a file")
    return Decision(ProviderChoice.EXISTING, kubeconfig.absolute())


def _answers(engine: str) -> bool:
    if shutil.which(engine) is None:
        return False
    try:
        run = subprocess.run([engine, "info"], capture_output=True, timeout=_ENGINE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0
