"""``kubectl`` as a typed object: each method is a command a person could type."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Manifest = dict[str, Any]

TIMEOUT_SECONDS: Final = 60.0


class KubectlError(RuntimeError):
    """kubectl said no; the message is its own."""


def log_lines(text: str) -> list[dict[str, Any]]:
    """Return the JSON lines of a log; other lines are left out."""
    lines = []
    for line in text.splitlines():
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                lines.append(value)
    return lines


@dataclass(frozen=True)
class FollowedLogs:
    """The log of a pod that is being followed to its end."""

    process: subprocess.Popen[bytes]
    file: Path

    def wait_end(self, *, seconds: float) -> list[dict[str, Any]]:
        """Wait until the log ends, and return its JSON lines.

        Raises:
            subprocess.TimeoutExpired: when the container still runs after ``seconds``.
        """
        self.process.wait(timeout=seconds)
        return log_lines(self.file.read_text())


@dataclass(frozen=True)
class Kubectl:
    """A kubectl binary and the cluster it talks to."""

    binary: Path
    kubeconfig: Path
    as_user: str | None = None

    def run(self, *args: str, stdin: str | None = None, timeout: float = TIMEOUT_SECONDS) -> str:
        """Run kubectl with ``args`` and return what it printed.

        Raises:
            KubectlError: with kubectl's own words when it exits with another code than 0.
        """
        command = [str(self.binary), "--kubeconfig", str(self.kubeconfig)]
        if self.as_user:
            command += ["--as", self.as_user]
        done = subprocess.run(
            [*command, *args], input=stdin, capture_output=True, text=True, check=False, timeout=timeout
        )
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(args)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def get(self, kind: str, name: str, namespace: str) -> Manifest | None:
        """Return one object, or None when there is none."""
        text = self.run("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
        return dict(json.loads(text)) if text.strip() else None

    def items(self, kind: str, namespace: str, *, selector: str = "") -> list[Manifest]:
        """Return the objects of a kind, oldest name first."""
        args = ["get", kind, "-n", namespace, "-o", "json"]
        if selector:
            args += ["-l", selector]
        return list(json.loads(self.run(*args))["items"])

    def apply(self, manifests: Iterable[Mapping[str, Any]]) -> None:
        """Apply ``manifests`` server-side, as ``kubectl apply --server-side`` does."""
        bundle = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self.run("apply", "--server-side", "-f", "-", stdin=bundle)

    def patch(self, kind: str, name: str, namespace: str, merge: Mapping[str, Any]) -> None:
        """Merge ``merge`` into an object, as ``kubectl patch --type merge`` does."""
        self.run("patch", kind, name, "-n", namespace, "--type", "merge", "-p", json.dumps(merge))

    def delete(self, kind: str, name: str, namespace: str, *, wait: bool = False) -> None:
        """Delete an object if it is there."""
        self.run("delete", kind, name, "-n", namespace, "--ignore-not-found", f"--wait={str(wait).lower()}")

    def raw_get(self, path: str) -> str:
        """Return the answer to a GET of ``path`` at the API server, proxies to pods and Services included."""
        return self.run("get", "--raw", path)

    def raw_post(self, path: str, body: str) -> str:
        """Return the answer to a POST of ``body`` to ``path`` at the API server."""
        return self.run("create", "--raw", path, "-f", "-", stdin=body)

    def logs(self, pod: str, namespace: str, *, previous: bool = False) -> list[dict[str, Any]]:
        """Return the JSON lines of a pod's log."""
        args = ["logs", pod, "-n", namespace]
        return log_lines(self.run(*args, "--previous") if previous else self.run(*args))

    @contextmanager
    def follow_logs(self, pod: str, namespace: str) -> Iterator[FollowedLogs]:
        """Follow a pod's log while the block runs, so that its last words are kept when the pod is gone."""
        command = [str(self.binary), "--kubeconfig", str(self.kubeconfig), "logs", "-f", pod, "-n", namespace]
        with tempfile.NamedTemporaryFile(suffix=".log") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
            try:
                yield FollowedLogs(process, Path(file.name))
            finally:
                process.kill()
                process.wait()
