"""Checks the chains of evidence logs, one line a gate."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aviary_operator.gates.evidence_chain import ChainError, follow_chain, load_entry


@dataclass(frozen=True, slots=True)
class Checked:
    """One log. ``problem`` None: its chain is whole."""

    path: Path
    entries: int
    head: str
    gate: str
    outcomes: Counter[str]
    torn: int
    problem: str | None


def verify_log(path: Path) -> Checked:
    """Follow the chain of one log and count what is in it."""
    outcomes, gate = Counter[str](), ""

    def look(_: str, line: bytes) -> None:
        nonlocal gate
        entry = load_entry(line)
        outcomes[entry.measurement.outcome.value] += 1
        gate = f"{entry.namespace}/{entry.gate}"

    try:
        with path.open("rb") as file:
            chain = follow_chain(file, each=look)
    except (ChainError, OSError) as error:
        return Checked(path, sum(outcomes.values()), "", gate, outcomes, 0, str(error))
    return Checked(path, chain.entries, chain.head if chain.entries else "", gate, outcomes, chain.torn, None)


def find_logs(folder: Path) -> list[Path]:
    """Return the logs in a folder; the files of runs are none."""
    return sorted(path for path in folder.glob("*.jsonl") if not path.name.endswith(".run.jsonl"))


def render_checked(checked: Checked) -> str:
    """Return a log as one line."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(checked.outcomes.items())) or "nothing"
    torn = f"; {checked.torn} bytes of a torn last line" if checked.torn else ""
    said = "whole" if checked.problem is None else f"BROKEN: {checked.problem}"
    cells = (checked.path.name, checked.gate or "-", f"{checked.entries} entries", counts, checked.head or "-")
    return "\t".join((*cells, said + torn))
