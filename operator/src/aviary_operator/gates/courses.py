"""What the operator remembers of each gate: the run, and what was measured in it.

All of it is on the evidence volume before it counts, so all of it can be lost: a restart reads it back. Nothing grows
with time: samples are merged into buckets, of measurements there are counts and the last ten.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.gatechecks import Check

from aviary_operator.gates.decide.check_record import CheckRecord, add_measurement, begin_record
from aviary_operator.gates.decide.run import Run, note_measurement
from aviary_operator.gates.measurement import Measurement

NOT_READ_YET = "the evidence log has not been read yet"


@dataclass(slots=True)
class Course:
    """One gate's run and measurements. ``problem``: why evidence cannot be kept, None while it can."""

    problem: str | None = NOT_READ_YET
    run: Run | None = None
    records: dict[str, CheckRecord] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the run changes and is stored, so that its file is in the order of what happened."""

    def take_run(self, run: Run) -> None:
        """Go on with this run; measurements of another stretch are void."""
        self.run = run
        if any(record.began != run.began for record in self.records.values()):
            self.records = {name: item for name, item in self.records.items() if item.began == run.began}

    def take_measurement(self, check: Check, measurement: Measurement, *, began: datetime) -> CheckRecord | None:
        """Add a measurement of the stretch that ``began`` then; return the record before it, if there was one."""
        if self.run is None or self.run.began != began:
            return None
        before = self.records.get(check.name)
        if before is not None and before.check != check:
            before = None
        self.records[check.name] = add_measurement(before or begin_record(check, began=began), measurement)
        self.run = note_measurement(self.run, measurement, began=began)
        return before


class Courses:
    """The courses of all gates, by the gate's uid."""

    def __init__(self) -> None:
        self._courses: dict[str, Course] = {}

    def of(self, gate_uid: str) -> Course:
        """Return the course of a gate, an empty one at first."""
        return self._courses.setdefault(gate_uid, Course())

    def forget(self, gate_uid: str) -> None:
        """Forget a gate that is gone."""
        self._courses.pop(gate_uid, None)


def definition_of(check: Check) -> str:
    """Return the hash of a check as it is written: what another wording measured does not count."""
    return sha256_hex(canonical_json(check.model_dump(mode="json", by_alias=True, exclude_none=True)))
