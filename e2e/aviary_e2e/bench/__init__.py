"""``make bench``: measures what the product promises and prints one table, with medians and the machine named.

Benchmarks are not tests: nothing here passes or fails. Each module measures one thing and returns ``Figure`` rows;
those of a part (operator, fill simulation) are that part's own programs, run here and printed as they print.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table

from aviary_e2e.bench import bot_footprint, demo_time, idle, parts, readiness
from aviary_e2e.bench.figure import Figure, machine

BENCHMARKS: Final[dict[str, Callable[[], Sequence[Figure]]]] = {
    "fillsim": parts.fillsim,
    "operator": parts.operator,
    "gates": parts.gates,
    "demo": demo_time.measure,
    "readiness": readiness.measure,
    "idle": idle.measure,
    "bot": bot_footprint.measure,
}


def bench(names: Sequence[str]) -> int:
    """Run the benchmarks of these names, all without names; print the table; return the exit code."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
        return 2
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        print(f"==> {name}", flush=True)
        figures += BENCHMARKS[name]()
    table = Table(title=f"{machine()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    for column in ("what", "to reach", "measured", "how"):
        table.add_column(column, overflow="fold")
    for figure in figures:
        table.add_row(figure.what, figure.target, figure.measured, figure.how)
    Console(width=150).print(table)
    return 0
