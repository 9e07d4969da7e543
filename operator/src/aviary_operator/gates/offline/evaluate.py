"""Evaluates a gate from an evidence folder, with the code that evaluates it in a cluster.

Each check is measured once, at the time of the evaluation; so one whose ``count`` is above 1 stays Pending. What only a
cluster knows is taken from the evidence: the subject is there since the first look at it, and a gate that was never
applied since then, too.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aviary_crds.v1alpha1.gatechecks import Check, ReportScope
from aviary_crds.v1alpha1.gatestatus import CheckState, PromotionGateStatus, Subject
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec

from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.seal import Seal, seal_text
from aviary_operator.gates.decide.approvals import read_acknowledgements
from aviary_operator.gates.decide.check_record import CheckRecord, add_measurement, begin_record
from aviary_operator.gates.decide.figures import figure
from aviary_operator.gates.decide.floor import FULL_FLOOR_SECONDS, all_checks
from aviary_operator.gates.decide.gate import decide_gate
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.run import Run, advance_run, read_subject
from aviary_operator.gates.decide.seals import seal_subject
from aviary_operator.gates.measurement import Silence, decide_measurement
from aviary_operator.gates.observe import check_gate, read_time
from aviary_operator.gates.offline.folder import Evidence, UsageError, read_yaml
from aviary_operator.gates.sources.prometheus import read_stored
from aviary_operator.gates.sources.question import Answer, Question
from aviary_operator.gates.sources.reports import Expected, judge_report, missing_report


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an evaluation, and in which file each check's evidence lies."""

    namespace: str
    gate: str
    bot: str
    now: datetime
    status: PromotionGateStatus
    files: Mapping[str, Path]
    hashes: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether the gate grants its mode."""
        return self.status.grant is not None


def evaluate_gate(path: Path, evidence: Evidence) -> Verdict:
    """Return what the gate in ``path`` makes of ``evidence``.

    Raises:
        UsageError: when the gate cannot be read, or is about another bot.
    """
    body = read_yaml(path)
    spec = check_gate(body.get("spec") or {})
    if isinstance(spec, InvalidSpec):
        raise UsageError(f"{path} is no valid PromotionGate: {spec.message}")
    if spec.bot_ref.name != evidence.bot.name:
        raise UsageError(f"{path} is about bot {spec.bot_ref.name}, {evidence.folder} about {evidence.bot.name}")
    run = _replay(evidence, spec)
    key = secrets.token_bytes(32)

    def seal(parts: Mapping[str, str]) -> str:
        return seal_text(key, parts)

    facts = _build_facts(body, spec, evidence, run, path)
    facts = _with_stored(facts, _first_look(evidence), seal)
    measured = _Measured(evidence, facts, seal)
    records = (
        {} if run is None or run.began is None else {c.name: measured.record(c, run.began) for c in measured.checks}
    )
    facts = replace(facts, measurements=records)
    return Verdict(
        namespace=facts.namespace,
        gate=facts.name,
        bot=evidence.bot.name,
        now=evidence.now,
        status=decide_gate(facts, now=evidence.now, seal=seal).status,
        files=measured.files,
        hashes={name: item.newest.sha256 or "" for name, item in records.items() if item.newest},
    )


class _Measured:
    """Measures checks from files."""

    def __init__(self, evidence: Evidence, facts: GateFacts, seal: Seal) -> None:
        self._evidence = evidence
        self._facts = facts
        self._seal = seal
        self.checks = all_checks(facts.spec, facts.floor_seconds)
        self.files = {check.name: self._file(check) for check in self.checks}

    def record(self, check: Check, began: datetime) -> CheckRecord:
        """Return a record of one measurement."""
        measurement = decide_measurement(check, self._ask(check, began), now=self._evidence.now)
        return add_measurement(begin_record(check, began=began), measurement)

    def _file(self, check: Check) -> Path:
        evidence = self._evidence
        if check.prometheus is not None:
            return evidence.prometheus_file(check.name)
        if check.manual is not None:
            return evidence.folder / "approvals"
        source = check.report or check.job
        if source is not None:
            return evidence.reports.get(source.producer, evidence.folder / "reports" / f"{source.producer}.json")
        return evidence.state_file

    def _ask(self, check: Check, began: datetime) -> Answer:
        now, facts = self._evidence.now, self._facts
        if check.bot is not None:
            return figure(facts.run, check.bot.field, check.bot.window_seconds, now=now)
        if check.manual is not None:
            return read_acknowledgements(facts, check.name, now=now, seal=self._seal)
        if (now - began).total_seconds() < check.window_seconds:
            message = f"the run is younger than the window of {check.window_seconds} s"
            return Silence(state=CheckState.PENDING, reason="WindowNotFull", message=message)
        return self._read(check)

    def _read(self, check: Check) -> Answer:
        path, facts = self.files[check.name], self._facts
        raw = path.read_bytes() if path.is_file() else None
        if check.prometheus is not None:
            if raw is None:
                message = f"no stored answers at {path}"
                return Silence(state=CheckState.INCONCLUSIVE, reason="NoStoredAnswers", message=message)
            return read_stored(raw, check.prometheus, namespace=facts.namespace, bot=facts.spec.bot_ref.name)
        source = check.report or check.job
        if source is None:
            raise ValueError(f"check {check.name} has no source that is read from a file")
        scope = check.report.scope if check.report is not None else ReportScope.SUBJECT
        expected = Expected(source.producer, source.value, scope, str(path))
        if raw is None:
            return missing_report(expected, query=str(path))
        return judge_report(raw, expected, self._question(check))

    def _question(self, check: Check) -> Question:
        facts = self._facts
        return Question(
            namespace=facts.namespace,
            gate=facts.name,
            gate_uid=facts.uid,
            bot=facts.spec.bot_ref.name,
            digest=(facts.bot.digest if facts.bot else None) or "",
            check=check,
            now=self._evidence.now,
        )


def _build_facts(
    body: dict[str, Any], spec: PromotionGateSpec, evidence: Evidence, run: Run | None, path: Path
) -> GateFacts:
    meta, created = body["metadata"], _first_look(evidence)
    try:
        if meta.get("creationTimestamp"):
            created = read_time(str(meta["creationTimestamp"]))
    except ValueError as error:
        raise UsageError(f"{path}: metadata.creationTimestamp: {error}") from error
    return GateFacts(
        namespace=str(meta.get("namespace") or "default"),
        name=str(meta.get("name")),
        uid=str(meta.get("uid") or "offline"),
        generation=int(meta.get("generation") or 1),
        created=created,
        spec=spec,
        stored=PromotionGateStatus(),
        bot=evidence.bot,
        desk=evidence.desk,
        run=run,
        approvals=tuple(item for item in evidence.approvals if item.spec.gate_ref.name == meta.get("name")),
        evidence_problem=None,
        evidence_head="",
        floor_seconds=FULL_FLOOR_SECONDS,
    )


def _with_stored(facts: GateFacts, since: datetime, seal: Seal) -> GateFacts:
    """Return facts whose stored status says since when subject and spec are what they are."""
    bot = facts.bot
    if bot is None or bot.digest is None:
        return facts
    subject = Subject(digest=bot.digest, bot_uid=bot.uid, image_id=bot.image_id, since=since.replace(microsecond=0))
    sealed = seal_subject(facts, subject, generation_time=since, seal=seal)
    stored = PromotionGateStatus(observed_generation=facts.generation, generation_time=since, subject=sealed)
    return replace(facts, stored=stored)


def _replay(evidence: Evidence, spec: PromotionGateSpec) -> Run | None:
    run: Run | None = None
    for sample in evidence.samples:
        subject = read_subject(evidence.bot)
        run = advance_run(run, sample, subject=subject, spec=spec, granted=spec.is_capital_raise, now=sample.time)
    return run


def _first_look(evidence: Evidence) -> datetime:
    """Return the time of the first look at the present subject; without one it is only there now."""
    own = (sample.time for sample in evidence.samples if sample.digest == evidence.bot.digest)
    return min(own, default=evidence.now)
