"""The decision about a gate: facts in, status out. Everything a grant rests on comes together here."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from aviary_crds.conditions import GateConditionType, find_condition, merge_conditions
from aviary_crds.v1alpha1.gatestatus import GrantStatus, PromotionGateStatus

from aviary_operator.bots.decide.promotion import EVALUATOR_VERSION
from aviary_operator.bots.seal import Seal
from aviary_operator.gates.decide.approvals import (
    JudgedApproval,
    enough_until,
    find_acknowledgers,
    find_approvers,
    judge_approvals,
)
from aviary_operator.gates.decide.break_glass import judge_break_glass
from aviary_operator.gates.decide.check_state import AWAITS_PASS, CheckVerdict, judge_check
from aviary_operator.gates.decide.conditions import state_conditions
from aviary_operator.gates.decide.floor import all_checks
from aviary_operator.gates.decide.gate_status import (
    count_passed,
    show_approvals,
    show_check,
    show_rung,
    show_soak,
    soaked_text,
)
from aviary_operator.gates.decide.gate_view import GateDecision, GateFacts
from aviary_operator.gates.decide.grant import GrantTerms, decide_grant, read_standing, renewal_time
from aviary_operator.gates.decide.history import extend_history, find_events, read_notice
from aviary_operator.gates.decide.ladder import SMOKE, decide_floor, find_level, judge_rungs
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.decide.shortfalls import Judged, find_obstacles, find_shortfalls, wanted_people
from aviary_operator.gates.decide.subject import decide_subject
from aviary_operator.runtime.events import Notice

_SHORTEST_WAIT = 0.1


def decide_gate(facts: GateFacts, *, now: datetime, seal: Seal) -> GateDecision:
    """Return the status of a gate as it is now, and what follows from it.

    Nothing counts that is not known: a missing bot, desk, run or measurement is a no. Of the stored status only what is
    sealed is believed, so deciding on the own status again gives the same.
    """
    view = decide_subject(facts, now=now, seal=seal)
    run = view.own_run(facts.run)
    approvals = judge_approvals(facts, view, now=now)
    verdicts = _judge_checks(facts, run, approvals, now)
    floor = decide_floor(facts, verdicts, key=view.key, run=run, now=now, seal=seal)
    rungs = judge_rungs(facts, verdicts, floor, run, now=now)
    obstacles = tuple(find_obstacles(facts, view))
    break_glass, approvals = judge_break_glass(approvals, floor, obstacles)
    judged = Judged(facts=facts, view=view, run=run, verdicts=verdicts, rungs=rungs, approvals=approvals, now=now)
    shortfalls = list(find_shortfalls(judged))
    standing = read_standing(facts, view, now=now, seal=seal)
    bound = _bound(facts, verdicts, approvals)
    terms = GrantTerms(standing=standing, shortfalls=shortfalls, break_glass=break_glass, bound=bound, key=view.key)
    grant = decide_grant(facts, terms, now=now, seal=seal)
    events = list(find_events(facts, standing, grant, break_glass=break_glass, shortfalls=shortfalls, run=run, now=now))
    people = find_approvers(approvals)
    names = ", ".join(sorted(people)) or "no approval is asked for"
    conditions = merge_conditions(
        facts.stored.conditions,
        state_conditions(shortfalls, grant, break_glass, people=names),
        generation=facts.generation,
        now=now,
    )
    status = PromotionGateStatus(
        observed_generation=facts.generation,
        generation_time=view.generation_time,
        evaluator_version=EVALUATOR_VERSION,
        evaluated_time=now.replace(microsecond=0),
        subject=view.subject,
        level=find_level(rungs),
        rungs=tuple(show_rung(rung) for rung in rungs),
        floor=floor,
        passed_checks=count_passed(verdicts),
        soaked=soaked_text(run, facts.spec.soak.min_seconds, now=now),
        approved=f"{len(people)}/{wanted_people(facts.spec)}",
        soak=show_soak(run),
        checks=tuple(show_check(verdict) for verdict in verdicts),
        approvals=show_approvals(approvals),
        grant=grant,
        history=extend_history(facts.stored.history, events),
        evidence_head=facts.evidence_head,
        conditions=conditions,
    )
    return GateDecision(
        status=status,
        notices=(*(read_notice(event) for event in events), *_condition_notices(facts.stored, status)),
        wait=_wait(judged, grant),
        changed_grant=grant != facts.stored.grant,
        failing=_failing(run, verdicts),
    )


def _judge_checks(
    facts: GateFacts, run: Run | None, approvals: Sequence[JudgedApproval], now: datetime
) -> tuple[CheckVerdict, ...]:
    return tuple(
        judge_check(
            check,
            facts.measurements.get(check.name),
            run=run,
            acknowledgers=find_acknowledgers(approvals, check.name),
            now=now,
        )
        for check in all_checks(facts.spec, facts.floor_seconds)
    )


def _failing(run: Run | None, verdicts: Sequence[CheckVerdict]) -> frozenset[str]:
    """Return the checks that end the present run."""
    if run is None or run.since is None:
        return frozenset()
    return frozenset(
        item.check.name for item in verdicts if item.check.blocks and item.is_beyond and item.reason != AWAITS_PASS
    )


def _bound(facts: GateFacts, verdicts: Sequence[CheckVerdict], approvals: Sequence[JudgedApproval]) -> datetime | None:
    """Return until when the people who are needed say yes; None when nobody is needed or too few do."""
    required = wanted_people(facts.spec)
    ends = [item.acknowledged_until for item in verdicts if item.enforces and item.acknowledged_until is not None]
    approved = enough_until(find_approvers(approvals), required) if required else None
    return min([*ends, *([approved] if approved else [])], default=None)


def _condition_notices(stored: PromotionGateStatus, fresh: PromotionGateStatus) -> Iterator[Notice]:
    """Yield an Event for a gate that can no longer evaluate, and for one that now waits for people only."""
    ready = find_condition(fresh.conditions, GateConditionType.READY)
    passed = find_condition(fresh.conditions, GateConditionType.PASSED)
    if ready is not None and ready.status == "False" and ready.reason != _reason(stored, GateConditionType.READY):
        yield Notice("Warning", ready.reason, ready.message)
    waits = passed is not None and passed.reason == "AwaitingApproval"
    if passed is not None and waits and passed.reason != _reason(stored, GateConditionType.PASSED):
        yield Notice("Normal", passed.reason, passed.message)


def _reason(status: PromotionGateStatus, type_: str) -> str | None:
    condition = find_condition(status.conditions, type_)
    return condition.reason if condition else None


def _wait(judged: Judged, grant: GrantStatus | None) -> float | None:
    """Return the seconds until something changes by time alone, None when nothing will."""
    facts, run, now = judged.facts, judged.run, judged.now
    moments = [item.expires for item in judged.approvals if item.counts]
    if grant is not None:
        renewal = renewal_time(facts, grant)
        moments += [grant.expires_time, *([renewal] if renewal else [])]
    if run is not None and run.since is not None:
        moments += [run.since + timedelta(seconds=facts.spec.soak.min_seconds), run.since + SMOKE]
    if run is not None and run.last_good is not None:
        moments.append(run.last_good + timedelta(seconds=facts.spec.soak.max_gap_seconds + 1))
    for item in judged.verdicts:
        value = item.record.newest_value if item.record else None
        if value is not None and value.observed is not None:
            moments.append(value.observed + timedelta(seconds=item.check.max_age_seconds + 1))
    ahead = [(moment - now).total_seconds() for moment in moments if moment > now]
    return max(_SHORTEST_WAIT, min(ahead)) if ahead else None
