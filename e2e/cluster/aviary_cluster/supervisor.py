"""Keeping a node's daemons running, as systemd would: start when their condition holds, restart when they end."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.daemon import Daemon, start_daemon

_RESTART_SECONDS = 1.0
_STOP_SECONDS = 3.0


@dataclass(frozen=True)
class Supervised:
    """One daemon and when it may start."""

    name: str
    command: Sequence[str]
    may_start: Callable[[], bool] = lambda: True


class Supervisor:
    """Starts and restarts daemons; everything happens in `tick`, so signal handlers only leave a note."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wanted: dict[str, Supervised] = {}
        self._running: dict[str, Daemon] = {}
        self._held: set[str] = set()
        self._not_before: dict[str, float] = {}

    def add(self, daemon: Supervised) -> None:
        """Take a daemon in; it starts at the next tick at which its condition holds."""
        self._wanted[daemon.name] = daemon

    def hold(self, name: str) -> None:
        """Kill a daemon at the next tick, as a crash would, and keep it down."""
        self._held.add(name)

    def release(self, name: str) -> None:
        """Let a held daemon run again."""
        self._held.discard(name)

    def stop(self, name: str) -> None:
        """Stop a daemon for good, now."""
        self._held.add(name)
        self._end(name, grace_seconds=_STOP_SECONDS)

    def tick(self, now: float) -> None:
        """Bring what runs closer to what should; `now` is monotonic seconds."""
        for name in self._held & self._running.keys():
            self._end(name, grace_seconds=0)
        for name, daemon in list(self._running.items()):
            if not daemon.alive:
                self._note(f"{name} ended with {daemon.process.returncode}, to be restarted")
                del self._running[name]
                self._not_before[name] = now + _RESTART_SECONDS
        for name, wanted in self._wanted.items():
            due = now >= self._not_before.get(name, 0.0)
            if name not in self._running and name not in self._held and due and wanted.may_start():
                log = self._folder / f"{name}.log"
                self._running[name] = start_daemon(name, wanted.command, log, dies_with_parent=False)
                self._note(f"{name} started")
        _reap_orphans({daemon.process.pid for daemon in self._running.values()})

    def _end(self, name: str, grace_seconds: float) -> None:
        daemon = self._running.pop(name, None)
        if daemon is not None:
            daemon.stop(grace_seconds)
            self._note(f"{name} stopped")

    def _note(self, text: str) -> None:
        with (self._folder / "events.log").open("a", encoding="utf-8") as events:
            events.write(f"{time.time():.3f} {text}\n")


def _reap_orphans(own: set[int]) -> None:
    """Collect the dead that were left to process 1; our own children are waited for by their owner."""
    while True:
        try:
            waiting = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if waiting is None or waiting.si_pid in own:
            return
        os.waitpid(waiting.si_pid, os.WNOHANG)
