"""Source ``prometheus``: what is asked, and what a good answer gives."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aviary_crds.v1alpha1.gatechecks import PrometheusSource
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_operator.gates.measurement import Reading, Silence
from aviary_operator.gates.sources.prometheus import PrometheusReader, read_stored
from aviary_operator.gates.sources.promql import QueryError, resolve_queries
from aviary_operator.runtime.documents import AiohttpDocumentHttp

from .fake_web import FakeWeb, both, run_web, say, say_json, success
from .questions import check, question

FILLS = {
    "query": 'increase(hbot_fills_total{namespace="$namespace",bot="$bot"}[$window])',
    "series": 'hbot_fills_total{namespace="$namespace",bot="$bot"}',
    "windowSeconds": 3600,
}


async def ask(fake: FakeWeb, *, source: dict[str, Any] | None = None, token: Path | None = None) -> Reading | Silence:
    async with AiohttpDocumentHttp() as http:
        reader = PrometheusReader(http, url=f"{fake.url}/base/", token_file=token)
        return await reader.read(question(check({"prometheus": source or FILLS})))


async def test_value_is_a_decimal_to_its_last_digit_and_of_the_age_of_its_series() -> None:
    async with run_web() as fake:
        fake.answer = say_json(both("0.1000000000000000055", age_seconds=40))
        got = await ask(fake)
    assert isinstance(got, Reading)
    assert got.value == Decimal("0.1000000000000000055")
    assert got.query == 'increase(hbot_fills_total{namespace="desk",bot="alpha"}[3600s])'
    assert got.sha256.startswith("sha256:")


async def test_value_and_time_cost_one_request() -> None:
    async with run_web() as fake:
        fake.answer = say_json(both("1"))
        await ask(fake)
    (asked,) = fake.asked
    assert asked.path == "/base/api/v1/query"
    assert 'min(timestamp(hbot_fills_total{namespace="desk",bot="alpha"}' in asked.query["query"]
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_scalar_is_asked_apart() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        query = request.query["query"]
        if "label_replace" in query:
            return web.json_response({"status": "error", "error": "expected type instant vector"}, status=400)
        number = "1700000000" if "timestamp" in query else "7"
        return web.json_response(success("scalar", [1, number]))

    async with run_web() as fake:
        fake.answer = answer
        got = await ask(fake, source={"query": "scalar(up)", "series": "up"})
    assert isinstance(got, Reading)
    assert got.value == 7
    assert got.observed.timestamp() == 1_700_000_000


async def test_token_is_sent_and_read_anew_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with run_web() as fake:
        fake.answer = say_json(both("1"))
        for word in ("first", "second"):
            token.write_text(f"{word}\n")
            await ask(fake, token=token)
    assert [item.headers["Authorization"] for item in fake.asked] == ["Bearer first", "Bearer second"]


async def test_missing_or_empty_token_asks_nothing(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with run_web() as fake:
        for _ in range(2):
            got = await ask(fake, token=token)
            assert isinstance(got, Silence)
            assert (got.state, got.reason) == (CheckState.ERRORED, "NoToken")
            token.write_text("")
        assert fake.asked == []


async def test_operator_without_a_prometheus_names_the_value_of_the_chart() -> None:
    async with AiohttpDocumentHttp() as http:
        got = await PrometheusReader(http, url="", token_file=None).read(question(check({"prometheus": FILLS})))
    assert isinstance(got, Silence)
    assert (got.state, got.reason) == (CheckState.ERRORED, "NoPrometheus")
    assert "gates.prometheusUrl" in got.message


async def test_cookies_are_not_kept() -> None:
    async with run_web() as fake:
        fake.answer = say(b"{}", Set_Cookie="session=1")
        async with AiohttpDocumentHttp() as http:
            for _ in range(2):
                await http.fetch(fake.url, query={}, headers={}, limit=100)
    assert "Cookie" not in fake.asked[1].headers


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("rate(fills[\t5m])", "FixedRange"),
        ("rate(fills[\n5m])", "FixedRange"),
        ("rate(fills[ # a comment\n5m])", "FixedRange"),
        ("rate(fills[$window]) + rate(fills[1d:])", "FixedRange"),
        ("max_over_time(fills[$window:1d])", "FixedRange"),
        ("rate(fills[2$window])", "FixedRange"),
        ("fills offset 1d", "ReachesBack"),
        ("fills OFFSET -5m", "ReachesBack"),
        ("fills offset $window", "ReachesBack"),
        ("fills @ 1700000000", "ReachesBack"),
        ("fills @ start()", "ReachesBack"),
    ],
)
def test_query_that_reaches_into_another_subject_is_not_asked(query: str, reason: str) -> None:
    source = PrometheusSource.model_construct(query=query, series="fills", window_seconds=60)
    with pytest.raises(QueryError) as caught:
        resolve_queries(source, namespace="desk", bot="alpha")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "series", ["rate(fills[$window])", "fills + 0", "time()", "vector(1)", "fills[$window]", "", "fills)) or vector(0"]
)
def test_series_whose_time_would_always_be_now_is_not_asked(series: str) -> None:
    source = PrometheusSource.model_construct(query="fills", series=series, window_seconds=60)
    with pytest.raises(QueryError):
        resolve_queries(source, namespace="desk", bot="alpha")


@pytest.mark.parametrize("series", ["fills", 'fills{bot="$bot"}', '{__name__="fills",job=~"a(b)c[0-9]{2}"}', " a:b:c "])
def test_selector_is_a_series(series: str) -> None:
    source = PrometheusSource.model_construct(query="fills", series=series, window_seconds=0)
    assert resolve_queries(source, namespace="desk", bot="alpha").time.startswith("min(timestamp(")


@pytest.mark.parametrize(
    "query", ['fills{le=~"[0-9]+@.*offset 5m"}', "rate(fills[$window]) # not [5m]", "x_offset_5m", "f[ $window : 15s ]"]
)
def test_what_only_looks_like_another_time_is_asked(query: str) -> None:
    source = PrometheusSource.model_construct(query=query, series="fills", window_seconds=60)
    assert resolve_queries(source, namespace="desk", bot="alpha").query


@pytest.mark.parametrize("name", ['a"} or vector(1)', "a.b", "A", "a$window", ""])
def test_name_that_could_be_promql_is_not_put_into_a_query(name: str) -> None:
    source = PrometheusSource.model_validate(FILLS)
    with pytest.raises(QueryError):
        resolve_queries(source, namespace="desk", bot=name)


def test_stored_answers_are_read_as_live_ones() -> None:
    source = PrometheusSource.model_validate(FILLS)
    good = b'{"query":{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"5"]}]}},'
    good += (
        b'"timestamp":{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"99"]}]}}}'
    )
    got = read_stored(good, source, namespace="desk", bot="alpha")
    assert isinstance(got, Reading)
    assert got.value == Decimal(5)
    assert got.observed.timestamp() == 99
    for bad in (b"{}", b"[]", b"", b'{"query":{}}'):
        assert isinstance(read_stored(bad, source, namespace="desk", bot="alpha"), Silence)
