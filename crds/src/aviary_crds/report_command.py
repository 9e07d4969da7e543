"""``python -m aviary_crds report``: make a sealed report, or check one. For producers that are scripts or Jobs."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from aviary_crds.attestation import DEFAULT_KEY, Finding, build_report, build_report_config_map
from aviary_crds.evidence import LONGEST_REPORT_BYTES, Report, ReportError, parse_report
from aviary_crds.v1alpha1.references import ConfigMapKeyRef

_NEEDED: Final = ("producer", "namespace", "result")
_MAKING: Final = (*_NEEDED, "bot", "digest", "value", "message", "time", "config_map", "key")
"""Options that make a report; none goes together with --check."""

_TRUTH: Final = {"true": True, "false": False}


class UsageError(Exception):
    """The command was called with words that make no report; the message is one line."""


class DocumentError(Exception):
    """What was to be checked is no report; the message is one line."""


def add_report_command(command: argparse.ArgumentParser) -> None:
    """Give ``command`` its options."""
    command.add_argument("--producer", help="who found it, such as reconciliation")
    command.add_argument("--namespace", help="namespace of the desk")
    command.add_argument("--bot", help="name of the TradingBot; left out for the whole desk")
    command.add_argument("--digest", help="the bot's status.digest when it was looked at; goes with --bot")
    command.add_argument("--result", choices=("Pass", "Fail"), help="what the producer makes of it")
    command.add_argument("--value", action="append", metavar="NAME=FIGURE", help="a decimal number, true or false")
    command.add_argument("--message", help="for people")
    command.add_argument("--time", help="when it was true, such as 2026-11-25T06:00:00Z; now when left out")
    command.add_argument("--config-map", metavar="NAME", help="print a labelled ConfigMap for kubectl apply")
    command.add_argument("--key", help=f"the ConfigMap's key, {DEFAULT_KEY} when left out")
    command.add_argument("--check", type=Path, metavar="FILE", help="check the report in FILE; /dev/stdin reads a pipe")


def run_report_command(options: argparse.Namespace, *, now: datetime) -> str:
    """Return what is to be printed: a report, or what one says.

    Raises:
        UsageError: when the options make no report.
        DocumentError: when a document that is checked is none.
    """
    if options.check is None:
        return render_report(options, now=now)
    given = [name for name in _MAKING if getattr(options, name) is not None]
    if given:
        raise UsageError(f"--check takes no other option; leave out {_flags(given)}")
    return f"{options.check}: {render_checked(read_report(options.check))}"


def render_report(options: argparse.Namespace, *, now: datetime) -> str:
    """Return the report that the options describe, or the ConfigMap with it when they name one.

    Raises:
        UsageError: when they describe none.
    """
    missing = [name for name in _NEEDED if getattr(options, name) is None]
    if missing:
        raise UsageError(f"a report needs {_flags(missing)}; to check one: --check FILE")
    if options.key is not None and options.config_map is None:
        raise UsageError("--key is a key of a ConfigMap: name it with --config-map")
    try:
        finding = Finding(
            producer=options.producer,
            namespace=options.namespace,
            bot=options.bot,
            digest=options.digest,
            result=options.result,
            values=parse_figures(options.value or ()),
            message=options.message or "",
            time=now.replace(microsecond=0) if options.time is None else _parse_time(options.time),
        )
        document = build_report(finding)
    except ValidationError as error:
        raise UsageError(_first(error)) from error
    except ReportError as error:
        raise UsageError(str(error)) from error
    except UnicodeEncodeError as error:
        raise UsageError("a report is UTF-8 text, and one of the words is not") from error
    if options.config_map is None:
        return document.decode()
    try:
        place = ConfigMapKeyRef(name=options.config_map, key=options.key or DEFAULT_KEY)
    except ValidationError as error:
        raise UsageError(f"ConfigMap {_first(error)}") from error
    manifest = build_report_config_map(document, place, namespace=finding.namespace)
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=sys.maxsize).rstrip("\n")


def parse_figures(words: Sequence[str]) -> dict[str, str | bool]:
    """Return figures by name from ``name=figure``; numbers stay as they are written.

    Raises:
        UsageError: when a word is of another form, or a name stands twice.
    """
    figures: dict[str, str | bool] = {}
    for word in words:
        name, equals, figure = word.partition("=")
        if not (name and equals and figure):
            raise UsageError(f"--value {word}: write NAME=FIGURE, such as --value slippage_bps=2.5")
        if name in figures:
            raise UsageError(f"--value {name} is given twice; a report has one figure of a name")
        figures[name] = _TRUTH.get(figure, figure)
    return figures


def render_checked(report: Report) -> str:
    """Return in one line what a report says, which need not be good news."""
    about = report.subject
    what = f"{about.namespace}/{about.bot} {about.digest}" if about.bot else f"{about.namespace}, the whole desk"
    return f"a report of {report.producer} from {report.time.isoformat()} about {what}: {report.result}"


def read_report(path: Path) -> Report:
    """Return the report in a file.

    Raises:
        DocumentError: when there is none that can be read, or it is not whole.
    """
    try:
        with path.open("rb") as file:
            return parse_report(file.read(LONGEST_REPORT_BYTES + 1))
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ReportError as error:
        raise DocumentError(f"{path}: {error.reason}: {_one_line(str(error))}") from error


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--time {text} is no time; write one such as 2026-11-25T06:00:00Z") from None
    if time.tzinfo is None:
        raise UsageError(f"--time {text} has no zone; end it with Z when it is UTC")
    return time


def _flags(names: Sequence[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _first(error: ValidationError) -> str:
    """Return the first fault, with its field as the option is called."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    return _one_line(f"{where}: {message}" if where else message)


def _one_line(text: str) -> str:
    return " ".join(text.split())
