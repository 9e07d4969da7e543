"""One background process: started with a log, told apart from zombies, stopped for certain."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Daemon:
    """A child process of ours and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return self.process.poll() is None

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of its log, for error messages."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, grace_seconds: float) -> None:
        """SIGTERM, then SIGKILL after the grace (0: at once); returns when the process is gone."""
        if self.alive and grace_seconds > 0:
            self.process.terminate()
        try:
            self.process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_daemon(name: str, command: Sequence[str], log: Path, *, dies_with_parent: bool) -> Daemon:
    """Start a process in a session of its own, its output appended to the log.

    With `dies_with_parent` the kernel kills it when this process ends in any way, SIGKILL included.
    """
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", "KILL", "--"] if dies_with_parent and setpriv else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*leash, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Daemon(name=name, process=process, log=log)


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie (which `kill -0` cannot tell)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return fields.rpartition(")")[2].split()[0] not in {"Z", "X"}


def kill_and_wait(pid: int, sign: signal.Signals, seconds: float) -> bool:
    """Send a signal to any process and wait; returns whether it is gone."""
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
