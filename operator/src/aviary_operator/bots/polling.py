"""Asks every running bot for its ``/state``, not more often than it is worth.

One loop, a bounded number of requests at a time, kept-alive connections. A settled bot is asked every five seconds in
a small fleet and less often in a large one, so that the fleet as a whole costs about ten requests a second; one that a
gate gathers evidence of is asked every ten seconds at least; one that is starting, restarting or silent every second.
What a bot says is kept here; its key is queued only when it says something a decision could turn on, or when figures
may be written again.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from aviary_crds.botstate import BotState, Figures

from aviary_operator.bots.decide.readiness import SILENCE_LIMIT
from aviary_operator.bots.decide.status import FIGURES_PERIOD
from aviary_operator.bots.names import Key
from aviary_operator.bots.observed import BotReport
from aviary_operator.runtime.bothttp import BotHttp, BotSilentError
from aviary_operator.runtime.metrics import Metrics

SETTLED_SECONDS: Final = 5.0
MOVING_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 30.0
ATTENDED_SECONDS: Final = 10.0
"""Of a bot that somebody attends to; evidence that is older than twenty seconds is none."""

_ATTENTION_SECONDS: Final = 60.0
"""How long the attention lasts unless it is renewed."""

FLEET_REQUESTS_PER_SECOND: Final = 10.0
CONCURRENT: Final = 16
_TICK_SECONDS: Final = 0.1
_JITTER: Final = 0.15

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Subject:
    pod_uid: str
    address: str
    moving: bool
    due: float
    attended_until: float = 0.0
    report: BotReport = field(default_factory=BotReport)
    figures_told: tuple[datetime, Figures] | None = None
    silence_told: bool = False
    asking: bool = False


def decide_period(*, moving: bool, fleet: int, attended: bool = False) -> float:
    """Return the seconds between two questions to one bot."""
    if moving:
        return MOVING_SECONDS
    longest = ATTENDED_SECONDS if attended else LONGEST_SECONDS
    return min(longest, max(SETTLED_SECONDS, fleet / FLEET_REQUESTS_PER_SECOND))


def is_notable(before: BotState | None, after: BotState) -> bool:
    """Whether a decision could turn on the difference; times and figures are not notable, but for the first fill."""
    return before is None or _essence(before) != _essence(after)


def _essence(state: BotState) -> tuple[object, ...]:
    guard = state.guard
    return (
        state.uid,
        state.mode,
        state.phase,
        state.reason,
        state.message,
        state.ready,
        state.config,
        guard.state,
        guard.reasons,
        guard.enforced,
        state.figures.fills > 0,
        tuple((item.name, item.ready, tuple(sorted(item.flags.items()))) for item in state.connectors),
    )


class StatePoller:
    """Keeps a BotReport of every bot that is watched."""

    def __init__(self, http: BotHttp, *, enqueue: Callable[[Key], None], metrics: Metrics) -> None:
        self._http = http
        self._enqueue = enqueue
        self._metrics = metrics
        self._subjects: dict[Key, _Subject] = {}
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, key: Key, *, pod_uid: str | None) -> BotReport:
        """Return what is known of the bot in this pod; of another pod nothing is known."""
        subject = self._subjects.get(key)
        return subject.report if subject and subject.pod_uid == pod_uid else BotReport()

    def watch(self, key: Key, *, pod_uid: str, address: str, moving: bool) -> None:
        """Ask the bot in this pod from now on; a new pod is asked at once."""
        now = asyncio.get_running_loop().time()
        subject = self._subjects.get(key)
        if subject is None or subject.pod_uid != pod_uid or subject.address != address:
            self._subjects[key] = _Subject(pod_uid=pod_uid, address=address, moving=moving, due=now)
            return
        subject.moving = moving
        subject.due = min(subject.due, now + self._wait(subject))

    def forget(self, key: Key) -> None:
        """Ask no more."""
        self._subjects.pop(key, None)

    def attend(self, key: Key) -> None:
        """Ask often enough for evidence; for a minute, until this is said again."""
        subject = self._subjects.get(key)
        if subject is None:
            return
        now = asyncio.get_running_loop().time()
        began = subject.attended_until <= now
        subject.attended_until = now + _ATTENTION_SECONDS
        if began:
            subject.due = min(subject.due, now + self._wait(subject))

    def hasten(self, key: Key) -> None:
        """Ask now: something was done to the bot."""
        subject = self._subjects.get(key)
        if subject:
            subject.due = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Ask whoever is due, for ever."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = asyncio.get_running_loop().time()
            for key, subject in self._subjects.items():
                if subject.due <= now and not subject.asking:
                    subject.asking = True
                    task = asyncio.create_task(self._ask(key, subject), name=f"state of {key}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: Key, subject: _Subject) -> None:
        try:
            async with self._slots:
                state = await self._http.fetch_state(subject.address)
        except BotSilentError as error:
            self._metrics.state_polls.labels(result="Failed").inc()
            self._note_silence(key, subject, str(error))
        else:
            self._metrics.state_polls.labels(result="Ok").inc()
            self._note_state(key, subject, state)
        finally:
            subject.asking = False
            subject.due = asyncio.get_running_loop().time() + self._wait(subject)

    def _note_state(self, key: Key, subject: _Subject, state: BotState) -> None:
        before, now = subject.report, datetime.now(UTC)
        subject.report = BotReport(state=state, seen=now)
        subject.silence_told = False
        told = subject.figures_told
        if (
            told is None
            or (told[1] != state.figures and now - told[0] >= FIGURES_PERIOD)
            or before.silent_since is not None
            or is_notable(before.state, state)
        ):
            subject.figures_told = (now, state.figures)
            self._enqueue(key)

    def _note_silence(self, key: Key, subject: _Subject, error: str) -> None:
        now, before = datetime.now(UTC), subject.report
        since = before.silent_since or now
        subject.report = BotReport(state=before.state, seen=before.seen, silent_since=since, error=error)
        told = subject.silence_told
        subject.silence_told = now - since >= SILENCE_LIMIT
        if before.silent_since is None or subject.silence_told != told:
            self._enqueue(key)

    def _wait(self, subject: _Subject) -> float:
        moving = not subject.silence_told and (subject.moving or subject.report.silent_since is not None)
        attended = asyncio.get_running_loop().time() < subject.attended_until
        period = decide_period(moving=moving, fleet=len(self._subjects), attended=attended)
        return period * (1 + random.uniform(-_JITTER, _JITTER))  # noqa: S311  spreads requests, guards nothing
