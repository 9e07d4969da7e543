"""The command line as make and people use it: results on stdout, the rest on stderr, no tracebacks."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give the program, with a state folder and a slot that nobody uses."""

    def call(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        base = {k: v for k, v in os.environ.items() if not k.startswith("AVIARY_") and k != "KUBECONFIG"}
        own = {"XDG_STATE_HOME": str(tmp_path), "AVIARY_CLUSTER_SLOT": "7", "AVIARY_CLUSTER": "local"}
        command = [sys.executable, "-m", "aviary_cluster", *arguments]
        return subprocess.run(command, env=base | own | env, capture_output=True, text=True, check=False)

    return call


def test_status_without_a_cluster_says_so_and_fails(run: Run) -> None:
    done = run("status")
    assert done.returncode == 1
    assert "running     no" in done.stdout


def test_kubeconfig_without_a_cluster_prints_nothing_on_stdout(run: Run) -> None:
    done = run("kubeconfig")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not up: `make up`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (["status"], {"AVIARY_CLUSTER": "minikube"}, "AVIARY_CLUSTER must be one of"),
        (["up"], {"AVIARY_NODES": "9"}, "AVIARY_NODES must be"),
        (["load", "/no/such.tar"], {}, "not up"),
        (["node-kill", "1"], {}, "there is no node 1"),
        (["apiserver-stop"], {}, "there is no node 1"),
        (["tool", "kubelte"], {}, "no tool 'kubelte'"),
        (["down"], {"AVIARY_CLUSTER": "existing"}, "needs KUBECONFIG"),
    ],
)
def test_errors_are_one_message_with_the_remedy(
    run: Run, arguments: list[str], env: dict[str, str], message: str
) -> None:
    done = run(*arguments, **env)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_tool_prints_a_path_that_runs(run: Run) -> None:
    path = run("tool", "kubectl").stdout.strip()
    version = subprocess.run([path, "version", "--client"], capture_output=True, text=True, check=True).stdout
    assert "v1.34.4" in version
