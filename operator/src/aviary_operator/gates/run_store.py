"""What was seen of each gate's bot, on the evidence volume, so that a restart of the operator goes on with the run.

A file of JSON lines per gate: whose the present stretch is, what it waits for, then every look at the bot. The run is
made from them by the same reducer that made it the first time. A gap that is too long, a changed bot and a clock that
was set back are found by the first look after the restart, as at any other time.
"""

import errno
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

from aviary_operator.gates.decide.run import Run, RunEnd, RunEndReason, SubjectKey, advance_run, end_run
from aviary_operator.gates.evidence_log import EvidenceError, log_path, sync_folder
from aviary_operator.gates.samples import Sample, SampleError, dump_sample, load_sample

log = structlog.get_logger(__name__)


class RunStore:
    """Files of one folder. All methods do file work and are called in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, gate_uid: str) -> Path:
        """Return the file of a gate's run."""
        return log_path(self._folder, gate_uid).with_suffix(".run.jsonl")

    def load(self, gate_uid: str, spec: PromotionGateSpec) -> Run | None:
        """Return the run as it was stored; a file that cannot be understood is none.

        Raises:
            EvidenceError: when the volume cannot be read.
        """
        path = self.path(gate_uid)
        try:
            raw = path.read_bytes()
            whole, _, torn = raw.rpartition(b"\n")
            if torn:
                log.warning("a torn last line was cut off", file=str(path), bytes=len(torn))
                os.truncate(path, len(raw) - len(torn))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read: {error}; look at the evidence volume") from error
        try:
            return read_run(whole.splitlines(), spec)
        except (SampleError, ValueError, KeyError, TypeError) as error:
            log.warning("a stored run cannot be read; it begins anew", file=str(path), error=str(error))
            return None

    def save(self, gate_uid: str, before: Run | None, after: Run, sample: Sample | None) -> None:
        """Store what one look at the bot, or the end of a run, made of it.

        Raises:
            EvidenceError: when the volume cannot be written.
        """
        looks = [sample] if sample is not None and after.began is not None else []
        try:
            if before is None or before.began != after.began:
                self._replace(gate_uid, _lines(after, looks))
            elif _state(before) != _state(after):
                self._append(gate_uid, _lines(after, looks))
            elif looks:
                self._append(gate_uid, b"".join(dump_sample(look) + b"\n" for look in looks))
        except OSError as error:
            message = f"{self.path(gate_uid)} cannot be written: {error}; look at the evidence volume"
            raise EvidenceError(message) from error

    def _append(self, gate_uid: str, data: bytes) -> None:
        number = os.open(self.path(gate_uid), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            size = os.fstat(number).st_size
            if os.write(number, data) != len(data):
                os.ftruncate(number, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(number)
        finally:
            os.close(number)

    def _replace(self, gate_uid: str, data: bytes) -> None:
        path = self.path(gate_uid)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(self._folder)


def read_run(lines: list[bytes], spec: PromotionGateSpec) -> Run | None:
    """Return the run that lines tell of, under the spec as it is now.

    Raises:
        SampleError, ValueError, KeyError, TypeError: when they tell of none.
    """
    run: Run | None = None
    for line in lines:
        if line.startswith(_STATE):
            run = _with_state(run, json.loads(line)["state"])
        elif run is None:
            raise ValueError("a look comes before it is said whose it is")
        else:
            sample = load_sample(line)
            run = advance_run(run, sample, subject=run.subject, spec=spec, granted=True, now=sample.time)
    return run


_STATE = b'{"state":'


def _lines(run: Run, looks: list[Sample]) -> bytes:
    state = json.dumps({"state": _state(run)}, separators=(",", ":")).encode()
    return b"".join(line + b"\n" for line in (state, *map(dump_sample, looks)))


def _state(run: Run) -> dict[str, Any]:
    """Return what a run is beside its looks. The time of the last look is that of a look where there are any."""
    subject, end = run.subject, run.ended
    return {
        "subject": None if subject is None else [subject.digest, subject.bot_uid, subject.image_id],
        "waitingFor": sorted(run.waiting_for),
        "ended": None
        if end is None
        else {
            "time": _text(end.time),
            "reason": end.reason.value,
            "message": end.message,
            "failed": sorted(end.failed),
        },
        "began": None if run.began is None else _text(run.began),
        "lastSeen": None if run.began is not None else _text(run.last_seen),
    }


def _with_state(run: Run | None, state: dict[str, Any]) -> Run:
    subject = SubjectKey(*map(str, state["subject"])) if state["subject"] is not None else None
    seen = datetime.fromisoformat(state["lastSeen"] or state["began"])
    run = Run(subject=subject, began=None, last_seen=seen) if run is None else replace(run, subject=subject)
    if state["ended"] is not None:
        told = state["ended"]
        end = RunEnd(
            time=datetime.fromisoformat(told["time"]),
            reason=RunEndReason(told["reason"]),
            message=str(told["message"]),
            failed=frozenset(map(str, told["failed"])),
        )
        run = end_run(run, end) if state["began"] is None else replace(run, ended=end)
    return replace(run, waiting_for=frozenset(map(str, state["waitingFor"])))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
