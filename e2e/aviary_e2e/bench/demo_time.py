"""How long ``make demo`` takes to the first fill: with everything cached, and cold when asked for.

Cold means empty caches: AVIARY_BENCH_COLD=1 runs it with a cache folder of its own, which takes long.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence

from aviary_e2e.bench.figure import Figure
from aviary_e2e.commands import REPOSITORY, CommandError, cluster, run


def measure() -> Sequence[Figure]:
    """Take the cluster down, run ``make demo``, read the time it prints."""
    figures = [
        Figure("make demo, cached, to the first fill", "≤ 90 s", f"{_demo({})} s", "one run, cluster down before")
    ]
    if os.environ.get("AVIARY_BENCH_COLD"):
        with tempfile.TemporaryDirectory() as folder:
            seconds = _demo({"XDG_CACHE_HOME": folder})
        figures.append(Figure("make demo, cold", "≤ 25 min", f"{seconds / 60:.1f} min", "one run, empty cache folder"))
    return figures


def _demo(environment: dict[str, str]) -> int:
    run(*cluster("down"))
    done = subprocess.run(
        ["make", "demo"], cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    found = re.search(r"First fill: \S+, (\d+) s", done.stdout)
    if not found:
        raise CommandError(f"make demo had no fill:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return int(found.group(1))
