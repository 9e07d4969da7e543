"""The operator's view of the cluster: what the indexes hold, and what the operator itself has just written.

A watch lags behind a write by some milliseconds. Without the second part a reconcile right after a write would see
the old object and write again. What was written counts until the index has that version or a newer one. An object
that is known to be gone although no event said so (a watch that was cut loses deletions) is hidden as well.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from aviary_operator.bots.names import Key, approval_key, claim_name, gate_key
from aviary_operator.bots.records import ApprovalRecord, BotRecord, ChildRecord, DeskRecord, GateRecord, PodRecord
from aviary_operator.runtime.kinds import CHILD_KINDS, VOLUME_CLAIM, Kind


class Indexes(Protocol):
    """What is known of the cluster, kept up to date by watches."""

    def bot(self, key: Key) -> BotRecord | None:
        """Return the TradingBot."""

    def bots(self) -> Iterable[Key]:
        """Return the keys of all TradingBots."""

    def bots_of(self, namespace: str, desk: str) -> Sequence[BotRecord]:
        """Return the TradingBots that name the desk."""

    def desk(self, key: Key) -> DeskRecord | None:
        """Return the TradingDesk."""

    def desks(self) -> Iterable[Key]:
        """Return the keys of all TradingDesks."""

    def gate(self, key: Key) -> GateRecord | None:
        """Return the PromotionGate."""

    def gates(self) -> Iterable[Key]:
        """Return the keys of all PromotionGates."""

    def gates_of(self, namespace: str, bot: str) -> Sequence[GateRecord]:
        """Return the PromotionGates that are about the bot."""

    def approvals(self) -> Iterable[Key]:
        """Return the keys of all PromotionApprovals."""

    def approvals_of(self, namespace: str, gate: str) -> Sequence[ApprovalRecord]:
        """Return the PromotionApprovals that name the gate."""

    def approval(self, key: Key) -> ApprovalRecord | None:
        """Return the PromotionApproval."""

    def child(self, kind: Kind, namespace: str, bot: str, name: str) -> ChildRecord | None:
        """Return the object of this kind and name that carries the bot's label."""

    def pod(self, namespace: str, bot: str, name: str) -> PodRecord | None:
        """Return the pod of this name that carries the bot's label."""


