"""The node's supervisor, on real processes: starts when it may, restarts what ends, holds what is held."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aviary_cluster.supervisor import Supervised, Supervisor

WaitFor = Callable[..., None]


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(tmp_path)


def pids(supervisor: Supervisor) -> dict[str, int]:
    return {name: daemon.process.pid for name, daemon in supervisor._running.items()}


def test_a_daemon_starts_only_when_its_condition_holds_and_is_restarted_when_killed(
    supervisor: Supervisor, tmp_path: Path, wait_for: WaitFor
) -> None:
    allowed = False
    supervisor.add(Supervised("sleeper", ["sleep", "1000"], lambda: allowed))
    supervisor.tick(now=0.0)
    assert pids(supervisor) == {}
    allowed = True
    supervisor.tick(now=0.1)
    first = pids(supervisor)["sleeper"]
    os.kill(first, signal.SIGKILL)
    daemon = supervisor._running["sleeper"]
    wait_for(lambda: not daemon.alive, seconds=5, what="killed")
    supervisor.tick(now=0.2)
    assert pids(supervisor) == {}, "not at once: a daemon that cannot run must not be started in a loop"
    supervisor.tick(now=1.3)
    assert pids(supervisor)["sleeper"] != first
    supervisor.stop("sleeper")
    assert "ended with -9, to be restarted" in (tmp_path / "events.log").read_text()


def test_a_held_daemon_ends_at_the_next_tick_and_comes_back_when_released(supervisor: Supervisor) -> None:
    supervisor.add(Supervised("sleeper", ["sleep", "1000"]))
    supervisor.tick(now=0.0)
    daemon = supervisor._running["sleeper"]
    supervisor.hold("sleeper")
    supervisor.tick(now=5.0)
    assert not daemon.alive
    supervisor.tick(now=10.0)
    assert pids(supervisor) == {}
    supervisor.release("sleeper")
    supervisor.tick(now=10.1)
    assert "sleeper" in pids(supervisor)
    supervisor.stop("sleeper")
    supervisor.tick(now=99.0)
    assert pids(supervisor) == {}, "stopped for good"


def test_a_daemon_that_ignores_sigterm_is_killed_after_the_grace(supervisor: Supervisor) -> None:
    supervisor.add(Supervised("stubborn", ["bash", "-c", "trap '' TERM; while :; do sleep 0.1; done"]))
    supervisor.tick(now=0.0)
    daemon = supervisor._running["stubborn"]
    begin = time.monotonic()
    supervisor.stop("stubborn")
    assert not daemon.alive
    assert time.monotonic() - begin < 10
