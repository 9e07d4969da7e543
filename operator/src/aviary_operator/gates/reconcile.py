"""One reconcile of one gate: observe, decide, report, and tell the bot when what is granted changed."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from aviary_crds.conditions import ConditionType, GateConditionType, merge_conditions
from aviary_crds.v1alpha1.gatestatus import GrantStatus, PromotionGateStatus

from aviary_operator.bots.decide.promotion import EVALUATOR_VERSION
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.gates import read_gate_status
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.names import Key, approval_key, bot_key
from aviary_operator.bots.records import GateRecord
from aviary_operator.bots.seal import Seal
from aviary_operator.gates.courses import NOT_READ_YET
from aviary_operator.gates.decide.gate import decide_gate
from aviary_operator.gates.decide.gate_status import status_wait
from aviary_operator.gates.decide.gate_view import GateDecision
from aviary_operator.gates.measuring import Measuring, precise_clock
from aviary_operator.gates.observe import GateObserver
from aviary_operator.gates.report import GateReporter
from aviary_operator.gates.tally import Tally
from aviary_operator.runtime.kube import ApiError
from aviary_operator.runtime.metrics import Metrics
from aviary_operator.runtime.workqueue import Outcome, RetryError

_AGAIN_SECONDS = 0.2
"""After a run was ended, what is left of it is shown at once; and the log of a gate is read within moments."""

log = structlog.get_logger(__name__)


class GateReconciler:
    """Keeps a gate's status, and with it its grant."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        observer: GateObserver,
        measuring: Measuring,
        reporter: GateReporter,
        seal: Seal,
        enqueue: Callable[[Key], None],
        metrics: Metrics,
        clock: Callable[[], datetime] = precise_clock,
    ) -> None:
        self._fleet = fleet
        self._observer = observer
        self._measuring = measuring
        self._reporter = reporter
        self._seal = seal
        self._enqueue = enqueue
        self._metrics = metrics
        self._tally = Tally(metrics)
        self._clock = clock
        self._uids: dict[Key, tuple[str, str | None]] = {}

    async def reconcile(self, key: Key) -> Outcome:
        """Bring the gate's status up to date.

        Raises:
            RetryError: when the API server is away or refuses for now.
        """
        gate = self._fleet.gate(key)
        known = self._uids.get(key)
        if known is not None and (gate is None or gate.deleting or gate.uid != known[0]):
            await self._let_go(key, *known)
        if gate is None or gate.deleting:
            return Outcome()
        self._uids[key] = (gate.uid, gate.bot)
        spec = self._observer.spec(gate)
        try:
            if isinstance(spec, InvalidSpec):
                return await self._refuse(key, gate, spec)
            return await self._decide(key, gate)
        except ApiError as error:
            if error.ending:
                log.info("namespace is being deleted", gate=gate.name, namespace=gate.namespace)
                return Outcome()
            raise RetryError(str(error)) from error

    async def _decide(self, key: Key, gate: GateRecord) -> Outcome:
        spec = self._observer.spec(gate)
        if isinstance(spec, InvalidSpec):
            raise TypeError("an invalid gate is refused before it is decided on")
        facts, now = self._observer.facts(gate, spec), self._clock()
        if facts.evidence_problem == NOT_READ_YET and not spec.suspend:
            # what stands in the status stands until its own end; nothing is decided on half of what is known
            return Outcome(requeue_after=_AGAIN_SECONDS)
        begin = time.perf_counter()
        decision = decide_gate(facts, now=now, seal=self._seal)
        self._metrics.decision_time.observe(time.perf_counter() - begin)
        if decision.failing:
            await self._measuring.fail(gate, decision.failing)
        stored = facts.stored
        changed = await self._report(key, gate, decision, now)
        self._tally.note(gate.uid, decision.status)
        if changed:
            if decision.changed_grant:
                self._tell(gate, spec.bot_ref.name, decision.status)
            if decision.status.approvals != stored.approvals:
                self._queue_approvals(gate)
        waits = [decision.wait, _AGAIN_SECONDS if decision.failing else None]
        if not changed:
            waits.append(status_wait(stored, decision.status, now=now))
        return Outcome(changed=changed, requeue_after=min((wait for wait in waits if wait is not None), default=None))

    async def _report(self, key: Key, gate: GateRecord, decision: GateDecision, now: datetime) -> bool:
        """Store the decision; from then on the bot controller believes this grant of the gate and no other.

        While it is stored the one before is believed as well: it ends when the status says so, with its reason.
        """
        known, stored = self._fleet.seals(gate.uid), read_gate_status(gate.status).grant
        before = known if known is not None else _seals_of(stored)
        after = _seals_of(decision.status.grant)
        self._fleet.note_seals(gate.uid, before | after)
        changed = await self._reporter.report(key, gate, decision, now=now)
        self._fleet.note_seals(gate.uid, after)
        if known is None and gate.bot is not None:  # until now it was granted nothing new
            self._enqueue(bot_key(gate.namespace, gate.bot))
        return changed

    async def _refuse(self, key: Key, gate: GateRecord, spec: InvalidSpec) -> Outcome:
        """Say what is wrong with a spec that admission should not have let through; it grants nothing."""
        stored, message = read_gate_status(gate.status), f"{spec.message}; the gate grants nothing"
        status = PromotionGateStatus(
            observed_generation=gate.generation,
            evaluator_version=EVALUATOR_VERSION,
            evaluated_time=stored.evaluated_time,
            history=stored.history,
            evidence_head=stored.evidence_head,
            conditions=merge_conditions(
                stored.conditions,
                [
                    (GateConditionType.READY, "False", spec.reason, message),
                    (GateConditionType.PASSED, "False", spec.reason, message),
                    (ConditionType.STALLED, "True", spec.reason, message),
                ],
                generation=gate.generation,
                now=self._clock(),
            ),
        )
        self._tally.note(gate.uid, status)
        self._fleet.note_seals(gate.uid, frozenset())
        if status == stored or not await self._reporter.store(key, gate, status):
            return Outcome()
        if stored.grant is not None and gate.bot is not None:
            self._enqueue(bot_key(gate.namespace, gate.bot))
        self._queue_approvals(gate)
        return Outcome(changed=True)

    def _tell(self, gate: GateRecord, bot: str, status: PromotionGateStatus) -> None:
        grant = status.grant
        log.info(
            "grant changed",
            gate=gate.name,
            namespace=gate.namespace,
            mode=grant.mode.value if grant else None,
            digest=grant.digest if grant else None,
        )
        self._enqueue(bot_key(gate.namespace, bot))

    def _queue_approvals(self, gate: GateRecord) -> None:
        for approval in self._fleet.approvals_of(gate.namespace, gate.name):
            self._enqueue(approval_key(approval.namespace, approval.name))

    async def _let_go(self, key: Key, uid: str, bot: str | None) -> None:
        """Forget a gate that is gone; its Jobs go with it by their ownerReferences."""
        self._uids.pop(key, None)
        self._observer.forget(uid)
        self._fleet.forget_seals(uid)
        self._tally.forget(uid)
        await self._measuring.forget(uid)
        if bot is not None:
            self._enqueue(bot_key(key.namespace, bot))
        for approval in self._fleet.approvals_of(key.namespace, key.name):
            self._enqueue(approval_key(approval.namespace, approval.name))


def _seals_of(grant: GrantStatus | None) -> frozenset[str]:
    return frozenset() if grant is None else frozenset({grant.seal})
