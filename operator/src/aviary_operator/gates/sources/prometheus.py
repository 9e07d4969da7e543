"""Source ``prometheus``: an instant query that returns exactly one series.

The age of the value is that of the oldest sample of the series it rests on, by that sample's own time stamp: an
instant query alone always answers with the time it was asked, and would call data of yesterday fresh.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, override

from aviary_crds.digest import sha256_hex
from aviary_crds.v1alpha1.gatechecks import PrometheusSource
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.measurement import NoValue, Reading, Silence
from aviary_operator.gates.sources.promql import PART_LABEL, TIME_PART, VALUE_PART, Queries, QueryError, resolve_queries
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.runtime.documents import DocumentError, DocumentHttp

LONGEST_ANSWER_BYTES: Final = 1_048_576
_LONGEST_TOKEN_BYTES: Final = 65_536
_TIME: Final = "the question for the time of prometheus.series"
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?|[+-]?Inf|NaN")
_OK: Final = 200
_BAD_REQUEST: Final = 400


class AnswerError(Exception):
    """An answer of the API that gives no value: ``state`` and ``reason`` say of which kind."""

    def __init__(self, state: NoValue, reason: str, message: str) -> None:
        super().__init__(message)
        self.state: NoValue = state
        self.reason = reason


class PrometheusReader(Source):
    """Asks one Prometheus."""

    def __init__(self, http: DocumentHttp, *, url: str, token_file: Path | None) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._token_file = token_file

    @override
    async def read(self, question: Question) -> Answer:
        source = question.check.prometheus
        if source is None:
            raise ValueError(f"check {question.check.name} is not of source prometheus")
        if not self._url:
            return Silence(
                state=CheckState.ERRORED,
                reason="NoPrometheus",
                message="no Prometheus is configured: set gates.prometheusUrl of the chart aviary",
            )

        try:
            queries = resolve_queries(source, namespace=question.namespace, bot=question.bot)
        except QueryError as error:
            return Silence(state=CheckState.ERRORED, reason=error.reason, message=str(error), query=source.query)
        try:
            headers = await self._read_headers()
            body = await self._ask(queries.both, headers)
            if body is not None:
                return read_both(body, query=queries.query)
            # the query is wrong, or a scalar: asked alone it says so in its author's words
            return await self._ask_apart(queries, headers)
        except AnswerError as error:
            return _silence(error, queries.query)

    async def _ask_apart(self, queries: Queries, headers: dict[str, str]) -> Answer:
        answers = []
        for query in (queries.query, queries.time):
            body = await self._ask(query, headers, told=True)
            answers.append(body or b"")
        return read_answers(answers[0], answers[1], query=queries.query)

    async def _ask(self, query: str, headers: dict[str, str], *, told: bool = False) -> bytes | None:
        """Return the answer; None when the query itself is refused, unless that is to be ``told``."""
        try:
            answer = await self._http.fetch(
                f"{self._url}/api/v1/query",
                query={"query": query, "timeout": "5s"},
                headers=headers,
                limit=LONGEST_ANSWER_BYTES,
            )
        except DocumentError as error:
            raise AnswerError(CheckState.ERRORED, error.reason, f"Prometheus: {error}") from error
        if answer.status == _BAD_REQUEST and not told:
            return None
        if answer.status != _OK:
            said = answer.body.decode(errors="replace")[:200].strip()
            raise AnswerError(CheckState.ERRORED, "HttpStatus", f"Prometheus answered {answer.status}: {said}")
        return answer.body

    async def _read_headers(self) -> dict[str, str]:
        token = None if self._token_file is None else await asyncio.to_thread(_read_token, self._token_file)
        return {} if token is None else {"Authorization": f"Bearer {token}"}


def _read_token(path: Path) -> str:
    """Return the token in a file; it is read anew each time, for it may be replaced at any."""
    try:
        with path.open("rb") as file:
            token = file.read(_LONGEST_TOKEN_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AnswerError(CheckState.ERRORED, "NoToken", f"the token for Prometheus cannot be read: {error}") from error
    if not token or not token.isprintable():
        raise AnswerError(CheckState.ERRORED, "NoToken", f"{path} holds no token for Prometheus")
    return token


def read_stored(raw: bytes, source: PrometheusSource, *, namespace: str, bot: str) -> Answer:
    """Return what two stored answers of the API say: ``{"query": ..., "timestamp": ...}``, each as it was answered."""
    try:
        query = resolve_queries(source, namespace=namespace, bot=bot).query
    except QueryError as error:
        return Silence(state=CheckState.ERRORED, reason=error.reason, message=str(error), query=source.query)
    try:
        body = _parse(raw)
        parts = [json.dumps(body[name]).encode() for name in ("query", "timestamp")]
    except AnswerError as error:
        return _silence(error, query)
    except (KeyError, TypeError):
        message = "stored answers are a JSON object with query and timestamp, each as the API answered"
        return Silence(state=CheckState.ERRORED, reason="NotTheApi", message=message, query=query)
    return read_answers(parts[0], parts[1], query=query)


def read_both(raw: bytes, *, query: str) -> Answer:
    """Return what the answer to value and time in one says."""
    sha256 = sha256_hex(raw)
    try:
        parts = _take_apart(_read_result(raw, "the query"))
        number = _read_one(parts[VALUE_PART], "the query")
        observed = _read_time(_read_one(parts[TIME_PART], _TIME))
    except AnswerError as error:
        return _silence(error, query, sha256)
    return Reading(value=number, observed=observed, query=query, sha256=sha256)


def _take_apart(result: "_Result") -> dict[str, list[Any]]:
    """Return the series of the value and of the time."""
    if result.kind != "vector":
        raise AnswerError(CheckState.ERRORED, "NotTheApi", "the answer to a union of vectors is no vector")
    parts: dict[str, list[Any]] = {VALUE_PART: [], TIME_PART: []}
    for item in result.found:
        labels = item.get("metric") if isinstance(item, dict) else None
        part = labels.get(PART_LABEL) if isinstance(labels, dict) else None
        if part not in parts:
            raise AnswerError(CheckState.ERRORED, "NotTheApi", "the answer holds series that were not asked for")
        parts[part].append(item)
    return parts


def read_answers(value: bytes, time: bytes, *, query: str) -> Answer:
    """Return what the answers to the query and to the question for its age say."""
    sha256 = sha256_hex(value + b"\n" + time)
    try:
        number = read_number(value, what="the query")
        observed = _read_time(read_number(time, what=_TIME))
    except AnswerError as error:
        return _silence(error, query, sha256)
    return Reading(value=number, observed=observed, query=query, sha256=sha256)


def read_number(raw: bytes, *, what: str) -> Decimal:
    """Return the one number in an answer of the API; it may be NaN or infinite.

    Raises:
        AnswerError: when there is not exactly one.
    """
    result = _read_result(raw, what)
    return _read_pair(result.found, what) if result.kind == "scalar" else _read_one(result.found, what)


@dataclass(frozen=True, slots=True)
class _Result:
    kind: Literal["scalar", "vector"]
    found: list[Any]


def _read_result(raw: bytes, what: str) -> _Result:
    body = _parse(raw)
    if not isinstance(body, dict) or body.get("status") != "success":
        error = str(body.get("error", "no success"))[:200] if isinstance(body, dict) else "no JSON object"
        raise AnswerError(CheckState.ERRORED, "QueryRefused", f"Prometheus refuses {what}: {error}")
    if body.get("warnings"):
        said = str(body["warnings"])[:200]
        raise AnswerError(CheckState.INCONCLUSIVE, "Warnings", f"Prometheus warns about {what}: {said}")
    data = body.get("data")
    data = data if isinstance(data, dict) else {}
    kind, found = data.get("resultType"), data.get("result")
    if kind in {"matrix", "string"}:
        raise AnswerError(CheckState.INCONCLUSIVE, "WrongResultType", f"{what} returned a {kind}, not one number")
    if kind not in {"scalar", "vector"} or not isinstance(found, list):
        raise AnswerError(CheckState.ERRORED, "NotTheApi", f"the answer to {what} is not that of Prometheus' API")
    return _Result("scalar" if kind == "scalar" else "vector", found)


def _read_one(found: list[Any], what: str) -> Decimal:
    if len(found) != 1:
        reason, said = ("NoSeries", "no series") if not found else ("SeveralSeries", f"{len(found)} series")
        raise AnswerError(CheckState.INCONCLUSIVE, reason, f"{what} returned {said}, not exactly one")
    if not isinstance(found[0], dict) or "histogram" in found[0]:
        raise AnswerError(CheckState.INCONCLUSIVE, "WrongResultType", f"{what} returned no plain number")
    return _read_pair(found[0].get("value"), what)


def _read_pair(pair: object, what: str) -> Decimal:
    written = pair[1] if isinstance(pair, list) and len(pair) == 2 else None  # noqa: PLR2004  time and value
    if not isinstance(written, str):
        raise AnswerError(CheckState.ERRORED, "NotTheApi", f"the answer to {what} has no value as a string")
    if not _NUMBER.fullmatch(written):
        raise AnswerError(
            CheckState.INCONCLUSIVE, "NotANumber", f"{what} returned {written[:60]!r}, which is no number"
        )
    return Decimal(written)


def _read_time(stamp: Decimal) -> datetime:
    try:
        return datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise AnswerError(
            CheckState.INCONCLUSIVE, "NoTimestamp", f"the time of the series is {str(stamp)[:40]}, which is no time"
        ) from None


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise AnswerError(
            CheckState.ERRORED, "NotJson", f"Prometheus' answer is no JSON: {str(error)[:120]}"
        ) from error


def _silence(error: AnswerError, query: str, sha256: str | None = None) -> Silence:
    return Silence(state=error.state, reason=error.reason, message=str(error), query=query, sha256=sha256)
