"""Bad answers of Prometheus and bad reports: each closed, each with its reason. One row is one way to go wrong."""

import asyncio
import base64
import gzip
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aviary_crds.evidence import LONGEST_REPORT_BYTES, seal_report
from aviary_crds.labels import REPORT_LABEL
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_operator.gates.measurement import Silence, decide_measurement
from aviary_operator.gates.sources.prometheus import LONGEST_ANSWER_BYTES, PrometheusReader
from aviary_operator.gates.sources.promql import TIME_PART, VALUE_PART
from aviary_operator.gates.sources.report import ReportReader
from aviary_operator.runtime.documents import AiohttpDocumentHttp
from aviary_operator.runtime.kinds import CONFIG_MAP
from aviary_operator.runtime.kube import ApiError

from ..memory_api import MemoryApi  # noqa: TID252  the tests are no installed package
from .fake_web import Answer, FakeWeb, both, item, run_web, say, say_json, success
from .questions import DIGEST, OTHER_DIGEST, check, question

ERRORED, INCONCLUSIVE, FAILED = CheckState.ERRORED, CheckState.INCONCLUSIVE, CheckState.FAILED
QUERY = check({"prometheus": {"query": 'rate(fills{bot="$bot"}[$window])', "series": "fills", "windowSeconds": 60}})
NOW = f"{datetime.now(UTC).timestamp():.3f}"


def vector(*series: dict[str, Any], **more: Any) -> Answer:
    return say_json(success("vector", list(series), **more))


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def trickle(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(300):
        await answer.write(b" ")
        await asyncio.sleep(0.1)
    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b'{"status":')
    if request.transport is not None:
        request.transport.abort()
    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(40):
        await answer.write(b"[" * 65_536)
    return answer


BOMB = gzip.compress(b" " * 20_000_000)

