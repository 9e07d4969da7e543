"""Running the scenarios: on the cluster that runs, or on one started for them and taken down after."""

import subprocess
import sys

from aviary_e2e.commands import REPOSITORY, CommandError, cluster, output, run, say
from aviary_e2e.release import prepare


def run_scenarios(arguments: list[str]) -> int:
    """Prepare a cluster with the release, run pytest on ``e2e/scenarios`` with ``arguments``, return its exit code."""
    ours = not _cluster_runs()
    try:
        prepare()
        command = [sys.executable, "-m", "pytest", "-q", "e2e/scenarios", *arguments]
        return subprocess.run(command, cwd=REPOSITORY, check=False).returncode
    finally:
        if ours:
            run(*cluster("down"))
        else:
            say("the cluster was running before and is left running")


def _cluster_runs() -> bool:
    try:
        output(*cluster("kubeconfig"))
    except CommandError:
        return False
    return True
