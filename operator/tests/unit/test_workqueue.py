"""The work queue, on a clock of its own."""

import asyncio
import itertools
import random

import pytest
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.runtime.workqueue import (
    FIRST_BACKOFF_SECONDS,
    LONGEST_BACKOFF_SECONDS,
    Outcome,
    RetryError,
    WorkQueue,
    work,
)

pytestmark = pytest.mark.looptime


def queue() -> WorkQueue[str]:
    return WorkQueue(Metrics(), rng=random.Random(7))  # noqa: S311  a fixed jitter


async def test_key_added_many_times_is_taken_once() -> None:
    q = queue()
    for _ in range(20):
        q.add("a")
    assert len(q) == 1
    assert await q.get() == "a"
    q.done("a")
    assert q.idle


async def test_key_added_while_worked_on_comes_again_and_not_at_the_same_time() -> None:
    q = queue()
    q.add("a")
    await q.get()
    q.add("a")
    q.add("a")
    assert len(q) == 0
    q.done("a")
    assert len(q) == 1


async def test_key_due_later_comes_at_its_time() -> None:
    q = queue()
    begin = asyncio.get_running_loop().time()
    q.add_after("a", 30)
    await q.get()
    assert asyncio.get_running_loop().time() - begin == pytest.approx(30)


@pytest.mark.parametrize(("first", "second", "wait"), [(30, 5, 5), (5, 30, 5)])
async def test_earliest_time_asked_for_counts(first: float, second: float, wait: float) -> None:
    q = queue()
    begin = asyncio.get_running_loop().time()
    q.add_after("a", first)
    q.add_after("a", second)
    await q.get()
    assert asyncio.get_running_loop().time() - begin == pytest.approx(wait)


async def test_event_brings_a_delayed_key_at_once_and_only_once() -> None:
    q = queue()
    q.add_after("a", 30)
    q.add("a")
    await q.get()
    q.done("a")
    await asyncio.sleep(60)
    assert q.idle


async def test_failures_wait_longer_each_time_up_to_a_limit_and_start_anew_when_forgotten() -> None:
    q = queue()
    waits = [q.add_failed("a") for _ in range(12)]
    assert waits[0] == pytest.approx(FIRST_BACKOFF_SECONDS, rel=0.2)
    assert waits[3] == pytest.approx(FIRST_BACKOFF_SECONDS * 8, rel=0.2)
    assert max(waits) <= LONGEST_BACKOFF_SECONDS * 1.2
    q.forget_failures("a")
    assert q.add_failed("a") == pytest.approx(FIRST_BACKOFF_SECONDS, rel=0.2)


async def test_dropped_key_does_not_come_back() -> None:
    q = queue()
    q.add_after("a", 1)
    q.drop("a")
    await asyncio.sleep(5)
    assert q.idle


async def test_close_waits_for_what_was_begun_and_ignores_the_rest() -> None:
    q = queue()
    q.add("a")
    q.add("b")
    await q.get()
    q.add_after("c", 1)
    closing = asyncio.create_task(q.close())
    await asyncio.sleep(3)
    assert not closing.done()
    q.add("d")
    q.done("a")
    await closing
    assert len(q) == 0


async def test_worker_goes_on_after_an_error_and_tries_the_key_again() -> None:
    q, metrics, seen = queue(), Metrics(), list[str]()

    async def reconcile(key: str) -> Outcome:
        seen.append(key)
        if len(seen) == 1:
            raise RuntimeError("boom")
        if len(seen) == 2:
            raise RetryError("not yet")
        return Outcome(changed=True)

    task = asyncio.create_task(work(q, reconcile, name=lambda _: "Bot", metrics=metrics))
    q.add("a")
    await asyncio.sleep(10)
    task.cancel()
    assert seen == ["a", "a", "a"]
    results = {
        sample.labels["result"]: sample.value
        for family in metrics.reconciles.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert results == {"Error": 1, "Retry": 1, "Changed": 1}


async def test_worker_brings_a_key_back_when_it_asked_for_it() -> None:
    q, times = queue(), list[float]()

    async def reconcile(_: str) -> Outcome:
        times.append(asyncio.get_running_loop().time())
        return Outcome(requeue_after=7)

    task = asyncio.create_task(work(q, reconcile, name=lambda _: "Bot", metrics=Metrics()))
    q.add("a")
    await asyncio.sleep(20)
    task.cancel()
    assert [round(second - first) for first, second in itertools.pairwise(times)] == [7, 7]


async def test_two_workers_never_take_the_same_key_together() -> None:
    q, active, most = queue(), set[str](), 0

    async def reconcile(key: str) -> Outcome:
        nonlocal most
        assert key not in active
        active.add(key)
        most = max(most, len(active))
        await asyncio.sleep(1)
        active.discard(key)
        return Outcome()

    tasks = [asyncio.create_task(work(q, reconcile, name=lambda _: "Bot", metrics=Metrics())) for _ in range(4)]
    for key in "abab":
        q.add(key)
    await asyncio.sleep(0.5)
    q.add("a")
    await asyncio.sleep(5)
    for task in tasks:
        task.cancel()
    assert most == 2
    assert q.idle