PROMETHEUS: list[tuple[str, Answer, CheckState, str]] = [
    ("status 500", say(b"oops", status=500), ERRORED, "HttpStatus"),
    ("status 503 with a good body", say_json(both("1"), status=503), ERRORED, "HttpStatus"),
    ("status 401", say(b"who are you", status=401), ERRORED, "HttpStatus"),
    ("status 204", say(b"", status=204), ERRORED, "HttpStatus"),
    ("a query that is refused", say_json({"status": "error", "error": "parse"}, status=400), ERRORED, "HttpStatus"),
    ("a redirect", say(b"", status=302, Location="/elsewhere"), ERRORED, "Redirected"),
    ("a redirect for good", say(b"", status=308, Location="http://other.example/"), ERRORED, "Redirected"),
    ("no answer in time", hang, ERRORED, "TooSlow"),
    ("an answer that trickles", trickle, ERRORED, "TooSlow"),
    ("an answer cut off", cut, ERRORED, "NoAnswer"),
    ("truncated JSON", say(json.dumps(both("1")).encode()[:-9]), ERRORED, "NotJson"),
    ("an empty body", say(b""), ERRORED, "NotJson"),
    ("an HTML page", say(b"<html>login</html>", content_type="text/html"), ERRORED, "NotJson"),
    ("JSON nested without end", say(b"[" * 100_000), ERRORED, "NotJson"),
    ("bytes that are no text", say(b"\xff\xfe\x00"), ERRORED, "NotJson"),
    ("more than a mebibyte", endless, ERRORED, "TooLarge"),
    ("a length above the limit", say(b" " * (LONGEST_ANSWER_BYTES + 1)), ERRORED, "TooLarge"),
    ("a gzip bomb", say(BOMB, Content_Encoding="gzip"), ERRORED, "Encoded"),
    ("an encoding nobody asked for", say(b"{}", Content_Encoding="br"), ERRORED, "Encoded"),
    ("a list", say(b"[1, 2]"), ERRORED, "QueryRefused"),
    ("status error", say_json({"status": "error", "error": "query timed out"}), ERRORED, "QueryRefused"),
    ("no status", say_json({"data": both("1")["data"]}), ERRORED, "QueryRefused"),
    ("no data", say_json({"status": "success"}), ERRORED, "NotTheApi"),
    ("another API", say_json({"status": "success", "data": {"result": {}}}), ERRORED, "NotTheApi"),
    ("a scalar for a union", say_json(success("scalar", [1, "1"])), ERRORED, "NotTheApi"),
    ("series that were not asked for", vector({"metric": {}, "value": [1, "1"]}), ERRORED, "NotTheApi"),
    ("a series that is a string", say_json(success("vector", ["1"])), ERRORED, "NotTheApi"),
    ("a value that is a number", vector(item(VALUE_PART, 1), item(TIME_PART, NOW)), ERRORED, "NotTheApi"),
    ("a value that is null", vector(item(VALUE_PART, None), item(TIME_PART, NOW)), ERRORED, "NotTheApi"),
    ("warnings", say_json(both("1", warnings=["a store is away"])), INCONCLUSIVE, "Warnings"),
    ("an empty vector", vector(), INCONCLUSIVE, "NoSeries"),
    ("a time but no value", vector(item(TIME_PART, NOW)), INCONCLUSIVE, "NoSeries"),
    ("a value but no time", vector(item(VALUE_PART, "1")), INCONCLUSIVE, "NoSeries"),
    (
        "two series",
        vector(item(VALUE_PART, "1", pod="a"), item(VALUE_PART, "1", pod="b"), item(TIME_PART, NOW)),
        INCONCLUSIVE,
        "SeveralSeries",
    ),
    ("a matrix", say_json(success("matrix", [])), INCONCLUSIVE, "WrongResultType"),
    ("a string", say_json(success("string", [1, "1"])), INCONCLUSIVE, "WrongResultType"),
    (
        "a histogram",
        vector({**item(VALUE_PART, "1"), "histogram": [1, {}]}, item(TIME_PART, NOW)),
        INCONCLUSIVE,
        "WrongResultType",
    ),
    ("NaN", say_json(both("NaN")), INCONCLUSIVE, "NotFinite"),
    ("+Inf", say_json(both("+Inf")), INCONCLUSIVE, "NotFinite"),
    ("-Inf", say_json(both("-Inf")), INCONCLUSIVE, "NotFinite"),
    ("letters", say_json(both("abc")), INCONCLUSIVE, "NotANumber"),
    ("an empty value", say_json(both("")), INCONCLUSIVE, "NotANumber"),
    ("digits of another script", say_json(both("\u0661")), INCONCLUSIVE, "NotANumber"),
    ("underscores", say_json(both("1_000")), INCONCLUSIVE, "NotANumber"),
    ("an exponent without end", say_json(both("1e999999999")), INCONCLUSIVE, "NotANumber"),
    ("a stale series", say_json(both("1", age_seconds=1_300)), INCONCLUSIVE, "Stale"),
    ("a series from the future", say_json(both("1", age_seconds=-60)), INCONCLUSIVE, "FromTheFuture"),
    (
        "a time that is none",
        vector(item(VALUE_PART, "1"), item(TIME_PART, "1e300")),
        INCONCLUSIVE,
        "NoTimestamp",
    ),
    ("a time that is NaN", vector(item(VALUE_PART, "1"), item(TIME_PART, "NaN")), INCONCLUSIVE, "NoTimestamp"),
]


@pytest.mark.parametrize(("answer", "state", "reason"), [row[1:] for row in PROMETHEUS], ids=[r[0] for r in PROMETHEUS])
async def test_bad_answer_of_prometheus_never_passes(answer: Answer, state: CheckState, reason: str) -> None:
    async with run_web() as fake, AiohttpDocumentHttp(timeout_seconds=0.5) as http:
        fake.answer = answer
        asked = question(QUERY)
        got = await PrometheusReader(http, url=fake.url, token_file=None).read(asked)
    measured = decide_measurement(QUERY, got, now=asked.now)
    assert (measured.outcome, measured.reason) == (state, reason), measured


async def test_prometheus_that_is_down_never_passes() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with AiohttpDocumentHttp() as http:
            got = await PrometheusReader(http, url=url, token_file=None).read(question(QUERY))
    assert (got.state, got.reason) == (ERRORED, "NoAnswer")  # type: ignore[union-attr]


def report(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "schemaVersion": 1,
        "producer": "kill-drill",
        "time": datetime.now(UTC).isoformat(),
        "subject": {"namespace": "desk", "bot": "alpha", "digest": DIGEST},
        "result": "Pass",
        "values": {"orders_left": 1},
    }
    return {**body, **changes}


