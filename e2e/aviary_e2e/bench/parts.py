"""The benchmarks that belong to a part: they live in its ``bench`` folder and print a table of their own."""

import sys
from collections.abc import Sequence

from aviary_e2e.bench.figure import Figure
from aviary_e2e.commands import REPOSITORY, run


def fillsim() -> Sequence[Figure]:
    """Run the fill simulation's benchmarks."""
    return _programs("controllers/fillsim/bench")


def operator() -> Sequence[Figure]:
    """Run the operator's benchmarks."""
    return _programs("operator/bench")


def _programs(folder: str) -> Sequence[Figure]:
    programs = sorted(path for path in (REPOSITORY / folder).glob("*.py") if not path.name.startswith("_"))
    if not programs:
        raise LookupError(f"{folder} has no benchmark")
    for program in programs:
        run(sys.executable, program)
    return [
        Figure(f"{folder}/{program.name}", "see above", "see above", "printed by the program") for program in programs
    ]
