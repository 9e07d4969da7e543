"""Asking bots for their state, on a clock of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import override

import pytest
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, Figures
from aviary_operator.bots.names import Key, bot_key
from aviary_operator.bots.polling import LONGEST_SECONDS, StatePoller, decide_period, is_notable
from aviary_operator.gates.samples import SAMPLE_SECONDS
from aviary_operator.runtime.bothttp import BotHttp, BotSilentError, RetuneAnswer
from aviary_operator.runtime.metrics import Metrics

from .builders import applied, bot_spec, bot_state

KEY = bot_key("desk", "alpha")
STATE = bot_state(applied(bot_spec()).config)


class Answering(BotHttp):
    """Bots that say what a test puts here."""

    def __init__(self) -> None:
        self.state: BotState | None = STATE
        self.asked: list[float] = []
        self.addresses: list[str] = []

    @override
    async def fetch_state(self, address: str) -> BotState:
        self.asked.append(asyncio.get_running_loop().time())
        self.addresses.append(address)
        if self.state is None:
            raise BotSilentError("connection refused")
        return self.state

    @override
    async def push_retune(self, address: str, config: BotConfig, *, token: str) -> RetuneAnswer:
        raise AssertionError("polling pushes nothing")


@asynccontextmanager
async def polling(http: BotHttp) -> AsyncIterator[tuple[StatePoller, list[Key]]]:
    queued: list[Key] = []
    poller = StatePoller(http, enqueue=queued.append, metrics=Metrics())
    task = asyncio.create_task(poller.run())
    try:
        yield poller, queued
    finally:
        task.cancel()


@pytest.mark.parametrize(
    ("moving", "fleet", "seconds"), [(True, 500, 1), (False, 1, 5), (False, 50, 5), (False, 100, 10), (False, 900, 30)]
)
def test_period(moving: bool, fleet: int, seconds: float) -> None:  # noqa: FBT001  a table's column
    assert decide_period(moving=moving, fleet=fleet) == seconds
    assert decide_period(moving=moving, fleet=fleet) <= LONGEST_SECONDS


def test_figures_are_not_notable_but_the_first_fill_is() -> None:
    quiet = STATE.model_copy(update={"figures": Figures(fills=0)})
    assert is_notable(None, STATE)
    assert not is_notable(STATE, STATE.model_copy(update={"figures": Figures(fills=9), "tick_age_seconds": 0.1}))
    assert is_notable(quiet, STATE)
    assert is_notable(STATE, STATE.model_copy(update={"ready": False}))
    assert is_notable(STATE, STATE.model_copy(update={"message": "paused"}))


@pytest.mark.looptime
async def test_settled_bot_is_queued_once_and_asked_every_five_seconds() -> None:
    http = Answering()
    async with polling(http) as (poller, queued):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=False)
        await asyncio.sleep(31)
        assert queued == [KEY]
        assert 5 <= len(http.asked) <= 9
        assert poller.report(KEY, pod_uid="p").state == STATE


@pytest.mark.looptime
async def test_moving_bot_is_asked_every_second() -> None:
    http = Answering()
    async with polling(http) as (poller, _):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=True)
        await asyncio.sleep(20)
        assert len(http.asked) >= 15


@pytest.mark.looptime
async def test_answer_of_another_pod_says_nothing_about_this_one() -> None:
    async with polling(Answering()) as (poller, _):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=False)
        await asyncio.sleep(2)
        assert poller.report(KEY, pod_uid="q").state is None
        assert not poller.report(KEY, pod_uid=None).asked


@pytest.mark.looptime
async def test_silence_keeps_the_last_words_and_is_told_when_it_begins() -> None:
    http = Answering()
    async with polling(http) as (poller, queued):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=False)
        await asyncio.sleep(2)
        http.state = None
        await asyncio.sleep(10)
        report = poller.report(KEY, pod_uid="p")
        assert report.state == STATE
        assert report.silent_since is not None
        assert report.error == "connection refused"
        assert queued == [KEY, KEY]
        http.state = STATE
        await asyncio.sleep(10)
        assert queued == [KEY, KEY, KEY]
        assert poller.report(KEY, pod_uid="p").silent_since is None


@pytest.mark.looptime
async def test_forgotten_bot_is_asked_no_more() -> None:
    http = Answering()
    async with polling(http) as (poller, _):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=False)
        await asyncio.sleep(2)
        poller.forget(KEY)
        asked = len(http.asked)
        await asyncio.sleep(60)
        assert len(http.asked) == asked


@pytest.mark.looptime
async def test_bot_that_was_changed_is_asked_at_once() -> None:
    http = Answering()
    async with polling(http) as (poller, _):
        poller.watch(KEY, pod_uid="p", address="10.0.0.1", moving=False)
        await asyncio.sleep(1)
        asked = len(http.asked)
        poller.hasten(KEY)
        await asyncio.sleep(0.5)
        assert len(http.asked) == asked + 1


@pytest.mark.looptime
async def test_bot_that_evidence_is_gathered_of_is_asked_often_in_a_large_fleet_too() -> None:
    http = Answering()
    async with polling(http) as (poller, _):
        for number in range(600):
            poller.watch(bot_key("desk", f"bot-{number}"), pod_uid="p", address=f"10.0.{number}", moving=False)
        await asyncio.sleep(60)
        for _ in range(16):
            poller.attend(bot_key("desk", "bot-0"))
            asked = http.addresses.count("10.0.0")
            await asyncio.sleep(SAMPLE_SECONDS)
            assert http.addresses.count("10.0.0") > asked, "each sample finds a new answer"
        await asyncio.sleep(90)
        asked = http.addresses.count("10.0.0")
        await asyncio.sleep(300)
        assert http.addresses.count("10.0.0") - asked <= 12, "about twice a minute when nobody attends any more"