def about(**changes: Any) -> dict[str, Any]:
    return report(subject={"namespace": "desk", "bot": "alpha", "digest": DIGEST, **changes})


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def twice(raw: bytes) -> bytes:
    return raw.replace(b'"result"', b'"result":"Pass","result"')


def edited(raw: bytes) -> bytes:
    return raw.replace(b'"orders_left":1', b'"orders_left":9')


REPORTS: list[tuple[str, Callable[[], bytes], CheckState, str]] = [
    ("wrong digest", lambda: seal_report(about(digest=OTHER_DIGEST)), INCONCLUSIVE, "WrongSubject"),
    ("no digest", lambda: seal_report(about(digest=None)), INCONCLUSIVE, "WrongSubject"),
    ("another bot", lambda: seal_report(about(bot="beta")), INCONCLUSIVE, "WrongSubject"),
    ("no bot", lambda: seal_report(about(bot=None)), INCONCLUSIVE, "WrongSubject"),
    ("another namespace", lambda: seal_report(about(namespace="other")), INCONCLUSIVE, "WrongSubject"),
    ("another producer", lambda: seal_report(report(producer="somebody")), INCONCLUSIVE, "WrongProducer"),
    ("an edited value", lambda: edited(seal_report(report())), ERRORED, "HashMismatch"),
    ("no hash", lambda: json.dumps(report()).encode(), ERRORED, "NotAReport"),
    ("truncated", lambda: seal_report(report())[:-20], ERRORED, "NotJson"),
    ("no JSON", lambda: b"all is well", ERRORED, "NotJson"),
    ("NaN in it", lambda: seal_report(report()).replace(b'"orders_left":1', b'"orders_left":NaN'), ERRORED, "NotJson"),
    (
        "a key twice",
        lambda: seal_report(report()).replace(b'"result"', b'"result":"Pass","result"'),
        ERRORED,
        "NotJson",
    ),
    ("a list", lambda: b"[]", ERRORED, "NotAReport"),
    ("an unknown field", lambda: seal_and_add(more=1), ERRORED, "NotAReport"),
    ("too large", lambda: seal_report(report()) + b" " * LONGEST_REPORT_BYTES, ERRORED, "TooLarge"),
    ("Fail with a good value", lambda: seal_report(report(result="Fail")), FAILED, "ReportSaysFail"),
    ("Fail that is stale", lambda: seal_report(report(result="Fail", time=ago(9_999))), INCONCLUSIVE, "Stale"),
    ("a missing value", lambda: seal_report(report(values={})), INCONCLUSIVE, "NoValue"),
    ("a text as value", lambda: seal_report(report(values={"orders_left": "few"})), INCONCLUSIVE, "NotANumber"),
    ("an infinite value", lambda: seal_report(report(values={"orders_left": "Infinity"})), INCONCLUSIVE, "NotFinite"),
    ("stale", lambda: seal_report(report(time=ago(1_300))), INCONCLUSIVE, "Stale"),
    ("from the future", lambda: seal_report(report(time=ago(-60))), INCONCLUSIVE, "FromTheFuture"),
    ("a value beyond the threshold", lambda: seal_report(report(values={"orders_left": 0})), FAILED, "BeyondThreshold"),
]


def seal_and_add(**more: Any) -> bytes:
    return json.dumps({**json.loads(seal_report(report())), **more}).encode()


def report_check(place: dict[str, Any], **changes: Any) -> Any:
    return check({"report": {"producer": "kill-drill", "value": "orders_left", **place, **changes}})


IN_FILE = report_check({"file": {"path": "drill/latest.json"}})
IN_MAP = report_check({"configMap": {"name": "drill", "key": "latest"}})


@pytest.mark.parametrize(("make", "state", "reason"), [row[1:] for row in REPORTS], ids=[row[0] for row in REPORTS])
async def test_bad_report_never_passes(
    make: Callable[[], bytes], state: CheckState, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / "latest.json").write_bytes(make())
    await expect(IN_FILE, state, reason, folder=tmp_path)


