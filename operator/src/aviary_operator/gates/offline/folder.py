"""The evidence folder: what a gate is evaluated from without a cluster.

| file | holds |
|---|---|
| ``bot.yaml`` | the TradingBot as ``kubectl get -o yaml`` shows it, with its status |
| ``desk.yaml`` | its TradingDesk, if it names one |
| ``state.jsonl`` | looks at the bot, one a line: a ``/state`` document with the time it was ``seen``, or a sample |
| ``prometheus/CHECK.json`` | ``{"query": ..., "timestamp": ...}``: the answers of the API, as they came |
| ``reports/*.json`` | report documents; found by their producer |
| ``approvals/*.yaml`` | PromotionApprovals as the API server shows them |
| ``now`` | the time to evaluate at, ISO 8601; without it the clock's |
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from aviary_crds.botstate import BotState
from pydantic import ValidationError

from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.records import read_approval, read_bot, read_desk
from aviary_operator.gates.decide.gate_view import ApprovalFacts, BotFacts, DeskFacts
from aviary_operator.gates.observe import read_approval_facts, read_bot_facts, read_desk_facts
from aviary_operator.gates.samples import Sample, SampleError, load_sample, take_sample


class UsageError(Exception):
    """A file is missing or cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a folder holds."""

    folder: Path
    now: datetime
    bot: BotFacts
    desk: DeskFacts | None
    samples: tuple[Sample, ...]
    approvals: tuple[ApprovalFacts, ...]
    reports: Mapping[str, Path]
    """The newest report of each producer."""

    @property
    def state_file(self) -> Path:
        """Where the looks at the bot are."""
        return self.folder / "state.jsonl"

    def prometheus_file(self, check: str) -> Path:
        """Return where the stored answers for a check are."""
        return self.folder / "prometheus" / f"{check}.json"


def read_evidence(folder: Path, *, clock: datetime) -> Evidence:
    """Read a folder; ``clock`` is the time when it names none.

    Raises:
        UsageError: when what must be there is not, or cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; see --help for what it must hold")
    bot = _read_bot(folder / "bot.yaml")
    return Evidence(
        folder=folder,
        now=_read_now(folder / "now", clock),
        bot=bot,
        desk=_read_desk(folder / "desk.yaml"),
        samples=tuple(_read_samples(folder / "state.jsonl", bot)),
        approvals=tuple(_read_approvals(folder / "approvals")),
        reports=_find_reports(folder / "reports"),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the one object in a YAML file.

    Raises:
        UsageError: when there is none.
    """
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise UsageError(f"{path} holds no Kubernetes object")
    return body


def _read_bot(path: Path) -> BotFacts:
    body = read_yaml(path)
    record = read_bot(body)
    try:
        facts = read_bot_facts(record, None)
    except ValueError as error:
        raise UsageError(f"{path}: metadata.creationTimestamp: {error}") from error
    if facts is None:
        raise UsageError(f"{path} is no valid TradingBot; python -m aviary_crds validate {path} says why")
    image = record.status.get("imageId")
    return replace(facts, image_id=image if isinstance(image, str) and image else None)


def _read_desk(path: Path) -> DeskFacts | None:
    if not path.exists():
        return None
    record = read_desk(read_yaml(path))
    facts = read_desk_facts(record.name, record.spec)
    if facts is None:
        raise UsageError(f"{path} is no valid TradingDesk; python -m aviary_crds validate {path} says why")
    return facts


def _read_samples(path: Path, bot: BotFacts) -> Sequence[Sample]:
    if not path.exists():
        return ()
    samples = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            samples.append(_read_look(line, bot))
        except (ValueError, TypeError, SampleError) as error:
            raise UsageError(f"{path} line {number}: {error}") from error
    return samples


def _read_look(line: bytes, bot: BotFacts) -> Sample:
    body = json.loads(line)
    if not isinstance(body, dict) or "seen" not in body:
        return load_sample(line)
    seen = datetime.fromisoformat(body.pop("seen"))
    if seen.tzinfo is None:
        raise ValueError("seen has no time zone")
    try:
        state = BotState.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"no /state: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return take_sample(bot, BotReport(state=state, seen=seen), now=seen)


def _read_approvals(folder: Path) -> Sequence[ApprovalFacts]:
    found = []
    for path in sorted(folder.glob("*.yaml")):
        body = read_yaml(path)
        try:
            facts = read_approval_facts(read_approval(body))
        except ValueError as error:
            raise UsageError(f"{path}: metadata.creationTimestamp: {error}") from error
        if isinstance(facts, InvalidSpec):
            raise UsageError(f"{path} is no valid PromotionApproval: {facts.message}")
        found.append(facts)
    return found


def _find_reports(folder: Path) -> dict[str, Path]:
    """Return the newest document of each producer. Whether it is worth anything is judged later."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            body = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            body = None
        producer = body.get("producer") if isinstance(body, dict) else None
        # one that cannot be read stands for the producer that its file is named after
        name = producer if isinstance(producer, str) else path.stem
        time = str(body.get("time")) if isinstance(body, dict) else ""
        if name not in found or time > found[name][0]:
            found[name] = (time, path)
    return {name: path for name, (_, path) in found.items()}


def _read_now(path: Path, clock: datetime) -> datetime:
    if not path.exists():
        return clock
    try:
        moment = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} holds no time such as 2026-11-25T08:00:00Z: {error}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
