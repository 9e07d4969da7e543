"""Running other people's programs (kind, kubectl) with their own words in the error."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from aviary_cluster.errors import ClusterError


def run_command(command: Sequence[str], *, env: Mapping[str, str] | None = None, shows: bool = False) -> str:
    """Run a command and return its standard output; with `shows` the person sees its progress instead.

    Raises:
        ClusterError: it is not there or ended with an error; the message holds what it said.
    """
    try:
        run = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            stdout=None if shows else subprocess.PIPE,
            stderr=None if shows else subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"`{command[0]}` is not on PATH") from error
    if run.returncode != 0:
        said = (run.stderr or "").strip()[-800:]
        raise ClusterError(f"`{' '.join(command)}` failed (exit {run.returncode}){': ' + said if said else ''}")
    return run.stdout or ""
