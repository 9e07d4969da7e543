"""Gathers what is true about a gate into one ``GateFacts``: from the indexes and from what was measured."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from pydantic import ValidationError

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.gates import read_gate_status
from aviary_operator.bots.guard import InvalidSpec, check_bot, check_desk
from aviary_operator.bots.memo import Memo
from aviary_operator.bots.names import bot_key, desk_key, pod_name
from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.records import ApprovalRecord, BotRecord, GateRecord, PodRecord
from aviary_operator.gates.courses import Courses
from aviary_operator.gates.decide.gate_view import ApprovalFacts, BotFacts, DeskFacts, GateFacts
from aviary_operator.gates.evidence_log import EvidenceLog

_STATIC = ("EnvelopeValid", "EnvelopeEnforced", "ConfigInSync")


class GateObserver:
    """Gathers. Asks nobody: everything is in memory."""

    def __init__(
        self, fleet: Fleet, poller: StatePoller, courses: Courses, evidence: EvidenceLog, *, floor_seconds: int
    ) -> None:
        self._fleet = fleet
        self._poller = poller
        self._courses = courses
        self._evidence = evidence
        self.floor_seconds = floor_seconds
        self._memos: dict[str, Memo] = {}

    def forget(self, gate_uid: str) -> None:
        """Forget what was remembered of a gate that is gone."""
        self._memos.pop(gate_uid, None)

    def spec(self, gate: GateRecord) -> PromotionGateSpec | InvalidSpec:
        """Return the gate's spec, or what is wrong with it."""
        memo = self._memos.setdefault(gate.uid, Memo())
        return memo.once("spec", (gate.spec,), lambda: check_gate(gate.spec))

    def facts(self, gate: GateRecord, spec: PromotionGateSpec) -> GateFacts:
        """Return everything a decision about the gate rests on."""
        memo = self._memos.setdefault(gate.uid, Memo())
        bot = self._fleet.bot(bot_key(gate.namespace, spec.bot_ref.name))
        course = self._courses.of(gate.uid)
        return GateFacts(
            namespace=gate.namespace,
            name=gate.name,
            uid=gate.uid,
            generation=gate.generation,
            created=read_time(gate.created),
            spec=spec,
            stored=memo.once("status", (gate.status,), lambda: read_gate_status(gate.status)),
            bot=self.bot(gate, spec),
            desk=None if bot is None or bot.deleting else self._desk(bot, memo),
            run=course.run,
            measurements=dict(course.records),
            approvals=self._approvals(gate, memo),
            evidence_problem=course.problem,
            evidence_head=self._evidence.head(gate.uid),
            floor_seconds=self.floor_seconds,
        )

    def bot(self, gate: GateRecord, spec: PromotionGateSpec) -> BotFacts | None:
        """Return the bot that the gate is about, None when there is none whose spec can be read."""
        memo = self._memos.setdefault(gate.uid, Memo())
        bot = self._fleet.bot(bot_key(gate.namespace, spec.bot_ref.name))
        if bot is None or bot.deleting:
            return None
        pod = self._fleet.pod(bot.namespace, bot.name, pod_name(bot.name))
        return memo.once("bot", (bot, pod), lambda: read_bot_facts(bot, pod))

    def report(self, gate: GateRecord, spec: PromotionGateSpec) -> BotReport:
        """Return what the bot last said. The bot controller asks it, often enough for whoever reads it here."""
        key = bot_key(gate.namespace, spec.bot_ref.name)
        pod = self._fleet.pod(gate.namespace, spec.bot_ref.name, pod_name(spec.bot_ref.name))
        self._poller.attend(key)
        return self._poller.report(key, pod_uid=pod.uid if pod else None)

    def _desk(self, bot: BotRecord, memo: Memo) -> DeskFacts | None:
        desk = self._fleet.desk(desk_key(bot.namespace, bot.desk)) if bot.desk else None
        if desk is None or desk.deleting:
            return None
        return memo.once("desk", (desk.name, desk.spec), lambda: read_desk_facts(desk.name, desk.spec))

    def _approvals(self, gate: GateRecord, memo: Memo) -> tuple[ApprovalFacts, ...]:
        records = tuple(sorted(self._fleet.approvals_of(gate.namespace, gate.name), key=lambda item: item.name))
        return memo.once("approvals", records, lambda: tuple(_read_approvals(records)))


