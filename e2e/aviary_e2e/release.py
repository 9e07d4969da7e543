"""The charts on a cluster: installed, upgraded, killed and looked at."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from aviary_e2e.commands import REPOSITORY, cluster, output, run, say
from aviary_e2e.kubectl import Kubectl
from aviary_e2e.waiting import until

NAMESPACE: Final = "aviary-system"
RELEASE: Final = "aviary"
IMAGES: Final = ("bot", "operator", "services")
SAMPLES: Final = REPOSITORY / "manifests" / "samples"
OPERATOR_SELECTOR: Final = "app.kubernetes.io/component=operator"


@dataclass(frozen=True)
class Release:
    """Aviary on a cluster."""

    kubectl: Kubectl
    helm: Path
    namespace: str = NAMESPACE

    def install(self, *values: str) -> None:
        """Install or upgrade both charts, with the simulated venue; ``values`` are further ``--set`` arguments."""
        # the tag stays the same while the images are worked on: their digests make new pods of new images
        wanted = [
            "simVenue.enabled=true",
            f"operator.podAnnotations.image-digest={image_digest('operator')}",
            f"simVenue.podAnnotations.image-digest={image_digest('services')}",
            *values,
        ]
        settings = [argument for value in wanted for argument in ("--set", value)]
        self._helm("aviary-crds")
        self._helm(RELEASE, *settings)

    def upgrade(self, *, changed: bool) -> None:
        """Upgrade the chart; ``changed`` makes the operator's pod template another one."""
        self.install(*([f"operator.podAnnotations.upgraded-at={self.operator_pod()}"] if changed else []))

    def operator_pod(self) -> str:
        """Return the name of the operator's running pod.

        Raises:
            LookupError: when none runs.
        """
        for pod in self.kubectl.items("pod", self.namespace, selector=OPERATOR_SELECTOR):
            if pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp"):
                return str(pod["metadata"]["name"])
        raise LookupError(f"no operator runs in {self.namespace}")

    def kill_operator(self) -> None:
        """Delete the operator's pod without grace, as a lost machine would."""
        self.kubectl.run("delete", "pod", self.operator_pod(), "-n", self.namespace, "--force", "--grace-period=0")

    def wait_operator(self, *, seconds: float) -> None:
        """Wait until the operator's Deployment is available."""

        def available() -> bool:
            deployment = self.kubectl.items("deployment", self.namespace, selector=OPERATOR_SELECTOR)[0]
            status = deployment.get("status", {})
            return bool(
                status.get("availableReplicas", 0) >= 1
                and status.get("observedGeneration") == deployment["metadata"]["generation"]
                and status.get("updatedReplicas", 0) >= 1
                and status.get("replicas", 0) == 1
            )

        until("the operator to be available", available, seconds=seconds)

    def operator_metrics(self) -> dict[str, float]:
        """Return the operator's metrics, samples by name and labels as Prometheus spells them."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.operator_pod()}:9090/proxy/metrics"
        samples = re.findall(r"^([a-zA-Z_:][^ #]*) ([-+0-9.eEinfNa]+)$", self.kubectl.raw_get(path), re.MULTILINE)
        return {name: float(value) for name, value in samples}

    def writes_during(self, seconds: float) -> dict[str, int]:
        """Watch the operator for ``seconds`` and return how many writes it made: of figures, and others.

        All writes are those that the operator counts. A write of figures is a new version of a TradingBot that differs
        from the one before in ``status.observed`` alone.
        """
        begin = time.monotonic()
        calls, versions = self._writes_and_versions()
        first_calls, figures = calls, 0
        while time.monotonic() - begin < seconds:
            time.sleep(1.0)  # a period is measured here, no condition is awaited
            calls, now = self._writes_and_versions()
            figures += sum(
                1
                for uid, (version, rest) in now.items()
                if uid in versions and versions[uid][0] != version and versions[uid][1] == rest
            )
            versions = now
        return {"figures": figures, "others": calls - first_calls - figures}

    def _writes_and_versions(self) -> tuple[int, dict[str, tuple[str, str]]]:
        """Return the operator's count of writes and the bots' versions, of a moment in which it wrote nothing."""
        while True:
            calls = self._write_calls()
            versions = self._bot_versions()
            if calls == self._write_calls():
                return calls, versions

    def _write_calls(self) -> int:
        counted = re.compile(
            r'aviary_operator_api_calls_total\{.*verb="(?:post|put|patch|apply|delete)"', re.IGNORECASE
        )
        return int(sum(value for name, value in self.operator_metrics().items() if counted.match(name)))

    def _bot_versions(self) -> dict[str, tuple[str, str]]:
        versions = {}
        for item in json.loads(self.kubectl.run("get", "tradingbot", "-A", "-o", "json"))["items"]:
            status = {key: value for key, value in item.get("status", {}).items() if key != "observed"}
            rest = json.dumps([item["spec"], status], sort_keys=True)
            versions[item["metadata"]["uid"]] = (item["metadata"]["resourceVersion"], rest)
        return versions

    def _helm(self, chart: str, *settings: str) -> None:
        place = ("--namespace", self.namespace, "--create-namespace", "--kubeconfig", self.kubectl.kubeconfig)
        output(
            self.helm, "upgrade", "--install", chart, REPOSITORY / "charts" / chart,
            *place, "--wait", "--timeout", "180s", *settings,
        )  # fmt: skip


def running_release() -> Release:
    """Return the release on the running cluster.

    Raises:
        CommandError: when no cluster runs.
    """
    kubeconfig = Path(output(*cluster("kubeconfig")))
    kubectl = Kubectl(Path(output(*cluster("tool", "kubectl"))), kubeconfig)
    return Release(kubectl, Path(output(*cluster("tool", "helm"))))


def image_digest(name: str) -> str:
    """Return the digest of a built image."""
    return output(REPOSITORY / "images" / "build.sh", "--digest", name)


def build_images() -> None:
    """Build the three images, or find them built."""
    run(REPOSITORY / "images" / "build.sh", "all")


def load_images() -> None:
    """Bring the three images to the cluster's nodes."""
    archives = [output(REPOSITORY / "images" / "build.sh", "--print", name) for name in IMAGES]
    run(*cluster("load", *archives))


def desk_manifests(namespace: str) -> list[dict[str, Any]]:
    """Return the sample desk and a namespace for it, renamed to ``namespace``."""
    manifests = [*_documents(SAMPLES / "namespace.yaml"), *_documents(SAMPLES / "desk.yaml")]
    for manifest in manifests:
        metadata = manifest["metadata"]
        if manifest["kind"] == "Namespace":
            metadata["name"] = namespace
        else:
            metadata["namespace"] = namespace
    return manifests


def _documents(path: Path) -> list[dict[str, Any]]:
    return [dict(document) for document in yaml.safe_load_all(path.read_text()) if document]


def describe(release: Release) -> str:
    """Return one line about the cluster: its version and nodes."""
    version = json.loads(release.kubectl.run("version", "-o", "json"))["serverVersion"]["gitVersion"]
    nodes = release.kubectl.items("node", "")
    return f"Kubernetes {version}, {len(nodes)} node{'s' if len(nodes) != 1 else ''}"


def prepare() -> Release:
    """Bring a cluster up, build and load the images and install the charts; all of it repeatable."""
    run(*cluster("up"))
    build_images()
    load_images()
    release = running_release()
    say(f"==> installing the charts ({describe(release)})")
    release.install()
    release.wait_operator(seconds=120)
    return release
