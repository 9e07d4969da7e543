"""Nobody reaches Live without a grant: every attempt is made where policies guard and where none do, and none succeeds.

The charts are installed on a real API server, a real operator runs, bots soak, and a gate has everything but what the
attempt tries to do without. What counts is what the operator grants: ``status.grantedMode`` and ``bot.json``, looked at
after it has worked off the attempt, and in every version in between. Issue 4; docs/design/promotion.md.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide import approvals
from aviary_operator.runtime.kinds import PROMOTION_GATE, TRADING_BOT

from .bypass import manifests
from .bypass.attempt import Verdict, find_reached, make_attempt
from .bypass.attempts import first_attempts, last_attempts
from .bypass.attempts.evidence import build_report, write_report
from .bypass.cast import ALPHA, AWAITING, GRANTED, LATE, OPEN_ALPHA, OPEN_MARKED, REPORTED, STEPPING, assemble
from .bypass.people import Stop
from .bypass.release import POLICY_BINDINGS, RELEASE_NAMESPACE
from .bypass.stage import Stage, staged

LEAST = 100
LEAST_PAST_ADMISSION = 50
"""Attempts that the API server takes, so that the operator must be the one to stop them."""


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Give a stage on which every bot has soaked and lacks what it is to lack."""
    async with staged(tmp_path) as stage:
        await assemble(stage)
        for victim in AWAITING:
            await stage.until_gate(victim, status="False", reason="AwaitingApproval")
        yield stage


async def test_no_attempt_to_reach_live_without_a_grant_succeeds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await _reach_live_honestly(stage)
    attempts = (*first_attempts(), *last_attempts())
    verdicts = [await make_attempt(stage, attempt) for attempt in attempts]
    _print(verdicts, capsys)
    assert [str(verdict) for verdict in verdicts if not verdict.as_meant] == []
    counts = Counter(verdict.stopped_by for verdict in verdicts)
    assert counts[Stop.NOBODY] == 0
    assert len(verdicts) >= LEAST
    assert counts[Stop.OPERATOR] >= LEAST_PAST_ADMISSION
    assert len({(item.what, item.who, item.victim) for item in attempts}) == len(attempts)
    await _reach_live_late(stage)
    await _see_no_other_grant(stage)
    await _notice_a_policy_that_is_gone(stage)
    await _notice_an_evaluator_that_takes_any_approval(stage, monkeypatch)
    await _notice_a_status_that_nobody_mends(stage)


async def _reach_live_honestly(stage: Stage) -> None:
    """A soak and the approval of another person do lead to Live: otherwise nothing below could fail."""
    await asyncio.gather(*(stage.approve(victim, approver) for victim, approver in GRANTED.items()))
    for victim in GRANTED:
        await stage.until_live(victim)


async def _reach_live_late(stage: Stage) -> None:
    """They still do after all attempts; and so does the report that was missing."""
    await stage.approve(LATE, "amir")
    await stage.until_live(LATE)
    await write_report(stage, (await build_report(stage, {})).decode(), "petra")
    await stage.until_live(REPORTED)


async def _see_no_other_grant(stage: Stage) -> None:
    """In no version of any object did the operator give a mode above Paper to any other bot."""
    for namespace in stage.worlds:
        await stage.settle(namespace)
    honest = {(victim.namespace, victim.bot) for victim in (*GRANTED, LATE, REPORTED)}
    stepped = {(STEPPING.namespace, STEPPING.bot, Mode.TESTNET)}
    seen = {(item.namespace, item.bot, item.mode) for item in stage.witness.sightings}
    assert {item for item in seen if item[:2] not in honest} == stepped
    assert {item[:2] for item in seen if item[2] is Mode.LIVE} == honest


async def _notice_a_policy_that_is_gone(stage: Stage) -> None:
    """A defence that is missing is noticed: with its policy gone, the operator stops what admission should have."""
    attempt = next(item for item in first_attempts() if (item.what, item.who) == ("gate's status grants", "carla"))
    carla = stage.person("carla")
    await carla.delete(POLICY_BINDINGS, None, f"{RELEASE_NAMESPACE}-aviary-status")

    async def is_out_of_force() -> bool:
        verdict = await make_attempt(stage, attempt)
        assert not verdict.as_meant or verdict.stopped_by is Stop.ADMISSION
        return verdict.stopped_by is Stop.OPERATOR

    await stage.until(is_out_of_force, tell="the policy of statuses is still in force")
    nothing = {"status": {"grant": None}}
    await carla.merge(PROMOTION_GATE, ALPHA.namespace, ALPHA.gate, nothing, part="status")


async def _notice_an_evaluator_that_takes_any_approval(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one in the operator: when it takes any approval, the approval for another digest reaches Live."""
    what = ("approval for another digest", "ann")
    attempt = next(item for item in first_attempts() if (item.what, item.who) == what)
    with monkeypatch.context() as careless:
        careless.setattr(approvals, "_refusals", lambda *_: iter(()))
        verdict = await make_attempt(stage, attempt)
    assert verdict.stopped_by is Stop.NOBODY
    assert f"{OPEN_ALPHA} REACHED" in verdict.said


async def _notice_a_status_that_nobody_mends(stage: Stage) -> None:
    """And so is a mode that stands in a status, whoever wrote it: without an operator a forged one is found."""
    mark = len(stage.witness.sightings)
    await stage.world.stop_operator()
    assert await find_reached(stage, OPEN_MARKED, Mode.PAPER, mark) == ""
    forged = {"status": {"grantedMode": "Live"}}
    await stage.person("mallory").merge(TRADING_BOT, manifests.OPEN, OPEN_MARKED.bot, forged, part="status")
    assert f"{OPEN_MARKED} REACHED" in await find_reached(stage, OPEN_MARKED, Mode.PAPER, mark)


def _print(verdicts: list[Verdict], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n    {'attempt':<64} {'who':<9} {'stopped by':<9}")  # noqa: T201  the table is what this test is for
        for number, verdict in enumerate(verdicts, 1):
            print(f"{number:3} {verdict}")  # noqa: T201
        counts = Counter(verdict.stopped_by.value for verdict in verdicts)
        print(f"{len(verdicts)} attempts, {counts[Stop.NOBODY]} succeeded: {dict(counts)}")  # noqa: T201