def check_gate(raw: Mapping[str, Any]) -> PromotionGateSpec | InvalidSpec:
    """Return a gate's spec, or what is wrong with it: admission can be bypassed."""
    try:
        return PromotionGateSpec.model_validate(dict(raw))
    except ValidationError as error:
        return InvalidSpec("InvalidSpec", explain(error))


def explain(error: ValidationError) -> str:
    """Return the first three errors as ``spec.path: what``."""
    lines = []
    for item in error.errors(include_url=False)[:3]:
        path = ".".join(["spec", *(str(part) for part in item["loc"])])
        lines.append(f"{path}: {item['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


def read_bot_facts(bot: BotRecord, pod: PodRecord | None) -> BotFacts | None:
    """Return what a TradingBot and its pod say; None when its spec cannot be read."""
    spec = check_bot(bot.name, bot.spec)
    if isinstance(spec, InvalidSpec):
        return None
    status = bot.status
    digest = status.get("digest") if status.get("observedGeneration") == bot.generation else None
    holds = {name: _holds(bot, name) for name in _STATIC}
    missing = [name for name, held in holds.items() if not held]
    granted = status.get("grantedMode")
    return BotFacts(
        name=bot.name,
        uid=bot.uid,
        created=read_time(bot.created),
        digest=digest if isinstance(digest, str) and digest else None,
        image_id=pod.container.image_id if pod is not None and pod.container is not None else None,
        requested=spec.mode,
        granted=Mode(granted) if granted in set(Mode) else None,
        changed_by=bot.changed_by,
        static_ok=not missing,
        static_message=_static_message(missing, bot.name),
        envelope_enforced=holds["EnvelopeEnforced"],
        config_in_sync=holds["ConfigInSync"],
        image_pinned="@sha256:" in spec.image,
    )


def read_desk_facts(name: str, raw: Mapping[str, Any]) -> DeskFacts | None:
    """Return what a desk allows; None when its spec cannot be read."""
    spec = check_desk(raw)
    if isinstance(spec, InvalidSpec):
        return None
    return DeskFacts(
        name=name,
        modes=frozenset(spec.ceilings.modes),
        two_persons=spec.promotion.two_persons,
        max_grant_seconds=spec.promotion.max_grant_seconds,
    )


def read_approval_facts(approval: ApprovalRecord) -> ApprovalFacts | InvalidSpec:
    """Return an approval, or what is wrong with it."""
    try:
        spec = PromotionApprovalSpec.model_validate(dict(approval.spec))
        return ApprovalFacts(name=approval.name, created=read_time(approval.created), spec=spec)
    except ValidationError as error:
        return InvalidSpec("InvalidSpec", explain(error))


def read_time(text: str) -> datetime:
    """Return a time as the API writes it.

    Raises:
        ValueError: when it is none; the API server writes no such thing.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text!r} has no zone")
    return moment


def _read_approvals(records: tuple[ApprovalRecord, ...]) -> list[ApprovalFacts]:
    read = [read_approval_facts(record) for record in records]
    return [item for item in read if isinstance(item, ApprovalFacts)]


def _static_message(missing: list[str], bot: str) -> str:
    if not missing:
        return "envelope valid and enforced, configuration in sync"
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not True for TradingBot {bot}"


def _holds(bot: BotRecord, type_: str) -> bool:
    """Whether a condition of the bot's present generation is True."""
    for item in bot.status.get("conditions") or []:
        if isinstance(item, Mapping) and item.get("type") == type_:
            return item.get("status") == "True" and item.get("observedGeneration") == bot.generation
    return False
