"""Gathers what is true about a bot into one ``Observed``: from the indexes, from what it names, from its ``/state``."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotSpec

from aviary_operator.bots.decide.envelope import Claim, claims_total
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.gates import read_gate_view
from aviary_operator.bots.guard import InvalidSpec, check_bot, check_desk
from aviary_operator.bots.memo import Memo
from aviary_operator.bots.names import Key, claim_name, desk_key, gate_key, pod_name
from aviary_operator.bots.observed import DeskView, GateView, Missing, Observed, RetuneRefusal
from aviary_operator.bots.podinputs import Applied, read_applied
from aviary_operator.bots.polling import StatePoller
from aviary_operator.bots.records import BotRecord, ChildRecord, GateRecord
from aviary_operator.bots.references import Reader, References, fetch_code, fetch_venue
from aviary_operator.bots.render.venue import Venue
from aviary_operator.bots.seal import seal_text
from aviary_operator.runtime.bothttp import control_token, token_fingerprint
from aviary_operator.runtime.kinds import CHILD_KINDS, CONFIG_MAP, VOLUME_CLAIM, Kind


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for all bots of this operator."""

    namespace: str
    control_key: bytes
    metrics_label: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the operator remembers of a bot between two reconciles; all of it can be lost without harm."""

    applied: Applied | None = None
    """Stands in for a ConfigMap that was deleted or edited by hand."""
    refusal: RetuneRefusal | None = None
    pushed: tuple[str, float] | None = None
    """Revision that the bot has just taken over, and until when not to push it again."""


class Observer:
    """Gathers. Reads the API server only for what no index holds."""

    def __init__(self, fleet: Fleet, references: References, poller: StatePoller, around: Surroundings) -> None:
        self._fleet = fleet
        self._references = references
        self._poller = poller
        self._around = around
        self._memos: dict[str, Memo] = {}

    def forget(self, uid: str) -> None:
        """Forget what was remembered of a bot that is gone."""
        self._memos.pop(uid, None)

    async def observe(self, key: Key, bot: BotRecord, remembered: Remembered) -> Observed:
        """Return everything a decision about the bot rests on.

        Raises:
            ApiError: when something the bot names was never read and cannot be read now.
        """
        memo = self._memos.setdefault(bot.uid, Memo())
        spec = memo.once("spec", (bot.name, bot.spec), lambda: check_bot(bot.name, bot.spec))
        reader = Reader(self._references, key)
        desk = self._find_desk(bot, memo)
        code = await self._fetch_code(reader, bot, spec)
        venues = await self._fetch_venues(reader, desk)
        reader.done()
        children = self._find_children(bot)
        pod = self._fleet.pod(bot.namespace, bot.name, pod_name(bot.name))
        own = {kind: child for kind, child in children.items() if child.owner == bot.uid}
        config_map = own.get(CONFIG_MAP)
        stored = memo.once("applied", (config_map,), lambda: read_applied(config_map))
        return Observed(
            bot=bot,
            spec=spec,
            desk=desk,
            code=code,
            venues=venues,
            children=own,
            squatter=find_squatter(bot, children),
            pod=pod,
            report=self._poller.report(key, pod_uid=pod.uid if pod else None),
            applied=_trust_applied(bot, stored, remembered.applied),
            refusal=remembered.refusal,
            token_fingerprint=memo.once("token", (bot.uid,), lambda: token_fingerprint(self.token(bot))),
            operator_namespace=self._around.namespace,
            metrics_label=self._around.metrics_label,
            gate=self._find_gate(bot),
            raises=self._find_raises(bot),
            memo=memo,
        )

    def token(self, bot: BotRecord) -> str:
        """Return the bot's control token."""
        return control_token(self._around.control_key, namespace=bot.namespace, name=bot.name, uid=bot.uid)

    def seal(self, parts: Mapping[str, str]) -> str:
        """Return the operator's seal of ``parts``."""
        return seal_text(self._around.control_key, parts)

    def _find_gate(self, bot: BotRecord) -> GateView | Missing | None:
        if bot.gate is None:
            return None
        gate = self._fleet.gate(gate_key(bot.namespace, bot.gate))
        return self._read_view(gate, name=bot.gate, namespace=bot.namespace)

    def _find_raises(self, bot: BotRecord) -> tuple[GateView, ...]:
        others = [gate for gate in self._fleet.gates_of(bot.namespace, bot.name) if gate.name != bot.gate]
        views = [self._read_view(gate, name=gate.name, namespace=bot.namespace) for gate in others]
        return tuple(view for view in views if isinstance(view, GateView) and view.spec.is_capital_raise)

    def _read_view(self, gate: GateRecord | None, *, name: str, namespace: str) -> GateView | Missing:
        standing = self._fleet.seals(gate.uid) if gate is not None else None
        return read_gate_view(gate, name=name, namespace=namespace, seal=self.seal, standing=standing)

    def _find_children(self, bot: BotRecord) -> dict[Kind, ChildRecord]:
        found = {}
        for kind in CHILD_KINDS:
            name = claim_name(bot.name) if kind == VOLUME_CLAIM else bot.name
            child = self._fleet.child(kind, bot.namespace, bot.name, name)
            if child is not None:
                found[kind] = child
        return found

    def _find_desk(self, bot: BotRecord, memo: Memo) -> DeskView | Missing | None:
        if bot.desk is None:
            return None
        desk = self._fleet.desk(desk_key(bot.namespace, bot.desk))
        if desk is None or desk.deleting:
            return Missing("DeskMissing", f"TradingDesk {bot.namespace}/{bot.desk} does not exist; create it")
        written = desk.spec
        spec = memo.once("desk", (written,), lambda: check_desk(written))
        if isinstance(spec, InvalidSpec):
            return Missing("DeskInvalid", f"TradingDesk {bot.namespace}/{bot.desk}: {spec.message}")
        siblings = self._fleet.bots_of(bot.namespace, bot.desk)
        return DeskView(bot.desk, spec, tuple(claim for item in siblings if (claim := read_claim(item))))

    async def _fetch_code(
        self, reader: Reader, bot: BotRecord, spec: TradingBotSpec | InvalidSpec
    ) -> str | Missing | None:
        if isinstance(spec, InvalidSpec) or spec.strategy.code is None:
            return None
        return await fetch_code(reader, spec.strategy.code.config_map_ref, namespace=bot.namespace)

    async def _fetch_venues(self, reader: Reader, desk: DeskView | Missing | None) -> tuple[Venue, ...] | Missing:
        if desk is None:
            return ()
        if isinstance(desk, Missing):
            return desk
        venues = []
        for override in desk.spec.venue_overrides:
            venue = await fetch_venue(reader, override)
            if isinstance(venue, Missing):
                return venue
            venues.append(venue)
        return tuple(venues)


