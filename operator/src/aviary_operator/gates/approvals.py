"""The status of a PromotionApproval: whether it counts, as its gate judged it, and why not."""

from collections.abc import Callable
from datetime import datetime

from aviary_crds.conditions import ConditionStatus, ConditionType, merge_conditions
from aviary_crds.v1alpha1.gatestatus import MOST_APPROVALS, ApprovalStatus
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalStatus
from pydantic import ValidationError

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.gates import read_gate_status
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.names import Key, gate_key
from aviary_operator.bots.reconcile import wall_clock
from aviary_operator.bots.records import ApprovalRecord, GateRecord
from aviary_operator.gates.observe import check_gate, read_approval_facts, read_time
from aviary_operator.gates.report import GateReporter
from aviary_operator.runtime.kube import ApiError
from aviary_operator.runtime.workqueue import Outcome, RetryError

_UNJUDGED_SECONDS = 5.0


class ApprovalReconciler:
    """Keeps an approval's status. It decides nothing: the gate has."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        reporter: GateReporter,
        enqueue: Callable[[Key], None],
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._fleet = fleet
        self._reporter = reporter
        self._enqueue = enqueue
        self._clock = clock

    async def reconcile(self, key: Key) -> Outcome:
        """Bring the approval's status up to date.

        Raises:
            RetryError: when the API server is away or refuses for now.
        """
        approval = self._fleet.approval(key)
        if approval is None or approval.deleting:
            return Outcome()
        gate = self._fleet.gate(gate_key(key.namespace, approval.gate)) if approval.gate else None
        status = build_approval_status(approval, gate, now=self._clock())
        if status is None:
            self._enqueue(gate_key(key.namespace, str(approval.gate)))
            return Outcome(requeue_after=_UNJUDGED_SECONDS)
        if read_approval_status(approval) == status:
            return Outcome()
        try:
            return Outcome(changed=await self._reporter.store_approval(key, approval, status))
        except ApiError as error:
            if error.ending:
                return Outcome()
            raise RetryError(str(error)) from error


def build_approval_status(
    approval: ApprovalRecord, gate: GateRecord | None, *, now: datetime
) -> PromotionApprovalStatus | None:
    """Return the status that should be stored, None while the gate has not judged the approval yet."""
    said = _find_refusal(approval, gate)
    judged = None if said is not None or gate is None else _find_judged(approval, gate)
    if judged is not None and judged.counts:
        said = ("True", "Counts", f"it counts until {judged.expires_time:%Y-%m-%d %H:%M:%S} UTC")
    elif judged is not None:
        said = ("False", "DoesNotCount", judged.reason)
    if said is None:
        return None
    counts, reason, message = said
    conditions: list[tuple[str, ConditionStatus, str, str]] = [(ConditionType.READY, counts, reason, message)]
    if counts != "True":
        # kstatus would else wait for it; an approval that does not count is made anew
        conditions.append((ConditionType.STALLED, "True", reason, message))
    before = read_approval_status(approval)
    return PromotionApprovalStatus(
        observed_generation=approval.generation,
        expires_time=judged.expires_time if judged else before.expires_time,
        conditions=merge_conditions(before.conditions, conditions, generation=approval.generation, now=now),
    )


def _find_refusal(approval: ApprovalRecord, gate: GateRecord | None) -> tuple[ConditionStatus, str, str] | None:
    """Return why no gate can judge the approval, None when its gate can."""
    facts = read_approval_facts(approval)
    if isinstance(facts, InvalidSpec):
        return "False", facts.reason, facts.message
    if gate is None or gate.deleting:
        return "False", "GateMissing", f"PromotionGate {approval.namespace}/{approval.gate} does not exist"
    if isinstance(check_gate(gate.spec), InvalidSpec):
        return "False", "GateInvalid", f"the spec of PromotionGate {gate.name} cannot be read; it grants nothing"
    judged, made = read_gate_status(gate.status).approvals, read_time(approval.created)
    if judged and len(judged) >= MOST_APPROVALS and all(item.time > made for item in judged):
        return "False", "Superseded", "the gate shows its newest approvals only; delete old ones"
    return None


def _find_judged(approval: ApprovalRecord, gate: GateRecord) -> ApprovalStatus | None:
    """Return what the gate made of this very approval, not of an older one of its name."""
    made = read_time(approval.created)
    judged = read_gate_status(gate.status).approvals
    return next((item for item in judged if (item.name, item.time) == (approval.name, made)), None)


def read_approval_status(approval: ApprovalRecord) -> PromotionApprovalStatus:
    """Return the stored status; an unreadable one reads as empty and is written anew."""
    try:
        return PromotionApprovalStatus.model_validate(dict(approval.status))
    except ValidationError:
        return PromotionApprovalStatus()
