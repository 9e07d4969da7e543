"""An operator in a process of its own, whose memory and processor time can be read: for benchmarks."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from aviary_operator_simulation.cluster import free_port

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")

_OPERATE: Final = """
import asyncio, sys
from aviary_operator.main import run
from aviary_operator.runtime.logs import configure_logs
from aviary_operator.settings import OperatorSettings
configure_logs("WARNING")
asyncio.run(run(OperatorSettings(), bot_port=int(sys.argv[1])))
"""


@dataclass(frozen=True)
class Sample:
    """Figures of a process at one time."""

    when: float
    cpu_seconds: float
    rss_mb: float


class OperatorProcess:
    """A running operator."""

    def __init__(self, process: "subprocess.Popen[bytes]", http_port: int) -> None:
        self._process = process
        self._http_port = http_port

    def sample(self) -> Sample:
        """Return processor time and resident memory now."""
        folder = Path(f"/proc/{self._process.pid}")
        fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
        return Sample(time.monotonic(), (int(fields[11]) + int(fields[12])) / _TICK, pages * _PAGE / 1e6)

    def metrics(self) -> dict[str, float]:
        """Return its metrics as ``name{label=value,...}``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = {}
        for family in text_string_to_metric_families(text):
            for item in family.samples:
                labels = ",".join(f"{key}={value}" for key, value in sorted(item.labels.items()))
                found[f"{item.name}{{{labels}}}"] = float(item.value)
        return found

    def quantile(self, share: float) -> float:
        """Return the upper bound of the bucket in which this share of the bots' reconciles lies, in seconds."""
        head = "aviary_operator_reconcile_seconds_bucket{kind=TradingBot,le="
        buckets = sorted(
            (float(name.removeprefix(head).rstrip("}")), value)
            for name, value in self.metrics().items()
            if name.startswith(head)
        )
        total = buckets[-1][1]
        return next(bound for bound, count in buckets if count >= share * total)

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004  OK
        except (urllib.error.URLError, OSError):
            return False


@asynccontextmanager
async def run_process(
    arguments: Sequence[str], environment: dict[str, str], *, log: Path
) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """Run a Python process until the block ends; then SIGTERM, and SIGKILL after 20 s."""
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: ASYNC220  forks in a millisecond
            [sys.executable, *arguments], env={**os.environ, **environment}, stderr=out, stdout=out
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def run_operator(
    kubeconfig: Path, *, namespaces: Sequence[str], own: str, bot_port: int, log: Path
) -> AsyncIterator[OperatorProcess]:
    """Run an operator until the block ends."""
    http_port = free_port()
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "AVIARY_NAMESPACE": own,
        "AVIARY_WATCH_NAMESPACES": ",".join(namespaces),
        "AVIARY_HTTP_PORT": str(http_port),
    }
    async with run_process(["-c", _OPERATE, str(bot_port)], environment, log=log) as process:
        yield OperatorProcess(process, http_port)
