"""The report document: how a producer of evidence says what it found.

One JSON document, at most 256 KiB, the same whether it lies in a ConfigMap, behind HTTP, on the reports volume or in a
Job's termination message. ``sha256`` is over the canonical JSON of the document without that field, so a document that
was cut or edited is found out. Nothing in it is trusted further than its producer is: the gate names the producer, the
subject and the freshest age it takes.
"""

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.base import SpecModel

LONGEST_REPORT_BYTES: Final = 262_144

_MOST_VALUES: Final = 256


class ReportError(Exception):
    """A document that is no report. ``reason`` is one CamelCase word, the message says what is wrong."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ReportSubject(SpecModel):
    """What a report is about."""

    namespace: str = Field(max_length=63, description="Namespace of the desk")
    bot: str | None = Field(
        default=None, max_length=253, description="Name of the TradingBot; absent for the whole desk"
    )
    digest: str | None = Field(
        default=None, max_length=80, description="Subject digest that was looked at; absent for the whole desk"
    )


class Report(SpecModel):
    """The document."""

    schema_version: Literal[1] = Field(default=1, description="Version of this document")
    producer: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)] = Field(
        description="Who wrote it, such as reconciliation"
    )
    time: AwareDatetime = Field(description="When what it says was true")
    subject: ReportSubject = Field(description="What it is about")
    result: Literal["Pass", "Fail"] = Field(description="What the producer makes of it")
    values: Annotated[dict[str, str | int | bool], Field(max_length=_MOST_VALUES)] = Field(
        default_factory=dict, description="Figures by name: decimal strings, integers or booleans"
    )
    message: str = Field(default="", max_length=2048, description="For people")
    sha256: str = Field(max_length=80, description="sha256: and the hash of the canonical JSON without this field")


def parse_report(raw: bytes) -> Report:
    """Read a document.

    Raises:
        ReportError: when it is too large, no JSON, no report, or not the one its hash says.
    """
    if len(raw) > LONGEST_REPORT_BYTES:
        raise ReportError("TooLarge", f"a report has at most {LONGEST_REPORT_BYTES} bytes, this one has {len(raw)}")
    try:
        body = json.loads(raw, object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ReportError("NotJson", f"not a JSON document: {error}") from error
    if not isinstance(body, dict):
        raise ReportError("NotAReport", "a report is a JSON object")
    try:
        report = Report.model_validate(body)
        honest = sha256_hex(canonical_json({key: value for key, value in body.items() if key != "sha256"}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReportError("NotAReport", f"{where}: {first['msg']}") from error
    except (ValueError, TypeError) as error:
        raise ReportError("NotAReport", str(error)) from error
    if report.sha256 != honest:
        raise ReportError("HashMismatch", "sha256 is not that of the document: it was cut or edited")
    return report


def seal_report(body: dict[str, Any]) -> bytes:
    """Return ``body`` (a report without ``sha256``) as a document with its hash.

    Raises:
        ValidationError: when it is no report.
    """
    open_body = {key: value for key, value in body.items() if key != "sha256"}
    sealed = {**open_body, "sha256": sha256_hex(canonical_json(open_body))}
    Report.model_validate(sealed)
    return canonical_json(sealed)


def report_value(report: Report, name: str | None) -> Decimal:
    """Return the value of this name, or of the result when ``name`` is None: 1 for Pass, 0 for Fail; true is 1.

    Raises:
        ReportError: when there is none, or it is no finite number.
    """
    if name is None:
        return Decimal(1 if report.result == "Pass" else 0)
    if name not in report.values:
        raise ReportError("NoValue", f"the report has no value {name}")
    written = report.values[name]
    try:
        number = Decimal(int(written)) if isinstance(written, (bool, int)) else Decimal(written)
    except InvalidOperation:
        raise ReportError("NotANumber", f"value {name} is no number: {written!r}") from None
    if not number.is_finite() or not math.isfinite(float(number)):
        raise ReportError("NotFinite", f"value {name} is {written}")
    return number


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return body


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
