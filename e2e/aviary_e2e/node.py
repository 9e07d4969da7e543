"""Reaching a container's processes from its node, for the one thing no API offers: a process that simply dies.

Signals sent from inside a container do not reach its PID 1 when it has no handler for them; the kernel protects it. So
the process is found on this machine, by the pod's uid in its control group, which works when the cluster's nodes are
this machine (providers ``local`` and ``kind``) and this process is root.
"""

import os
import signal
from pathlib import Path


def container_pids(pod_uid: str, command_word: str) -> list[int]:
    """Return the pids on this machine of a pod's processes whose command line has ``command_word``."""
    spellings = {pod_uid, pod_uid.replace("-", "_")}
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            groups = (folder / "cgroup").read_text()
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if any(spelling in groups for spelling in spellings) and command_word in command:
            found.append(int(folder.name))
    return found


def kill_container(pod_uid: str, command_word: str, *, with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Send ``with_signal`` to the pod's process whose command line has ``command_word``.

    Raises:
        LookupError: when this machine has no such process: the cluster's nodes are elsewhere, or this is not root.
    """
    pids = container_pids(pod_uid, command_word)
    if not pids:
        raise LookupError(
            f"no process {command_word!r} of pod {pod_uid} on this machine: this scenario needs nodes that are this "
            "machine (AVIARY_CLUSTER=local or kind) and root"
        )
    for pid in pids:
        os.kill(pid, with_signal)
