"""Break-glass: a person grants what the gate would, without its checks, soak and approvals, for at most an hour.

Contract: docs/design/promotion.md, 6. It needs rung 3 for the same subject, and nothing that keeps the gate from
granting at all may stand in the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aviary_crds.v1alpha1.gatestatus import FloorStatus
from aviary_crds.v1alpha1.promotionapproval import ApprovalType

from aviary_operator.gates.decide.approvals import JudgedApproval
from aviary_operator.gates.decide.shortfalls import Cost, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """The break-glass approval in force."""

    name: str
    approver: str
    reason: str
    expires: datetime


def judge_break_glass(
    approvals: Sequence[JudgedApproval], floor: FloorStatus | None, obstacles: Sequence[Shortfall]
) -> tuple[BreakGlass | None, tuple[JudgedApproval, ...]]:
    """Return the one in force, the longest, and all approvals with why a break-glass does not count.

    Args:
        approvals: as judged without regard to break-glass.
        floor: that this subject has reached rung 3, if it has.
        obstacles: what keeps the gate from granting anything.
    """
    refusal = None if floor else "it needs rung 3 for the present subject, which has not reached it"
    standing = [item for item in obstacles if item.cost is Cost.AT_ONCE]
    if standing:
        refusal = standing[0].message
    judged = tuple(
        replace(item, refusal=refusal) if item.counts and _breaks(item) and refusal is not None else item
        for item in approvals
    )
    counting = [item for item in judged if item.counts and _breaks(item)]
    if not counting:
        return None, judged
    chosen = max(counting, key=lambda item: (item.expires, item.approval.name))
    spec = chosen.approval.spec
    name, approver, reason = chosen.approval.name, spec.approver, spec.reason
    return BreakGlass(name=name, approver=approver, reason=reason, expires=chosen.expires), judged


def _breaks(item: JudgedApproval) -> bool:
    return item.approval.spec.type is ApprovalType.BREAK_GLASS
