"""``python -m aviary_crds``: make the generated files, check them, check manifests.

Exit codes: 0 all well, 1 something is not as it should be, 2 wrong use.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aviary_crds.generated_files import (
    find_drift,
    find_strangers,
    render_definitions,
    render_reference,
    write_files,
)
from aviary_crds.labels import GROUP
from aviary_crds.manifests import check_manifests, find_manifests

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
    chosen = parser.parse_args(arguments)
    match chosen.command:
        case "generate":
            files = render_definitions()
            strangers = find_strangers(chosen.folder, files)
            return _settle(chosen.folder, files, strangers, check=chosen.check, remedy="make crds")
        case "docs":
            return _settle(chosen.folder, render_reference(), [], check=chosen.check, remedy="make docs")
        case _:
            return _validate(chosen.paths)


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
