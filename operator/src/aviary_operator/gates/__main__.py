"""``python -m aviary_operator.gates``: evaluate a gate from files, verify evidence logs. Needs no cluster."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aviary_operator.gates.offline import folder as folders
from aviary_operator.gates.offline.evaluate import evaluate_gate
from aviary_operator.gates.offline.folder import UsageError, read_evidence
from aviary_operator.gates.offline.verdict_text import render_json, render_markdown
from aviary_operator.gates.offline.verify import find_logs, render_checked, verify_log


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 only when the gate passes or every chain is whole, 1 when not, 2 on wrong use."""
    parser = argparse.ArgumentParser(prog="python -m aviary_operator.gates", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    evaluate = commands.add_parser(
        "evaluate",
        help="evaluate a gate from an evidence folder; exit code 0 only on PASS",
        description=folders.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument("-f", "--file", type=Path, required=True, metavar="GATE", help="the PromotionGate, YAML")
    evaluate.add_argument("--evidence", type=Path, required=True, metavar="DIR", help="the evidence folder")
    evaluate.add_argument("--format", choices=("json", "markdown"), default="markdown")
    verify = commands.add_parser("verify", help="check the chains of all evidence logs in a folder")
    verify.add_argument("folder", type=Path, metavar="DIR", help="the operator's evidence volume")
    options = parser.parse_args(arguments)
    try:
        return _evaluate(options) if options.command == "evaluate" else _verify(options.folder)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2


def _evaluate(options: argparse.Namespace) -> int:
    evidence = read_evidence(options.evidence, clock=datetime.now(UTC))
    verdict = evaluate_gate(options.file, evidence)
    print(render_json(verdict) if options.format == "json" else render_markdown(verdict))
    return 0 if verdict.passed else 1


def _verify(folder: Path) -> int:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    checked = [verify_log(path) for path in find_logs(folder)]
    for item in checked:
        print(render_checked(item))
    broken = sum(item.problem is not None for item in checked)
    entries = sum(item.entries for item in checked)
    print(f"{len(checked)} logs, {entries} entries, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
