"""The edges' pure parts: health, control key, Events, settings, answers to a retune."""

import base64
from datetime import UTC, datetime

import pytest
from aviary_operator.bots.neighbours import NOBODY, Neighbours
from aviary_operator.runtime.bothttp import _read_verdict, control_token, token_fingerprint
from aviary_operator.runtime.controlkey import ControlKeyError, build_control_secret, ensure_control_key
from aviary_operator.runtime.events import EventRecorder, EventSubject, Notice, build_event
from aviary_operator.runtime.health import decide_alive, decide_ready
from aviary_operator.runtime.kinds import CONFIG_MAP, SECRET, STATEFUL_SET, TRADING_BOT
from aviary_operator.runtime.kube import ApiError
from aviary_operator.settings import OperatorSettings
from pydantic import ValidationError

from .builders import UID
from .memory_api import MemoryApi

SUBJECT = EventSubject(TRADING_BOT, "desk", "alpha", UID)


@pytest.mark.parametrize(
    ("synced", "age", "silent", "ready", "alive"),
    [
        (True, 10.0, 0.0, True, True),
        (False, None, 0.0, False, True),
        (True, None, 0.0, False, True),
        (True, 901.0, 0.0, False, True),
        (True, 1501.0, 0.0, False, False),
        (True, 10.0, 16.0, False, True),
        (True, 10.0, 14.0, True, True),
    ],
)
def test_probes_mean_something(synced: bool, age: float | None, silent: float, ready: bool, alive: bool) -> None:  # noqa: FBT001  a table's columns
    assert (decide_ready(synced=synced, heartbeat_age=age, period=300, api_silent=silent) is None) == ready
    assert (decide_alive(heartbeat_age=age, period=300) is None) == alive


async def test_control_key_is_made_once_and_found_again() -> None:
    kube = MemoryApi()
    first = await ensure_control_key(kube, "system", "key")
    assert await ensure_control_key(kube, "system", "key") == first
    assert len(first) == 32


@pytest.mark.parametrize("data", [{}, {"key": "not base64!"}, {"key": base64.b64encode(b"short").decode()}])
async def test_secret_without_a_usable_key_is_refused_with_the_remedy(data: dict[str, str]) -> None:
    kube = MemoryApi()
    kube.objects[SECRET, "system", "key"] = {**build_control_secret("system", "key", b""), "data": data}
    with pytest.raises(ControlKeyError, match="delete the Secret and restart the operator"):
        await ensure_control_key(kube, "system", "key")


def test_token_belongs_to_one_bot() -> None:
    key = b"k" * 32
    tokens = {
        control_token(key, namespace="desk", name="alpha", uid="1"),
        control_token(key, namespace="desk", name="alpha", uid="2"),
        control_token(key, namespace="desk", name="beta", uid="1"),
        control_token(b"l" * 32, namespace="desk", name="alpha", uid="1"),
    }
    assert len(tokens) == 4
    assert all(len(token_fingerprint(token)) == 64 for token in tokens)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"revision": "r", "bootRevision": "b"}', "InForce"),
        (200, b"fine", "Failed"),
        (409, b"leverage", "NotHot"),
        (422, b"must be above 4", "Refused"),
        (401, b"", "Failed"),
        (500, b"", "Failed"),
    ],
)
def test_answer_to_a_retune(status: int, body: bytes, verdict: str) -> None:
    assert _read_verdict(status, body).verdict == verdict


async def test_same_words_about_the_same_bot_are_said_once_in_ten_minutes() -> None:
    kube, now = MemoryApi(), [0.0]
    recorder = EventRecorder(kube, instance="one", clock=lambda: now[0])
    notice = Notice("Warning", "CrashLoop", "exits with code 3")
    await recorder.record(SUBJECT, notice)
    await recorder.record(SUBJECT, notice)
    assert len(kube.calls) == 1
    await recorder.record(SUBJECT, Notice("Warning", "CrashLoop", "exits with code 4"))
    now[0] = 601.0
    await recorder.record(SUBJECT, notice)
    assert len(kube.calls) == 3


async def test_event_that_cannot_be_written_is_no_error() -> None:
    kube = MemoryApi()
    kube.error = ApiError(403, "forbidden")
    await EventRecorder(kube, instance="one").record(SUBJECT, Notice("Normal", "Ready", "fine"))


def test_event_names_its_object() -> None:
    event = build_event(
        SUBJECT, Notice("Normal", "Ready", "x" * 5000), instance="one", now=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert event["involvedObject"]["uid"] == UID
    assert event["firstTimestamp"] == "2026-01-02T00:00:00Z"
    assert len(event["message"]) == 1000


@pytest.mark.parametrize(
    ("status", "retryable"), [(0, True), (409, True), (429, True), (500, True), (503, True), (403, False), (422, False)]
)
def test_error_knows_whether_trying_again_can_help(status: int, retryable: bool) -> None:  # noqa: FBT001  a table's column
    assert ApiError(status, "").retryable == retryable


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVIARY_NAMESPACE", "system")
    monkeypatch.setenv("AVIARY_WATCH_NAMESPACES", " desk-a, desk-b ,")
    monkeypatch.setenv("AVIARY_LOG_LEVEL", "warning")
    monkeypatch.setenv("AVIARY_METRICS_NAMESPACE_LABEL", "")
    settings = OperatorSettings()
    assert settings.watch_namespaces == ("desk-a", "desk-b")
    assert settings.log_level == "WARNING"
    assert settings.metrics_label is None


def test_settings_without_a_namespace_or_with_a_strange_level_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVIARY_NAMESPACE", raising=False)
    with pytest.raises(ValidationError):
        OperatorSettings()
    monkeypatch.setenv("AVIARY_NAMESPACE", "system")
    monkeypatch.setenv("AVIARY_LOG_LEVEL", "loud")
    with pytest.raises(ValidationError, match="Debug, Info, Warning or Error"):
        OperatorSettings()


def test_path_of_an_object() -> None:
    assert STATEFUL_SET.path("desk", "alpha", "status") == "/apis/apps/v1/namespaces/desk/statefulsets/alpha/status"
    assert CONFIG_MAP.path(None) == "/api/v1/configmaps"


async def test_names_of_a_namespace_are_looked_up_once_for_many_bots() -> None:
    kube = MemoryApi()
    kube.put(CONFIG_MAP, "desk", "alpha")
    kube.objects[CONFIG_MAP, "desk", "alpha"]["metadata"]["ownerReferences"] = [{"uid": "bot", "controller": True}]
    kube.put(CONFIG_MAP, "desk", "mine")
    neighbours = Neighbours(kube)
    found = [await neighbours.find_owner(CONFIG_MAP, "desk", name) for name in ("alpha", "mine", "beta")]
    assert found == ["bot", NOBODY, None]
    assert len(kube.calls) == 1
