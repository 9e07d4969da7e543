"""The charts as helm renders and installs them, for the tests of this folder."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_cluster.binaries import ensure
from aviary_cluster.controlplane import ControlPlane
from aviary_cluster.pytest_controlplane import kube_apiserver

__all__ = ["kube_apiserver"]

CHARTS = Path(__file__).resolve().parents[1]
KUBE_VERSION = "1.34.0"
Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def helm() -> Path:
    """Give the helm binary."""
    return ensure("helm")


@pytest.fixture(scope="session")
def kubectl_binary() -> Path:
    """Give the kubectl binary."""
    return ensure("kubectl")


@pytest.fixture(scope="session")
def template(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs ``helm template`` on a chart with values; its exit code is the caller's to judge."""

    def run(chart: str, values: Manifest | None = None) -> subprocess.CompletedProcess[str]:
        file = tmp_path_factory.mktemp("values") / "values.json"
        file.write_text(json.dumps(values or {}))
        return subprocess.run(
            [helm, "template", "aviary", CHARTS / chart, "--namespace", "aviary-system", "--values", file,
             "--kube-version", KUBE_VERSION],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def render(template: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., list[Manifest]]:
    """Give a function that renders a chart with values into manifests."""

    def run(chart: str, values: Manifest | None = None) -> list[Manifest]:
        done = template(chart, values)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return run


@pytest.fixture(scope="session")
def kubectl(kubectl_binary: Path, kube_apiserver: ControlPlane) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs kubectl as the admin; ``check=False`` leaves the exit code to the caller."""

    def run(*args: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [kubectl_binary, "--kubeconfig", kube_apiserver.kubeconfig, *args],
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"kubectl {' '.join(args)}: {done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def helm_upgrade(helm: Path, kube_apiserver: ControlPlane) -> Callable[..., str]:
    """Give a function that installs or upgrades a chart on the API server and returns what helm says."""

    def run(chart: str, namespace: str, *arguments: str) -> str:
        done = subprocess.run(
            [helm, "upgrade", "--install", chart, CHARTS / chart, "--namespace", namespace, "--create-namespace",
             "--kubeconfig", kube_apiserver.kubeconfig, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The kinds come first: a policy with a TradingDesk as its parameter is looked up but every 30 s until there is one.
    run("aviary-crds", "aviary-system")
    return run


@pytest.fixture(scope="session")
def installed_crds(helm_upgrade: Callable[..., str], kubectl: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Install the kinds; what needs them names this fixture."""
    helm_upgrade("aviary-crds", "aviary-system")
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "-l", "app.kubernetes.io/name=aviary-crds")
