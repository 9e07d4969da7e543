"""The benchmarks that belong to a part: they live in its ``bench`` folder and print a table of their own."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aviary_e2e.bench.figure import Figure
from aviary_e2e.commands import REPOSITORY, run

_GATES: Final = "gates.py"


def fillsim() -> Sequence[Figure]:
    """Run the fill simulation's benchmarks."""
    return _programs("controllers/fillsim/bench")


def operator() -> Sequence[Figure]:
    """Run the operator's benchmarks but that of the gates."""
    return _programs("operator/bench", without=_GATES)


def gates() -> Sequence[Figure]:
    """Run the operator's benchmark of the gates: how long it takes to decide them all."""
    return _run("operator/bench", [REPOSITORY / "operator" / "bench" / _GATES])


def _programs(folder: str, *, without: str = "") -> Sequence[Figure]:
    found = sorted((REPOSITORY / folder).glob("*.py"))
    programs = [path for path in found if not path.name.startswith("_") and path.name != without]
    if not programs:
        raise LookupError(f"{folder} has no benchmark")
    return _run(folder, programs)


def _run(folder: str, programs: Sequence[Path]) -> Sequence[Figure]:
    for program in programs:
        run(sys.executable, program)
    return [
        Figure(f"{folder}/{program.name}", "see above", "see above", "printed by the program") for program in programs
    ]