async def expect(
    of: Any, state: CheckState, reason: str, *, folder: Path | None = None, kube: MemoryApi | None = None, **more: Any
) -> None:
    """Ask for a report and compare what comes of it."""
    async with AiohttpDocumentHttp(timeout_seconds=0.5) as http:
        reader = ReportReader(kube or MemoryApi(), http, hosts=more.get("hosts", ()), folder=folder)
        asked = question(of)
        measured = decide_measurement(of, await reader.read(asked), now=asked.now)
        reader.close()
    assert (measured.outcome, measured.reason) == (state, reason), measured


async def test_report_that_is_whole_and_about_the_subject_passes(tmp_path: Path) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / "latest.json").write_bytes(seal_report(report()))
    await expect(IN_FILE, CheckState.PASSED, "WithinThreshold", folder=tmp_path)


async def test_missing_file_says_who_should_have_written_it_and_where(tmp_path: Path) -> None:
    async with AiohttpDocumentHttp() as http:
        reader = ReportReader(MemoryApi(), http, hosts=(), folder=tmp_path)
        got = await reader.read(question(IN_FILE))
    assert got.reason == "ProducerNotInstalled"  # type: ignore[union-attr]
    assert "kill-drill" in got.message  # type: ignore[union-attr]
    assert "drill/latest.json" in got.message  # type: ignore[union-attr]


async def test_file_without_a_reports_volume_is_an_error() -> None:
    await expect(IN_FILE, ERRORED, "NoReportsVolume")


async def test_link_out_of_the_reports_volume_is_not_followed(tmp_path: Path) -> None:
    outside, volume = tmp_path / "outside.json", tmp_path / "volume"
    outside.write_bytes(seal_report(report()))
    (volume / "drill").mkdir(parents=True)
    (volume / "drill" / "latest.json").symlink_to(outside)
    await expect(IN_FILE, ERRORED, "OutsideVolume", folder=volume)


async def test_linked_folder_out_of_the_reports_volume_is_not_followed(tmp_path: Path) -> None:
    outside, volume = tmp_path / "outside", tmp_path / "volume"
    outside.mkdir()
    volume.mkdir()
    (outside / "latest.json").write_bytes(seal_report(report()))
    (volume / "drill").symlink_to(outside)
    await expect(IN_FILE, ERRORED, "OutsideVolume", folder=volume)


async def test_link_within_the_reports_volume_is_followed(tmp_path: Path) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "of-today.json").write_bytes(seal_report(report()))
    (tmp_path / "drill" / "latest.json").symlink_to("../of-today.json")
    await expect(IN_FILE, CheckState.PASSED, "WithinThreshold", folder=tmp_path)


async def test_directory_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "drill" / "latest.json").mkdir(parents=True)
    await expect(IN_FILE, ERRORED, "NotAFile", folder=tmp_path)


async def test_pipe_is_no_report_and_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "drill").mkdir()
    os.mkfifo(tmp_path / "drill" / "latest.json")
    await expect(IN_FILE, ERRORED, "NotAFile", folder=tmp_path)


async def test_links_in_a_circle_are_no_report(tmp_path: Path) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / "latest.json").symlink_to("latest.json")
    await expect(IN_FILE, ERRORED, "Unreadable", folder=tmp_path)


def with_map(labels: dict[str, str] | None, **content: object) -> MemoryApi:
    """Return an API server with the ConfigMap of the check."""
    kube = MemoryApi()
    kube.put(CONFIG_MAP, "desk", "drill", **(content or {"data": {"latest": seal_report(report()).decode()}}))
    if labels is not None:
        kube.objects[CONFIG_MAP, "desk", "drill"]["metadata"]["labels"] = labels
    return kube


ATTESTED = {REPORT_LABEL: "true"}


async def test_config_map_with_the_report_passes() -> None:
    await expect(IN_MAP, CheckState.PASSED, "WithinThreshold", kube=with_map({"app": "drill", **ATTESTED}))


async def test_missing_config_map_and_missing_key_are_a_missing_producer() -> None:
    await expect(IN_MAP, INCONCLUSIVE, "ProducerNotInstalled", kube=MemoryApi())
    await expect(IN_MAP, INCONCLUSIVE, "ProducerNotInstalled", kube=with_map(ATTESTED, data={"other": "x"}))
    raw = {"latest": base64.b64encode(seal_report(report())).decode()}
    await expect(IN_MAP, INCONCLUSIVE, "ProducerNotInstalled", kube=with_map(ATTESTED, binaryData=raw))


