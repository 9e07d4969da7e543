"""What happened to the grant, for the status and as Events: each transition once."""

from collections.abc import Iterator
from datetime import datetime

from aviary_crds.v1alpha1.gatestatus import KEPT_HISTORY, GrantStatus, HistoryEntry

from aviary_operator.gates.decide.break_glass import BreakGlass
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.grant import StandingGrant
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.decide.shortfalls import Cost, Shortfall
from aviary_operator.runtime.events import Notice

_LONGEST = 512


def find_events(
    facts: GateFacts,
    standing: StandingGrant,
    grant: GrantStatus | None,
    *,
    break_glass: BreakGlass | None,
    shortfalls: list[Shortfall],
    run: Run | None,
    now: datetime,
) -> Iterator[HistoryEntry]:
    """Yield what is new against the stored history, in the order in which it happened."""
    second = now.replace(microsecond=0)
    yield from _run_end(facts, run)
    before, held = facts.stored.grant, standing.grant
    if before is not None and (held is None or grant is None):
        yield _entry(second, "Lost", before.digest, *_why_lost(facts, standing, shortfalls))
    if grant is not None and (held is None or held.break_glass != grant.break_glass):
        until = f"{grant.mode.value} until {grant.expires_time:%Y-%m-%d %H:%M:%S} UTC"
        if grant.break_glass is not None and break_glass is not None:
            message = f"{until} by {break_glass.approver} ({break_glass.name}): {break_glass.reason}"
            yield _entry(second, "BreakGlass", grant.digest, "BreakGlass", message)
        else:
            yield _entry(second, "Granted", grant.digest, "GatePassed", f"{until}, renewed while everything holds")


def extend_history(stored: tuple[HistoryEntry, ...], events: list[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return the newest ten."""
    return (*stored, *events)[-KEPT_HISTORY:]


def read_notice(entry: HistoryEntry) -> Notice:
    """Return the Event of something that happened."""
    match entry.event:
        case "Granted":
            return Notice("Normal", "Granted", entry.message)
        case "Lost":
            return Notice("Warning", "GrantLost", f"{entry.reason}: {entry.message}")
        case "BreakGlass":
            return Notice("Warning", "BreakGlass", entry.message)
        case _:
            return Notice("Normal", "RunEnded", f"{entry.reason}: {entry.message}")


def _run_end(facts: GateFacts, run: Run | None) -> Iterator[HistoryEntry]:
    """Yield the end of the last run once. One that is older than what is told already is told, or too old to matter."""
    ended, told = run.ended if run else None, facts.stored.history
    if ended is None or (told and ended.time < told[-1].time):
        return
    digest = run.subject.digest if run and run.subject else ""
    if all((entry.event, entry.time) != ("RunEnded", ended.time) for entry in told):
        yield _entry(ended.time, "RunEnded", digest, ended.reason.value, ended.message)


def _why_lost(facts: GateFacts, standing: StandingGrant, shortfalls: list[Shortfall]) -> tuple[str, str]:
    if standing.reason is not None and standing.reason != "GrantExpired":
        return standing.reason, standing.message
    costly = [item for item in shortfalls if item.cost is Cost.AT_ONCE]
    costly += [item for item in shortfalls if item.cost is Cost.AFTER_GRACE]
    if costly:
        waited = "" if costly[0].cost is Cost.AT_ONCE else f", for longer than graceSeconds {facts.spec.grace_seconds}"
        return costly[0].reason, costly[0].message + waited
    return standing.reason or "GrantExpired", standing.message or "its approval ended"


def _entry(time: datetime, event: str, digest: str, reason: str, message: str) -> HistoryEntry:
    return HistoryEntry(time=time, event=event, digest=digest, reason=reason, message=message[:_LONGEST])
