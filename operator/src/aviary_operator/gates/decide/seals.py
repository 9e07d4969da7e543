"""What the seals of a gate's status cover, beside that of the grant (``bots.seal.grant_parts``).

The stored status is where the operator remembers over a restart. Anybody who may write it could make it say that a
subject was first seen long ago, or that it had reached the floor; so these are believed under a seal only.
"""

from datetime import UTC, datetime

from aviary_crds.v1alpha1.gatestatus import FloorStatus, PromotionGateStatus, Subject

from aviary_operator.bots.decide.promotion import EVALUATOR_VERSION
from aviary_operator.bots.seal import Seal, grant_parts, same_seal
from aviary_operator.gates.decide.gate_view import GateFacts


def seal_subject(facts: GateFacts, subject: Subject, *, generation_time: datetime, seal: Seal) -> Subject:
    """Return the subject with its seal, which covers as well since when the gate's present spec is known."""
    parts = _subject_parts(facts, subject, generation=facts.generation, generation_time=generation_time)
    return subject.model_copy(update={"seal": seal(parts)})


def is_subject_genuine(facts: GateFacts, stored: PromotionGateStatus, *, seal: Seal) -> bool:
    """Whether the stored subject and the time of its generation were written by this operator."""
    subject, generation_time = stored.subject, stored.generation_time
    if subject is None or generation_time is None:
        return False
    generation = stored.observed_generation
    parts = _subject_parts(facts, subject, generation=generation, generation_time=generation_time)
    return same_seal(subject.seal, seal(parts))


def seal_floor(facts: GateFacts, floor: FloorStatus, *, seal: Seal) -> FloorStatus:
    """Return the floor with its seal."""
    return floor.model_copy(update={"seal": seal(_floor_parts(facts, floor))})


def is_floor_genuine(facts: GateFacts, floor: FloorStatus, *, seal: Seal) -> bool:
    """Whether the stored floor was written by this operator."""
    return same_seal(floor.seal, seal(_floor_parts(facts, floor)))


def is_grant_genuine(facts: GateFacts, *, seal: Seal) -> bool:
    """Whether the stored grant was written by this operator."""
    grant = facts.stored.grant
    if grant is None:
        return False
    parts = grant_parts(grant, namespace=facts.namespace, gate=facts.name, gate_uid=facts.uid)
    return same_seal(grant.seal, seal(parts))


def _subject_parts(facts: GateFacts, subject: Subject, *, generation: int, generation_time: datetime) -> dict[str, str]:
    return {
        **_gate_parts("subject", facts),
        "digest": subject.digest,
        "botUid": subject.bot_uid,
        "imageId": subject.image_id or "",
        "since": _time(subject.since),
        "generation": str(generation),
        "generationTime": _time(generation_time),
    }


def _floor_parts(facts: GateFacts, floor: FloorStatus) -> dict[str, str]:
    return {
        **_gate_parts("floor", facts),
        "digest": floor.digest,
        "botUid": floor.bot_uid,
        "imageId": floor.image_id,
        "reachedTime": _time(floor.reached_time),
        "windowSeconds": str(floor.window_seconds),
    }


def _gate_parts(kind: str, facts: GateFacts) -> dict[str, str]:
    return {
        "kind": kind,
        "namespace": facts.namespace,
        "gate": facts.name,
        "gateUid": facts.uid,
        "evaluatorVersion": str(EVALUATOR_VERSION),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
