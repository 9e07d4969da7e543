"""Running the repository's own commands: cluster providers, image builds, helm."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]


class CommandError(RuntimeError):
    """A command of the repository failed; the message has its last words."""


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(text, flush=True)


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command in the repository, its output going where ours goes.

    Raises:
        CommandError: when it exits with another code than 0.
    """
    done = subprocess.run([str(part) for part in command], cwd=REPOSITORY, env=_environment(env), check=False)
    if done.returncode != 0:
        raise CommandError(f"{' '.join(str(part) for part in command)}: exit code {done.returncode}")


def output(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command in the repository and return what it printed to stdout, stripped.

    Raises:
        CommandError: when it exits with another code than 0; its stderr is in the message.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=_environment(env),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise CommandError(f"{' '.join(str(part) for part in command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def cluster(*args: str) -> tuple[str, ...]:
    """Return the command line of the cluster providers' program."""
    return (sys.executable, "-m", "aviary_cluster", *args)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(extra or {})}
