"""A keyed work queue, as client-go has it: the part of a level-triggered operator that kopf does not bring.

A key that is added many times is reconciled once. A key is never reconciled twice at the same time; when it is added
meanwhile, it comes again afterwards. Failures wait longer each time. ``add_after`` keeps the earliest time asked for.
Pure asyncio, so tests run it on a clock of their own.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final

import structlog

from aviary_operator.runtime.metrics import Metrics

FIRST_BACKOFF_SECONDS: Final = 0.5
LONGEST_BACKOFF_SECONDS: Final = 60.0
_JITTER: Final = 0.2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reconcile found.

    ``changed``: whether anything was written. ``requeue_after``: seconds until the key is due again by itself, None
    when only an event or the resync needs to bring it back.
    """

    changed: bool = False
    requeue_after: float | None = None


class RetryError(Exception):
    """Raised by a reconcile that cannot go on now and wants to be called again with back-off; the message is logged."""


class WorkQueue[K: Hashable]:
    """The queue. All methods belong to one event loop."""

    def __init__(self, metrics: Metrics, *, rng: random.Random | None = None) -> None:
        self._metrics = metrics
        self._rng = rng or random.Random()  # noqa: S311  spreads retries, guards nothing
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._due: dict[K, float] = {}
        self._processing: set[K] = set()
        self._timers: dict[K, tuple[float, asyncio.TimerHandle]] = {}
        self._failures: dict[K, int] = {}
        self._closed = False
        self._drained = asyncio.Event()

    def __len__(self) -> int:
        """Return how many keys are due and not yet taken."""
        return self._ready.qsize()

    @property
    def idle(self) -> bool:
        """Whether nothing is due and nothing is being worked on. Delayed keys do not count."""
        return not self._due and not self._processing

    def add(self, key: K) -> None:
        """Make ``key`` due now, unless it already is."""
        if self._closed or key in self._due:
            return
        self._cancel_timer(key)
        self._due[key] = asyncio.get_running_loop().time()
        if key not in self._processing:
            self._offer(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Make ``key`` due in ``seconds``, or earlier when it already is to be."""
        if self._closed or key in self._due:
            return
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        known = self._timers.get(key)
        if known and known[0] <= due:
            return
        self._cancel_timer(key)
        self._timers[key] = (due, loop.call_at(due, self.add, key))

    def add_failed(self, key: K) -> float:
        """Make ``key`` due after its back-off and return that many seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 16))
        delay *= 1 + self._rng.uniform(-_JITTER, _JITTER)
        self._metrics.queue_retries.inc()
        self.add_after(key, delay)
        return delay

    def forget_failures(self, key: K) -> None:
        """Start the back-off of ``key`` from the beginning."""
        self._failures.pop(key, None)

    def drop(self, key: K) -> None:
        """Forget ``key``: its timer and its failures. One that is due stays due."""
        self._cancel_timer(key)
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for a key that is due and take it; ``done`` gives it back."""
        key = await self._ready.get()
        since = self._due.pop(key)
        self._processing.add(key)
        self._metrics.queue_depth.set(len(self))
        self._metrics.queue_wait.observe(max(0.0, asyncio.get_running_loop().time() - since))
        return key

    def done(self, key: K) -> None:
        """Give ``key`` back; when it was added meanwhile it is due again."""
        self._processing.discard(key)
        if key in self._due:
            self._offer(key)
        if self._closed and not self._processing:
            self._drained.set()

    async def close(self) -> None:
        """Ignore every later add, forget what was not begun, and wait for what was: the operator is stopping."""
        self._closed = True
        for key in list(self._timers):
            self._cancel_timer(key)
        while not self._ready.empty():
            self._ready.get_nowait()
        self._due.clear()
        if self._processing:
            await self._drained.wait()

    def _offer(self, key: K) -> None:
        self._ready.put_nowait(key)
        self._metrics.queue_depth.set(len(self))

    def _cancel_timer(self, key: K) -> None:
        known = self._timers.pop(key, None)
        if known:
            known[1].cancel()


async def work[K: Hashable](
    queue: WorkQueue[K], reconcile: Callable[[K], Awaitable[Outcome]], *, name: Callable[[K], str], metrics: Metrics
) -> None:
    """Take keys and reconcile them, for ever. Run as many of these as keys may be worked on at the same time.

    A reconcile that raises is tried again with back-off; whatever it raises, the worker goes on.
    """
    loop = asyncio.get_running_loop()
    while True:
        key = await queue.get()
        kind = name(key)
        begin = loop.time()
        result = "Error"
        try:
            outcome = await reconcile(key)
        except RetryError as error:
            result = "Retry"
            delay = queue.add_failed(key)
            log.warning(
                "reconcile will be tried again", key=str(key), error=str(error), retry_in_seconds=round(delay, 1)
            )
        except Exception:
            delay = queue.add_failed(key)
            log.exception("reconcile failed", key=str(key), retry_in_seconds=round(delay, 1))
        else:
            result = "Changed" if outcome.changed else "Unchanged"
            queue.forget_failures(key)
            if outcome.requeue_after is not None:
                queue.add_after(key, outcome.requeue_after)
        finally:
            queue.done(key)
            metrics.reconcile_time.labels(kind=kind).observe(loop.time() - begin)
            metrics.reconciles.labels(kind=kind, result=result).inc()