def read_claim(bot: BotRecord) -> Claim | None:
    """Return what a bot claims of its desk's total, None when it asks for a mode that sends no orders.

    Read leniently: a sibling that is invalid still counts, with the most it may have.
    """
    mode = bot.spec.get("mode")
    if mode in set(Mode) and not claims_total(Mode(mode)):
        return None
    safety, capital = bot.spec.get("safety") or {}, bot.spec.get("capital") or {}
    try:
        notional = Decimal(str(safety.get("maxNotionalQuote") or capital["totalAmountQuote"]))
    except (InvalidOperation, KeyError, TypeError, AttributeError):
        notional = None
    if notional is not None and not notional.is_finite():
        notional = None
    return Claim(bot.created, bot.name, notional)


def find_squatter(bot: BotRecord, children: dict[Kind, ChildRecord]) -> str | None:
    """Return which object has the name of a child of the bot and is not the bot's, in words."""
    for kind, child in children.items():
        if child.owner != bot.uid:
            return (
                f"{kind.kind} {child.name} exists and does not belong to this bot; if a bot of the same name was just "
                "deleted, wait for it to go, else delete or rename it"
            )
    return None


def _trust_applied(bot: BotRecord, stored: Applied | None, remembered: Applied | None) -> Applied | None:
    """Return the applied configuration: of the ConfigMap when it is whole and this bot's, else as remembered."""
    return stored if stored is not None and stored.config.uid == bot.uid else remembered
