import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.evidence import LONGEST_REPORT_BYTES, ReportError, parse_report, report_value, seal_report
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

BODY: dict[str, Any] = {
    "schemaVersion": 1,
    "producer": "reconciliation",
    "time": "2026-11-25T06:00:00Z",
    "subject": {"namespace": "desk", "bot": "alpha", "digest": "sha256:" + "a" * 64},
    "result": "Pass",
    "values": {"critical": 0, "drift": "0.0012", "fresh": True},
}


def _raw(**changes: Any) -> bytes:
    """Return a document whose hash is right whatever it says."""
    body = {key: value for key, value in {**BODY, **changes}.items() if value is not None}
    return json.dumps({**body, "sha256": sha256_hex(canonical_json(body))}).encode()


def _reason(raw: bytes) -> str:
    with pytest.raises(ReportError) as caught:
        parse_report(raw)
    assert len(str(caught.value)) > 10
    return caught.value.reason


def test_sealed_report_is_read_back_whole() -> None:
    report = parse_report(seal_report(BODY))
    assert report.producer == "reconciliation"
    assert report.time == datetime(2026, 11, 25, 6, tzinfo=UTC)
    assert report.subject.digest == BODY["subject"]["digest"]


def test_spelling_of_the_json_is_irrelevant() -> None:
    loose = json.dumps(json.loads(seal_report(BODY)), indent=4).encode()
    assert parse_report(loose) == parse_report(seal_report(BODY))


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "NotJson"),
    "cut off": (seal_report(BODY)[:-20], "NotJson"),
    "a web page": (b"<html>502</html>", "NotJson"),
    "bytes that are no text": (b"\xff\xfe\x00", "NotJson"),
    "NaN": (_raw().replace(b'"0.0012"', b"NaN"), "NotJson"),
    "Infinity": (_raw().replace(b'"0.0012"', b"-Infinity"), "NotJson"),
    "a key twice": (b'{"result": "Fail", ' + _raw()[1:], "NotJson"),
    "nested for ever": (b"[" * 100_000, "NotJson"),
    "a list": (b"[]", "NotAReport"),
    "a number": (b"1", "NotAReport"),
    "too large": (seal_report(BODY) + b" " * LONGEST_REPORT_BYTES, "TooLarge"),
    "no producer": (_raw(producer=None), "NotAReport"),
    "no time": (_raw(time=None), "NotAReport"),
    "a time without a zone": (_raw(time="2026-11-25T06:00:00"), "NotAReport"),
    "no subject": (_raw(subject=None), "NotAReport"),
    "no result": (_raw(result=None), "NotAReport"),
    "a result of its own": (_raw(result="Mostly"), "NotAReport"),
    "a float": (_raw(values={"drift": 0.5}), "NotAReport"),
    "a list of values": (_raw(values={"drift": ["1"]}), "NotAReport"),
    "another version": (_raw(schemaVersion=2), "NotAReport"),
    "an unknown field": (_raw(verdict="fine"), "NotAReport"),
    "no hash": (json.dumps(BODY).encode(), "NotAReport"),
    "an edited value": (_raw().replace(b'"critical": 0', b'"critical": 1'), "HashMismatch"),
    "an edited result": (seal_report({**BODY, "result": "Fail"}).replace(b'"Fail"', b'"Pass"'), "HashMismatch"),
    "another digest": (_raw().replace(b"aaaa", b"bbbb", 1), "HashMismatch"),
}


@pytest.mark.parametrize("case", BAD)
def test_document_is_no_report_with(case: str) -> None:
    raw, reason = BAD[case]
    assert _reason(raw) == reason


@given(st.integers(min_value=0, max_value=len(seal_report(BODY)) - 1), st.integers(min_value=1, max_value=255))
def test_no_byte_can_be_changed(position: int, change: int) -> None:
    raw = bytearray(seal_report(BODY))
    raw[position] ^= change
    try:
        read = parse_report(bytes(raw))
    except ReportError:
        return
    assert read == parse_report(seal_report(BODY)), "only a spelling may differ"


@pytest.mark.parametrize(
    ("name", "value"),
    [(None, "1"), ("critical", "0"), ("drift", "0.0012"), ("fresh", "1")],
)
def test_values_are_numbers(name: str | None, value: str) -> None:
    assert report_value(parse_report(seal_report(BODY)), name) == Decimal(value)


def test_a_failed_report_counts_nothing() -> None:
    assert report_value(parse_report(seal_report({**BODY, "result": "Fail"})), None) == 0


@pytest.mark.parametrize(
    ("written", "reason"),
    [("many", "NotANumber"), ("NaN", "NotFinite"), ("Infinity", "NotFinite"), ("1e999999", "NotFinite")],
)
def test_value_that_is_no_number_is_none(written: str, reason: str) -> None:
    report = parse_report(seal_report({**BODY, "values": {"figure": written}}))
    with pytest.raises(ReportError) as caught:
        report_value(report, "figure")
    assert caught.value.reason == reason


def test_value_that_is_not_there_is_none() -> None:
    with pytest.raises(ReportError, match="has no value drift"):
        report_value(parse_report(seal_report({**BODY, "values": {}})), "drift")


def test_what_is_no_report_cannot_be_sealed() -> None:
    with pytest.raises(ValidationError):
        seal_report({**BODY, "result": "Mostly"})
