from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aviary_crds.attestation import Finding, build_report, build_report_config_map
from aviary_crds.evidence import ReportError, parse_report
from aviary_crds.v1alpha1.references import ConfigMapKeyRef
from pydantic import ValidationError

DIGEST = "sha256:" + "a" * 64
SIX = datetime(2026, 11, 25, 6, tzinfo=UTC)


def finding(**changes: Any) -> Finding:
    body = {
        "producer": "reconciliation", "namespace": "desk", "bot": "alpha", "digest": DIGEST, "result": "Pass",
        "values": {"drift": "0.0012", "fresh": True, "critical": 0}, "time": SIX,
    }  # fmt: skip
    return Finding(**{**body, **changes})


def test_a_finding_becomes_a_report_that_is_read_back_whole() -> None:
    report = parse_report(build_report(finding(message="all is well")))
    assert (report.producer, report.time, report.result, report.message) == (
        "reconciliation", SIX, "Pass", "all is well",
    )  # fmt: skip
    assert (report.subject.namespace, report.subject.bot, report.subject.digest) == ("desk", "alpha", DIGEST)
    assert report.values == {"drift": "0.0012", "fresh": True, "critical": 0}


def test_a_finding_about_the_desk_names_no_bot() -> None:
    report = parse_report(build_report(finding(bot=None, digest=None)))
    assert (report.subject.bot, report.subject.digest) == (None, None)


def test_the_same_finding_is_the_same_document_in_every_time_zone() -> None:
    elsewhere = SIX.astimezone(timezone(timedelta(hours=-5)))
    assert build_report(finding(time=elsewhere)) == build_report(finding())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"producer": "Somebody"}, "a producer is named"),
        ({"producer": ""}, "a producer is named"),
        ({"namespace": "the desk"}, "lower-case letters"),
        ({"bot": "Alpha"}, "lower-case letters"),
        ({"digest": "abc"}, "status.digest"),
        ({"digest": DIGEST.upper()}, "status.digest"),
        ({"digest": None}, "bot and digest go together"),
        ({"bot": None}, "bot and digest go together"),
        ({"result": "Mostly"}, "'Pass' or 'Fail'"),
        ({"values": {"a b": "1"}}, "named as in its document"),
        ({"values": {"drift": 0.5}}, "drift"),
        ({"time": SIX.replace(tzinfo=None)}, "timezone"),
    ],
)
def test_what_no_gate_could_use_is_no_finding(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        finding(**changes)


@pytest.mark.parametrize("figure", ["few", "", "NaN", "Infinity", "1e999999"])
def test_a_figure_that_no_gate_could_compare_is_refused_when_it_is_written(figure: str) -> None:
    with pytest.raises(ReportError, match="value drift"):
        build_report(finding(values={"drift": figure}))


def test_more_than_a_report_may_hold_is_refused() -> None:
    with pytest.raises(ValidationError, match="256"):
        build_report(finding(values={f"v{number}": number for number in range(257)}))
    with pytest.raises(ReportError, match="262144"):
        build_report(finding(values={f"v{number}": "0" * 1_100 for number in range(256)}))


def test_a_config_map_holds_the_report_where_the_check_looks_and_says_that_it_is_one() -> None:
    document = build_report(finding())
    made = build_report_config_map(document, ConfigMapKeyRef(name="drill", key="latest"), namespace="desk")
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "drill", "namespace": "desk", "labels": {"aviary.trading/report": "true"}},
        "data": {"latest": document.decode()},
    }