class Fleet:
    """``Indexes``, corrected by what the operator knows better."""

    def __init__(self, indexes: Indexes) -> None:
        self.indexes = indexes
        self._written_bots: dict[Key, BotRecord] = {}
        self._written_desks: dict[Key, DeskRecord] = {}
        self._written_gates: dict[Key, GateRecord] = {}
        self._written_approvals: dict[Key, ApprovalRecord] = {}
        self._written: dict[tuple[Kind, str, str], ChildRecord] = {}
        self._gone: set[str] = set()
        self._seals: dict[str, frozenset[str]] = {}

    def bot(self, key: Key) -> BotRecord | None:
        """Return the TradingBot, None when it is gone."""
        return self._newer(key, self.indexes.bot(key), self._written_bots)

    def desk(self, key: Key) -> DeskRecord | None:
        """Return the TradingDesk, None when it is gone."""
        return self._newer(key, self.indexes.desk(key), self._written_desks)

    def gate(self, key: Key) -> GateRecord | None:
        """Return the PromotionGate, None when it is gone."""
        return self._newer(key, self.indexes.gate(key), self._written_gates)

    def gates_of(self, namespace: str, bot: str) -> Sequence[GateRecord]:
        """Return the PromotionGates that are about the bot and are not being deleted."""
        found = self.indexes.gates_of(namespace, bot)
        current = [self.gate(gate_key(namespace, gate.name)) for gate in found if not gate.deleting]
        return [gate for gate in current if gate is not None]

    def approval(self, key: Key) -> ApprovalRecord | None:
        """Return the PromotionApproval, None when it is gone."""
        return self._newer(key, self.indexes.approval(key), self._written_approvals)

    def approvals_of(self, namespace: str, gate: str) -> Sequence[ApprovalRecord]:
        """Return the PromotionApprovals that name the gate and are not being deleted."""
        found = self.indexes.approvals_of(namespace, gate)
        current = [self.approval(approval_key(namespace, item.name)) for item in found if not item.deleting]
        return [item for item in current if item is not None]

    def bots_of(self, namespace: str, desk: str) -> Sequence[BotRecord]:
        """Return the TradingBots that name the desk and are not being deleted."""
        found = self.indexes.bots_of(namespace, desk)
        return [bot for bot in found if not bot.deleting and bot.uid not in self._gone]

    def child(self, kind: Kind, namespace: str, bot: str, name: str) -> ChildRecord | None:
        """Return the bot's child of this kind and name, None when it is not there."""
        key = (kind, namespace, name)
        found = self.indexes.child(kind, namespace, bot, name)
        own = self._written.get(key)
        if found is not None and found.uid in self._gone:
            found = None
        if own is None:
            return found
        if own.uid in self._gone or (found is not None and found.version >= own.version):
            del self._written[key]
            return found
        return own

    def pod(self, namespace: str, bot: str, name: str) -> PodRecord | None:
        """Return the bot's pod, None when it has none."""
        found = self.indexes.pod(namespace, bot, name)
        return None if found is None or found.uid in self._gone else found

    def note_bot(self, key: Key, record: BotRecord) -> None:
        """Remember a TradingBot as the API server returned it."""
        self._written_bots[key] = record

    def note_gate(self, key: Key, record: GateRecord) -> None:
        """Remember a PromotionGate as the API server returned it."""
        self._written_gates[key] = record

    def note_approval(self, key: Key, record: ApprovalRecord) -> None:
        """Remember a PromotionApproval as the API server returned it."""
        self._written_approvals[key] = record

    def note_seals(self, gate_uid: str, seals: frozenset[str]) -> None:
        """Remember the seals of the grants that the gate may show now: what was decided, and what is being replaced."""
        self._seals[gate_uid] = seals

    def seals(self, gate_uid: str) -> frozenset[str] | None:
        """Return the seals of the grants that the gate may show now; None while it was not decided on since the start.

        A grant that was withdrawn keeps a good seal. Were it written into the status again, nothing else told it apart.
        """
        return self._seals.get(gate_uid)

    def forget_seals(self, gate_uid: str) -> None:
        """Forget a gate that is gone."""
        self._seals.pop(gate_uid, None)

    def is_echo_of_gate(self, key: Key, version: int) -> bool:
        """Whether a version of a PromotionGate is the operator's own last write."""
        own = self._written_gates.get(key)
        return own is not None and own.version == version

    def is_echo_of_approval(self, key: Key, version: int) -> bool:
        """Whether a version of a PromotionApproval is the operator's own last write."""
        own = self._written_approvals.get(key)
        return own is not None and own.version == version

    def is_echo(self, key: Key, version: int) -> bool:
        """Whether a version of a TradingBot is the operator's own last write: there is nothing new in it."""
        own = self._written_bots.get(key)
        return own is not None and own.version == version

    def is_echo_of_child(self, kind: Kind, namespace: str, name: str, version: int) -> bool:
        """Whether a version of a child is the operator's own last write."""
        own = self._written.get((kind, namespace, name))
        return own is not None and own.version == version

    def note_desk(self, key: Key, record: DeskRecord) -> None:
        """Remember a TradingDesk as the API server returned it."""
        self._written_desks[key] = record

    def note_child(self, record: ChildRecord) -> None:
        """Remember a child as the API server returned it."""
        self._written[record.kind, record.namespace, record.name] = record

    def note_gone(self, uid: str) -> None:
        """Remember that the object of this uid does not exist any more."""
        self._gone.add(uid)

    def keep_gone(self, believed: Collection[str]) -> None:
        """Forget those hidden objects that the indexes do not hold any more either."""
        self._gone &= set(believed)

    def note_child_gone(self, kind: Kind, namespace: str, name: str) -> None:
        """Forget what was written about a child: the watch has seen it deleted."""
        self._written.pop((kind, namespace, name), None)

    def forget_bot(self, key: Key) -> None:
        """Forget what was written about a bot that is gone, and its children."""
        self._written_bots.pop(key, None)
        for kind in CHILD_KINDS:
            name = claim_name(key.name) if kind == VOLUME_CLAIM else key.name
            self._written.pop((kind, key.namespace, name), None)

    def _newer[R: (BotRecord, DeskRecord, GateRecord, ApprovalRecord)](
        self, key: Key, found: R | None, written: dict[Key, R]
    ) -> R | None:
        """Return what was found, or what was written when that is newer; None when the object is gone."""
        if found is None or found.uid in self._gone:
            written.pop(key, None)
            return None
        own = written.get(key)
        if own is not None and own.uid == found.uid and own.version > found.version:
            return own
        written.pop(key, None)
        return found
