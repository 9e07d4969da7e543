"""An attempt to reach Live without a grant: what it is, how it is made, and what is made of it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import override

from aviary_crds.v1alpha1.modes import Mode

from .people import RefusedError, Stop
from .stage import Stage, Victim

type Act = Callable[[Stage], Awaitable[None]]
type Tell = Callable[[Stage], Awaitable[str]]


class Before(StrEnum):
    """What must be so before, lest something else than is meant stop the attempt."""

    AWAITING = "AwaitingApproval"
    """The gate has everything but people."""
    LIVE = "Live"
    """The bot is granted Live; the attempt is to keep it."""
    KEEPS = "KeepsLive"
    """The bot is granted Live and keeps it; the attempt is for more capital."""
    NOT_LIVE = "NotLive"
    """It is not, for another reason than people."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try.

    Attributes:
        stopped_by: who must be the one to stop it.
        because: a pattern for what is said about it.
        ceiling: the highest mode that the bot has honestly, Paper but for a few.
        tell: what is said by the operator; why the mode is not granted, unless told otherwise.
        undo: takes away what is left of it.
    """

    what: str
    who: str
    victim: Victim
    act: Act
    stopped_by: Stop
    because: str
    before: Before = Before.AWAITING
    ceiling: Mode = Mode.PAPER
    tell: Tell | None = None
    undo: Act | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of an attempt."""

    attempt: Attempt
    stopped_by: Stop
    said: str

    @property
    def as_meant(self) -> bool:
        """Whether it was stopped, by whom it should be, for the reason it should be."""
        meant = self.attempt
        return self.stopped_by is meant.stopped_by and re.search(meant.because, self.said) is not None

    @override
    def __str__(self) -> str:
        said = " ".join(self.said.split())
        if not self.as_meant:
            said = f"NOT AS MEANT (by {self.attempt.stopped_by}, {self.attempt.because!r}): {said}"
        shown = said[: 110 if self.as_meant else 600]
        return f"{self.attempt.what:<64} {self.attempt.who:<9} {self.stopped_by:<9} {shown}"


async def make_attempt(stage: Stage, attempt: Attempt) -> Verdict:
    """Make an attempt, wait until the operator has worked it off, and judge it by what the operator grants."""
    victim = attempt.victim
    try:
        await _await_before(stage, attempt)
        mark = len(stage.witness.sightings)
        stop, said = Stop.OPERATOR, ""
        try:
            await attempt.act(stage)
        except RefusedError as error:
            stop, said = error.by, error.short
        if attempt.before is Before.LIVE:
            await _until_lost(stage, attempt)
            mark = len(stage.witness.sightings)
        if stop is Stop.OPERATOR:  # of what was refused the operator sees nothing
            await stage.settle(victim.namespace)
            said = await (attempt.tell(stage) if attempt.tell else stage.told(victim))
        reached = await find_reached(stage, victim, attempt.ceiling, mark)
        verdict = Verdict(attempt, Stop.NOBODY, reached) if reached else Verdict(attempt, stop, said)
    except (AssertionError, KeyError) as error:  # the table is printed whole, and fails at its end
        verdict = Verdict(attempt, Stop.NOBODY, f"it went another way: {error!r}")
    if attempt.undo is not None:
        await attempt.undo(stage)
    return verdict


async def find_reached(stage: Stage, victim: Victim, ceiling: Mode, mark: int) -> str:
    """Return which mode above ``ceiling`` the bot has, or had since ``mark``; empty when it had none."""
    above = [mode for mode in await stage.modes(victim) if mode.rank > ceiling.rank]
    seen = stage.witness.seen_since(mark, namespace=victim.namespace, bot=victim.bot)
    passed = [item for item in seen if item.mode.rank > ceiling.rank]
    return f"{victim} REACHED {above or ''} {passed or ''}" if above or passed else ""


async def _await_before(stage: Stage, attempt: Attempt) -> None:
    victim = attempt.victim
    match attempt.before:
        case Before.AWAITING:
            await stage.until_gate(victim, status="False", reason="AwaitingApproval", seconds=10)
            asks = (await stage.bot(victim))["spec"]["mode"]
            assert asks == "Live", f"{victim} asks for {asks}"
            await _until_not_above(stage, attempt)
        case Before.LIVE | Before.KEEPS:
            await stage.until_live(victim, seconds=5)
        case Before.NOT_LIVE:
            await _until_not_above(stage, attempt)


async def _until_not_above(stage: Stage, attempt: Attempt) -> None:
    async def is_so() -> bool:
        return all(mode.rank <= attempt.ceiling.rank for mode in await stage.modes(attempt.victim))

    await stage.until(is_so, seconds=20, tell=f"{attempt.victim} is above {attempt.ceiling} before {attempt.what}")


async def _until_lost(stage: Stage, attempt: Attempt) -> None:
    async def is_lost() -> bool:
        return all(mode.rank <= attempt.ceiling.rank for mode in await stage.modes(attempt.victim))

    await stage.until(is_lost, seconds=10, tell=f"{attempt.victim} keeps its grant")
