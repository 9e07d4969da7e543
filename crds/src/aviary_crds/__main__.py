"""``python -m aviary_crds``: make the generated files, check them, check manifests, make gates and reports.

Exit codes: 0 all well, 1 something is not as it should be, 2 wrong use.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aviary_crds.gate_templates import ChoiceError, TemplateError, build_gate, read_templates, render_gate
from aviary_crds.generated_files import (
    find_drift,
    find_strangers,
    render_definitions,
    render_reference,
    write_files,
)
from aviary_crds.labels import GROUP
from aviary_crds.manifests import check_manifests, find_manifests
from aviary_crds.report_command import DocumentError, UsageError, add_report_command, run_report_command
from aviary_crds.report_schema import build_report_schema

_REPOSITORY: Final = Path(__file__).resolve().parents[3]


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m aviary_crds", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what, folder in (
        ("generate", "write CRDs and JSON schemas", _REPOSITORY / "crds" / "generated"),
        ("docs", "write the reference pages", _REPOSITORY / "docs" / "reference"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
        command.add_argument("--folder", type=Path, default=folder, help="where the files are")
    validate = commands.add_parser("validate", help="check manifests without a cluster")
    validate.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="YAML files or folders; other kinds are passed over",
    )
    _add_gate(commands)
    _add_report(commands)
    chosen = parser.parse_args(arguments)
    match chosen.command:
        case "generate":
            files = render_definitions()
            strangers = find_strangers(chosen.folder, files)
            return _settle(chosen.folder, files, strangers, check=chosen.check, remedy="make crds")
        case "docs":
            return _settle(chosen.folder, render_reference(), [], check=chosen.check, remedy="make docs")
        case "gate":
            return _gate(chosen)
        case "report":
            return _report(chosen)
        case "schema":
            print(json.dumps(build_report_schema(), indent=2, ensure_ascii=False))
            return 0
        case _:
            return _validate(chosen.paths)


def _add_gate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    what = "print a bot's gate, made from a template of the catalogue"
    gate = commands.add_parser("gate", help=what, description=what)
    gate.add_argument("template", nargs="?", metavar="TEMPLATE", help="name of the template; --list shows them")
    gate.add_argument("--list", action="store_true", help="list the templates and make nothing")
    gate.add_argument("--bot", help="name of the TradingBot")
    gate.add_argument("--namespace", help="namespace of the bot")
    gate.add_argument("--name", help="name of the gate; BOT-TEMPLATE when left out")
    gate.add_argument("--capital", metavar="QUOTE", help="capital that is granted, quote asset; else the template's")
    gate.add_argument("--strict", action="store_true", help="enforce what the template only tries out as well")
    gate.add_argument("--folder", type=Path, default=_REPOSITORY / "manifests" / "gates", help="where templates are")


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    what = "make a sealed report for a gate, or check one"
    add_report_command(commands.add_parser("report", help=what, description=what))
    what = "print the JSON Schema of a document that is no kind"
    commands.add_parser("schema", help=what, description=what).add_argument("document", choices=("report",))


def _settle(folder: Path, files: Mapping[Path, str], strangers: list[Path], *, check: bool, remedy: str) -> int:
    for path in strangers:
        print(f"{folder / path}: no model makes this file any more; delete it", file=sys.stderr)
    if check:
        drift = find_drift(folder, files)
        for path in drift:
            print(f"{folder / path}: not what the models say; run {remedy} and commit the result", file=sys.stderr)
        return 1 if drift or strangers else 0
    for path in write_files(folder, files):
        print(f"wrote {folder / path}")
    return 1 if strangers else 0


def _gate(chosen: argparse.Namespace) -> int:
    try:
        templates = read_templates(chosen.folder)
    except TemplateError as error:
        print(error, file=sys.stderr)
        return 1
    if chosen.list:
        for item in templates.values():
            print(f"{item.name:16} version {item.version}  {item.step:17} {item.summary}")
        return 0
    if chosen.template is None or chosen.bot is None or chosen.namespace is None:
        print("name a TEMPLATE, --bot and --namespace; --list shows the templates", file=sys.stderr)
        return 2
    if chosen.template not in templates:
        print(f"there is no template {chosen.template!r}; there are {', '.join(templates)}", file=sys.stderr)
        return 2
    try:
        gate = build_gate(
            templates[chosen.template],
            bot=chosen.bot,
            namespace=chosen.namespace,
            name=chosen.name,
            capital=chosen.capital,
            strict=chosen.strict,
        )
    except ChoiceError as error:
        print(error, file=sys.stderr)
        return 2
    print(render_gate(gate), end="")
    return 0


def _report(chosen: argparse.Namespace) -> int:
    try:
        print(run_report_command(chosen, now=datetime.now(UTC)))
    except UsageError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    except DocumentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _validate(paths: list[Path]) -> int:
    checked, faults = check_manifests(find_manifests(paths))
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{checked} objects of {GROUP} checked, {len(faults)} faults")
    if not checked:
        # a check of nothing must not look like a check that found nothing
        print(f"no object of {GROUP} in {', '.join(map(str, paths))}; name the files that hold them", file=sys.stderr)
    return 1 if faults or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
