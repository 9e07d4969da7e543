"""What a source is asked: one check, of one subject, at one time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aviary_crds.v1alpha1.gatechecks import Check

from aviary_operator.gates.measurement import Reading, Silence

type Answer = Reading | Silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One check to be measured. ``digest`` is the present subject's."""

    namespace: str
    gate: str
    gate_uid: str
    bot: str
    digest: str
    check: Check
    now: datetime


class Source(Protocol):
    """Where values of one kind come from."""

    async def read(self, question: Question) -> Answer:
        """Return the value, or why there is none. Never raises for what the outside does."""
