"""A measured figure, and the machine it was measured on."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    target: str
    measured: str
    how: str


def machine() -> str:
    """Return processor, cores, memory and kernel of this machine in one line."""
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {processor}, {gigabytes:.0f} GiB, Linux {platform.release()}"


def spread(values: Sequence[float], unit: str) -> str:
    """Return median, 95th percentile and range of ``values``."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return (
        f"median {statistics.median(ordered):.1f}, p95 {p95:.1f} {unit} "
        f"({ordered[0]:.1f} to {ordered[-1]:.1f}, n={len(ordered)})"
    )
