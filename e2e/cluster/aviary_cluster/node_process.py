"""A `local` node seen from this machine: starting its namespaces, finding them again, ending them.

No pid file is trusted: a node is whatever process has its spec's path on its command line, so that a crash at any
moment (between starting a process and writing down its number, too) leaves nothing that cannot be found.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.daemon import is_running, kill_and_wait
from aviary_cluster.errors import ClusterError, ClusterTimeoutError
from aviary_cluster.node_spec import NodeSpec

_MODULE = "aviary_cluster.node_init"
_NAMESPACES = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child")
_START_SECONDS = 10.0
_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class NodeProcess:
    """A running node: its first process, by its number outside."""

    init_pid: int

    def enter_command(self, *command: str) -> list[str]:
        """Return the command line that runs a command inside the node."""
        namespaces = ("-m", "-p", "-n", "-u", "-i")
        return [_program("nsenter"), "-t", str(self.init_pid), *namespaces, *command]


def start_node(spec: NodeSpec, spec_path: Path, log: Path) -> NodeProcess:
    """Start a node's namespaces; returns when its first process exists.

    Raises:
        ClusterError: it ended at once; the message holds its log.
        ClusterTimeoutError: it did not appear within 10 s.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command("run", spec, spec_path),
            env=_environment(spec),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while (node := find_node(spec_path)) is None:
        if process.poll() is not None:
            raise ClusterError(f"node {spec.node} ended at once (exit {process.returncode}):\n{log.read_text()}")
        if time.monotonic() > deadline:
            raise ClusterTimeoutError(f"node {spec.node} did not start within {_START_SECONDS:.0f} s; see {log}")
        time.sleep(0.02)
    return node


def purge_node(spec: NodeSpec, spec_path: Path) -> None:
    """Remove earlier clusters' containers from a node's image store; the node must not be running."""
    command = _command("purge", spec, spec_path)
    run = subprocess.run(command, env=_environment(spec), capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise ClusterError(f"tidying {spec.containerd_root} failed: {run.stderr.strip()[-500:]}")


def find_node(spec_path: Path) -> NodeProcess | None:
    """Return the running node of this spec, or None."""
    for pid in _processes_of(spec_path):
        if _is_first_of_namespace(pid):
            return NodeProcess(init_pid=pid)
    return None


def end_node(spec_path: Path, *, grace_seconds: float) -> None:
    """End a node: SIGTERM and the grace (0: none), then SIGKILL; its namespaces go with it.

    Raises:
        ClusterError: a process survived SIGKILL for 10 s (a hung mount, most likely).
    """
    node = find_node(spec_path)
    if node is not None and grace_seconds > 0:
        kill_and_wait(node.init_pid, signal.SIGTERM, grace_seconds)
    # Also the `unshare` before it, and one caught half-way through starting.
    for pid in _processes_of(spec_path):
        if not kill_and_wait(pid, signal.SIGKILL, _KILL_SECONDS):
            raise ClusterError(f"process {pid} of {spec_path.parent} survived SIGKILL for {_KILL_SECONDS:.0f} s")


def fetch_running_specs() -> set[Path]:
    """Return the spec paths of all nodes running on this machine, whoever's they are."""
    return {Path(arguments[-1]) for _, arguments in _node_processes()}


def _processes_of(spec_path: Path) -> list[int]:
    return [pid for pid, arguments in _node_processes() if arguments[-1] == str(spec_path)]


def _node_processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except OSError:
            continue
        if _MODULE in arguments and is_running(int(entry.name)):
            yield int(entry.name), arguments


def _is_first_of_namespace(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


def _command(mode: str, spec: NodeSpec, spec_path: Path) -> Sequence[str]:
    return [_program("unshare"), *_NAMESPACES, spec.python, "-m", _MODULE, mode, str(spec_path)]


def _environment(spec: NodeSpec) -> dict[str, str]:
    """Return a small environment: nothing of the user's session should reach the cluster's daemons."""
    environment = {
        "PATH": spec.search_path,
        "HOME": spec.folder,
        "PYTHONPATH": os.pathsep.join([spec.assets, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if spec.library_path:
        environment["LD_LIBRARY_PATH"] = spec.library_path
    return environment


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ClusterError(f"`{name}` is not on PATH: install util-linux (needed by AVIARY_CLUSTER=local)")
    return found