@pytest.mark.parametrize(
    "labels",
    [
        None,
        {},
        {"app": "drill"},
        {REPORT_LABEL: ""},
        {REPORT_LABEL: "True"},
        {REPORT_LABEL: "false"},
        {"aviary.trading/reports": "true"},
    ],
)
async def test_config_map_without_the_label_is_nobody_s_word(labels: dict[str, str] | None) -> None:
    await expect(IN_MAP, INCONCLUSIVE, "NotAttested", kube=with_map(labels))
    await expect(IN_MAP, INCONCLUSIVE, "NotAttested", kube=with_map(labels, data={"other": "x"}))


async def test_a_failed_report_that_nobody_attested_fails_nothing() -> None:
    failed = {"latest": seal_report(report(result="Fail")).decode()}
    await expect(IN_MAP, INCONCLUSIVE, "NotAttested", kube=with_map(None, data=failed))
    await expect(IN_MAP, FAILED, "ReportSaysFail", kube=with_map(ATTESTED, data=failed))


async def test_the_message_says_which_config_map_lacks_which_label_and_who_may_give_it() -> None:
    async with AiohttpDocumentHttp() as http:
        reader = ReportReader(with_map(None), http, hosts=(), folder=None)
        got = await reader.read(question(IN_MAP))
        reader.close()
    assert isinstance(got, Silence)
    for word in ("ConfigMap desk/drill key latest", f'{REPORT_LABEL}: "true"', "aviary-producer"):
        assert word in got.message


async def test_api_server_that_refuses_is_an_error() -> None:
    kube = MemoryApi()
    kube.error = ApiError(403, "configmaps is forbidden")
    await expect(IN_MAP, ERRORED, "ApiError", kube=kube)


def behind(fake: FakeWeb, path: str = "/latest.json") -> Any:
    return report_check({"http": {"url": fake.url + path}})


async def test_report_of_an_allowed_host_passes_and_of_another_is_not_asked() -> None:
    async with run_web() as fake:
        fake.answer = say(seal_report(report()))
        port = fake.url.rpartition(":")[2]
        await expect(behind(fake), CheckState.PASSED, "WithinThreshold", hosts=("127.0.0.1",))
        await expect(behind(fake), CheckState.PASSED, "WithinThreshold", hosts=(f"127.0.0.1:{port}",))
        asked = len(fake.asked)
        await expect(behind(fake), ERRORED, "HostNotAllowed", hosts=())
        await expect(behind(fake), ERRORED, "HostNotAllowed", hosts=("127.0.0.1:1", "reports.desk", "127.0.0"))
        assert len(fake.asked) == asked


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (say(b"gone", status=404), INCONCLUSIVE, "ProducerNotInstalled"),
        (say(b"oops", status=500), ERRORED, "HttpStatus"),
        (say(b"", status=302, Location="http://127.0.0.1:1/"), ERRORED, "Redirected"),
        (hang, ERRORED, "TooSlow"),
        (endless, ERRORED, "TooLarge"),
        (say(BOMB, Content_Encoding="gzip"), ERRORED, "Encoded"),
    ],
)
async def test_bad_answer_of_a_reports_server_never_passes(answer: Answer, state: CheckState, reason: str) -> None:
    async with run_web() as fake:
        fake.answer = answer
        await expect(behind(fake), state, reason, hosts=("127.0.0.1",))


async def test_report_about_one_bot_is_none_about_the_desk(tmp_path: Path) -> None:
    of = report_check({"file": {"path": "drill/latest.json"}}, scope="Desk")
    (tmp_path / "drill").mkdir()
    file = tmp_path / "drill" / "latest.json"
    file.write_bytes(seal_report(report()))
    await expect(of, INCONCLUSIVE, "WrongSubject", folder=tmp_path)
    file.write_bytes(seal_report(report(subject={"namespace": "desk"})))
    await expect(of, CheckState.PASSED, "WithinThreshold", folder=tmp_path)
    file.write_bytes(seal_report(report(subject={"namespace": "other"})))
    await expect(of, INCONCLUSIVE, "WrongSubject", folder=tmp_path)
