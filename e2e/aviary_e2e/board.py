"""A live board of the bots in a terminal; plain lines, one per change, where there is no terminal."""

import sys
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from aviary_e2e.kubectl import Kubectl

REFRESH_SECONDS: Final = 1.0


def board_text(kubectl: Kubectl, namespace: str) -> str:
    """Return what ``kubectl get tbot`` prints."""
    return kubectl.run("get", "tradingbots", "-n", namespace).rstrip()


def show_until(kubectl: Kubectl, namespace: str, done: Callable[[], bool], *, seconds: float) -> bool:
    """Show the board until ``done`` or until ``seconds`` have passed; return whether ``done`` came true."""
    deadline = time.monotonic() + seconds
    console = Console()
    if not sys.stdout.isatty():
        return _print_changes(kubectl, namespace, done, deadline)
    with Live(console=console, refresh_per_second=2, transient=False) as live:
        while True:
            live.update(Text(board_text(kubectl, namespace), no_wrap=True))
            if done():
                live.update(Text(board_text(kubectl, namespace), no_wrap=True))
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(REFRESH_SECONDS)


def _print_changes(kubectl: Kubectl, namespace: str, done: Callable[[], bool], deadline: float) -> bool:
    last: set[str] = set()
    while True:
        lines = board_text(kubectl, namespace).splitlines()
        # the age changes all the time and says nothing here
        rows = {line.rsplit(maxsplit=1)[0]: line for line in lines}
        for key, line in rows.items():
            if key not in last:
                print(line, flush=True)
        last = set(rows)
        if done():
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(REFRESH_SECONDS)
