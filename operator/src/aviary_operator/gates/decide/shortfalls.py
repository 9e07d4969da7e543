"""What is missing before a gate passes, the most telling first, and what each costs a grant that stands.

Contract: docs/design/promotion.md, 5. What says no ends a grant at once; what merely cannot be read ends it after the
grace; a few things are asked of a new grant only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aviary_crds.conditions import GateConditionType
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import LIVE_FLOOR_LEVEL, PromotionGateSpec

from aviary_operator.gates.decide.approvals import JudgedApproval, enough_until, find_approvers
from aviary_operator.gates.decide.check_state import CheckVerdict
from aviary_operator.gates.decide.floor import FLOOR_NAMES
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.ladder import Rung, find_level, find_missing
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.decide.subject import SubjectView

_SHOWN = 3

_NOT_STATIC = "NotStatic"


class Cost(StrEnum):
    """What a shortfall costs a grant that stands."""

    AT_ONCE = "AtOnce"
    """The grant is gone."""
    AFTER_GRACE = "AfterGrace"
    """The grant lasts for ``graceSeconds`` more."""
    NOTHING = "Nothing"
    """It is asked of a new grant only."""


class Part(StrEnum):
    """Which condition of the gate tells of it."""

    READY = GateConditionType.READY.value
    CHECKS = GateConditionType.CHECKS_PASSED.value
    SOAK = GateConditionType.SOAKED.value
    LEVEL = "Level"
    """Has no condition of its own: Passed alone tells of it."""
    APPROVALS = GateConditionType.APPROVED.value


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that is missing. ``reason`` is a condition's reason."""

    part: Part
    cost: Cost
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Everything a gate rests on, judged."""

    facts: GateFacts
    view: SubjectView
    run: Run | None
    """The run of this subject."""
    verdicts: Sequence[CheckVerdict]
    rungs: Sequence[Rung]
    approvals: Sequence[JudgedApproval]
    now: datetime


def find_shortfalls(judged: Judged) -> Iterator[Shortfall]:
    """Yield everything that is missing.

    A bot that is halted for want of evidence is no longer in sync: the want is told before its consequence, and people
    are asked last.
    """
    obstacles = list(find_obstacles(judged.facts, judged.view))
    yield from (item for item in obstacles if item.reason != _NOT_STATIC)
    yield from _check_shortfalls(judged.verdicts)
    yield from _soak_shortfalls(judged)
    yield from _level_shortfalls(judged)
    yield from (item for item in obstacles if item.reason == _NOT_STATIC)
    yield from _approval_shortfalls(judged)


def wanted_level(spec: PromotionGateSpec) -> int:
    """Return the rung that the gate asks for, never below the floor for Live, whatever got past the API server."""
    return max(spec.min_level, LIVE_FLOOR_LEVEL) if spec.to is Mode.LIVE else spec.min_level


def wanted_people(spec: PromotionGateSpec) -> int:
    """Return how many people must approve, at least one for Live, whatever got past the API server."""
    return max(spec.approvals.required, 1) if spec.to is Mode.LIVE else spec.approvals.required


def find_obstacles(facts: GateFacts, view: SubjectView) -> Iterator[Shortfall]:
    """Yield what keeps the gate from granting anything, break-glass too."""
    spec, bot, desk = facts.spec, facts.bot, facts.desk
    if spec.suspend:
        yield _obstacle(Cost.AT_ONCE, "Suspended", "spec.suspend is true: nothing is evaluated or granted")
    if facts.evidence_problem is not None:
        what = f"the evidence log cannot be written, so nothing counts: {facts.evidence_problem}"
        yield _obstacle(Cost.AT_ONCE, "EvidenceUnwritable", what)
    if bot is None:
        what = f"there is no TradingBot {facts.namespace}/{spec.bot_ref.name} that can be read; create it"
        yield _obstacle(Cost.AT_ONCE, "BotMissing", what)
        return
    if bot.name != spec.bot_ref.name:
        yield _obstacle(Cost.AT_ONCE, "AnotherBot", f"{bot.name} is not the bot {spec.bot_ref.name} of this gate")
    if desk is None:
        what = "the bot names no TradingDesk that can be read; without its ceilings nothing is granted above Paper"
        yield _obstacle(Cost.AT_ONCE, "DeskUnknown", what)
    elif spec.to not in desk.modes:
        what = f"desk {desk.name} does not allow {spec.to.value}; its owner can add it to ceilings.modes"
        yield _obstacle(Cost.AT_ONCE, "DeskCeiling", what)
    if not view.digest_known:
        what = "the bot's controller has not written the digest of its present spec"
        yield _obstacle(Cost.AFTER_GRACE, "DigestUnknown", what)
    if not view.image_known:
        yield _obstacle(Cost.NOTHING, "ImageUnknown", "the node has not said which image the bot runs")
    if not bot.static_ok:
        yield _obstacle(Cost.NOTHING, _NOT_STATIC, f"rung 0 does not hold: {bot.static_message}")


def _check_shortfalls(verdicts: Sequence[CheckVerdict]) -> Iterator[Shortfall]:
    """Yield the worst first."""
    if not any(item.check.blocks and item.check.name not in FLOOR_NAMES for item in verdicts):
        what = "no check of the gate is Critical and enforced: a gate of dry runs and warnings proves nothing"
        yield Shortfall(Part.CHECKS, Cost.AT_ONCE, "NothingEnforced", what)
    lacking = sorted((item for item in verdicts if not item.holds), key=lambda item: -item.state.badness)
    for state in (CheckState.FAILED, CheckState.ERRORED, CheckState.INCONCLUSIVE, CheckState.PENDING):
        own = [item for item in lacking if item.state is state]
        if own:
            told = "; ".join(f"{item.check.name}: {item.message}" for item in own[:_SHOWN])
            more = f"; and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
            at_once = state is CheckState.FAILED or any(item.check.manual for item in own)
            cost = Cost.AT_ONCE if at_once else Cost.AFTER_GRACE
            yield Shortfall(Part.CHECKS, cost, f"Checks{state.value}", told + more)


def _soak_shortfalls(judged: Judged) -> Iterator[Shortfall]:
    run, soak, now = judged.run, judged.facts.spec.soak, judged.now
    ended = run.ended if run else None
    cost = Cost.AFTER_GRACE if ended is None or ended.reason.is_silence else Cost.AT_ONCE
    if run is not None and now < run.last_seen - timedelta(seconds=1):
        yield Shortfall(Part.SOAK, Cost.AT_ONCE, "ClockSetBack", "the clock was set back; the run ends")
    if run is None or run.since is None or run.last_good is None:
        why = f"the last one ended: {ended.message}" if ended else "no good sample yet"
        yield Shortfall(Part.SOAK, cost, ended.reason.value if ended else "NoRun", f"there is no run; {why}")
        return
    silent = (now - run.last_good).total_seconds()
    if silent > soak.max_gap_seconds:
        what = f"no good sample for longer than soak.maxGapSeconds {soak.max_gap_seconds}"
        yield Shortfall(Part.SOAK, Cost.AFTER_GRACE, "EvidenceGap", what)
    lacking = []
    if (now - run.since).total_seconds() < soak.min_seconds:
        lacking.append(f"soak.minSeconds {soak.min_seconds}")
    if run.fills < soak.min_fills:
        lacking.append(f"soak.minFills {soak.min_fills} (has {run.fills})")
    if len(run.days) < soak.min_trading_days:
        lacking.append(f"soak.minTradingDays {soak.min_trading_days} (has {len(run.days)})")
    if lacking:
        yield Shortfall(Part.SOAK, cost, "Soaking", f"the run has not reached {', '.join(lacking)}")


def _level_shortfalls(judged: Judged) -> Iterator[Shortfall]:
    wanted = wanted_level(judged.facts.spec)
    missing = find_missing(judged.rungs, wanted)
    if missing is not None:
        level = find_level(judged.rungs)
        what = f"level {level}, minLevel is {wanted}; rung {missing.level}: {missing.message}"
        cost = Cost.AT_ONCE if missing.is_refuted else Cost.AFTER_GRACE
        yield Shortfall(Part.LEVEL, cost, "LevelTooLow", what)


def _approval_shortfalls(judged: Judged) -> Iterator[Shortfall]:
    required = wanted_people(judged.facts.spec)
    people = find_approvers(judged.approvals)
    if required and enough_until(people, required) is None:
        names = f" ({', '.join(sorted(people))})" if people else ""
        what = f"{len(people)} of {required} people approved{names}; make a PromotionApproval for the present digest"
        yield Shortfall(Part.APPROVALS, Cost.AT_ONCE, "AwaitingApproval", what)


def _obstacle(cost: Cost, reason: str, message: str) -> Shortfall:
    return Shortfall(Part.READY, cost, reason, message)
