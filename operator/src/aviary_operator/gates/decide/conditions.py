"""The conditions of a gate: which parts hold, and what is missing.

A gate that waits for a soak or for people is Ready and not Reconciling: kstatus and Argo CD would else wait with it,
for days. One that cannot evaluate is Reconciling while its bot is on its way, and Stalled when only a person can help.
"""

from collections.abc import Iterator, Sequence

from aviary_crds.conditions import ConditionStatus, ConditionType, GateConditionType
from aviary_crds.v1alpha1.gatestatus import GrantStatus

from aviary_operator.gates.decide.break_glass import BreakGlass
from aviary_operator.gates.decide.shortfalls import Cost, Part, Shortfall

type Statement = tuple[str, ConditionStatus, str, str]
"""type, status, reason, message"""

_NOT_READY = {
    "Suspended",
    "EvidenceUnwritable",
    "BotMissing",
    "AnotherBot",
    "DeskUnknown",
    "DeskCeiling",
    "DigestUnknown",
}
_ON_ITS_WAY = {"BotMissing", "DigestUnknown"}


def state_conditions(
    shortfalls: Sequence[Shortfall], grant: GrantStatus | None, break_glass: BreakGlass | None, *, people: str
) -> Iterator[Statement]:
    """Return every condition that holds now. ``people``: who approved, for the message."""
    obstacle = next((item for item in shortfalls if item.reason in _NOT_READY), None)
    if obstacle is not None:
        yield (GateConditionType.READY, "False", obstacle.reason, obstacle.message)
        if obstacle.reason != "Suspended":
            type_ = ConditionType.RECONCILING if obstacle.reason in _ON_ITS_WAY else ConditionType.STALLED
            yield (type_, "True", obstacle.reason, obstacle.message)
    else:
        yield (GateConditionType.READY, "True", "Evaluating", "evidence is gathered and judged")
    yield _part(shortfalls, Part.CHECKS, "AllPassed", "every enforcing check Passed, or was acknowledged")
    yield _part(shortfalls, Part.SOAK, "Soaked", "the run is as long and as busy as the gate asks")
    yield _part(shortfalls, Part.APPROVALS, "Approved", people)
    yield _passed(shortfalls, grant)
    if grant is not None and grant.break_glass is not None:
        who = f"{break_glass.approver}: {break_glass.reason}" if break_glass else "its approval is gone"
        until = f"{grant.expires_time:%Y-%m-%d %H:%M:%S} UTC"
        what = f"granted without the gate's checks until {until} by {who}"
        yield (GateConditionType.BREAK_GLASS, "True", "BreakGlass", what)


def is_passed(shortfalls: Sequence[Shortfall], grant: GrantStatus | None) -> bool:
    """Whether the gate passes: what is asked of a new grant only does not fail one that stands."""
    costs = {item.cost for item in shortfalls}
    normal = grant is not None and grant.break_glass is None
    return not costs or (normal and costs == {Cost.NOTHING})


def _passed(shortfalls: Sequence[Shortfall], grant: GrantStatus | None) -> Statement:
    if is_passed(shortfalls, grant):
        return (GateConditionType.PASSED, "True", "GatePassed", "everything that the gate asks for holds")
    first = shortfalls[0]
    grace = "; the grant stands for the grace" if grant is not None and grant.break_glass is None else ""
    return (GateConditionType.PASSED, "False", first.reason, first.message + grace)


def _part(shortfalls: Sequence[Shortfall], part: Part, reason: str, message: str) -> Statement:
    own = next((item for item in shortfalls if item.part is part), None)
    if own is not None:
        return (part.value, "False", own.reason, own.message)
    return (part.value, "True", reason, message)
