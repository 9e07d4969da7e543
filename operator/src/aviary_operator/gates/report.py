"""Writes the status of gates and approvals when it differs from the stored one, and Events for what happened."""

from datetime import datetime
from typing import Any

from aviary_crds.labels import FIELD_MANAGER_GATE
from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalStatus

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.gates import read_gate_status
from aviary_operator.bots.names import Key
from aviary_operator.bots.records import ApprovalRecord, GateRecord, read_approval, read_gate
from aviary_operator.gates.decide.gate_status import is_status_due
from aviary_operator.gates.decide.gate_view import GateDecision
from aviary_operator.runtime.events import EventRecorder, EventSubject
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, Kind, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

_NOT_FOUND = 404


class GateReporter:
    """Writes statuses and Events."""

    def __init__(self, kube: KubeApi, fleet: Fleet, events: EventRecorder) -> None:
        self._kube = kube
        self._fleet = fleet
        self._events = events

    async def report(self, key: Key, gate: GateRecord, decision: GateDecision, *, now: datetime) -> bool:
        """Store the decision's status if it is due, and tell what happened; return whether it was stored.

        Raises:
            ApiError: when the API server refuses; a gate that is gone is no error.
        """
        if not is_status_due(read_gate_status(gate.status), decision.status, now=now):
            return False
        if not await self.store(key, gate, decision.status):
            return False
        subject = EventSubject(PROMOTION_GATE, gate.namespace, gate.name, gate.uid)
        for notice in decision.notices:
            await self._events.record(subject, notice)
        return True

    async def store(self, key: Key, gate: GateRecord, status: PromotionGateStatus) -> bool:
        """Store a gate's status; return False when the gate is gone.

        Raises:
            ApiError: when the API server refuses.
        """
        answer = await self._apply(
            PROMOTION_GATE, gate, status.model_dump(mode="json", by_alias=True, exclude_none=True)
        )
        if answer is not None:
            self._fleet.note_gate(key, read_gate(answer))
        return answer is not None

    async def store_approval(self, key: Key, approval: ApprovalRecord, status: PromotionApprovalStatus) -> bool:
        """Store an approval's status; return False when the approval is gone.

        Raises:
            ApiError: when the API server refuses.
        """
        body = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        answer = await self._apply(PROMOTION_APPROVAL, approval, body)
        if answer is not None:
            self._fleet.note_approval(key, read_approval(answer))
        return answer is not None

    async def _apply(self, kind: Kind, record: GateRecord | ApprovalRecord, status: dict[str, Any]) -> Manifest | None:
        manifest = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": record.name, "namespace": record.namespace, "uid": record.uid},
            "status": status,
        }
        try:
            return await self._kube.apply_status(kind, manifest, manager=FIELD_MANAGER_GATE)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
