"""The indexes: records instead of bodies, keyed by the bot or desk they belong to, filled by kopf's events.

Not ``kopf.index``: with it every object waits for all others to be indexed, and is woken for each of them. With the
six thousand children of a thousand bots that was three quarters of the start (measured). What it gives beside, knowing
when all is seen, is ``aviary_operator.bots.resync.until_all_seen``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import override

from aviary_operator.bots.fleet import Indexes
from aviary_operator.bots.names import Key, approval_key, bot_key, desk_key, gate_key
from aviary_operator.bots.records import ApprovalRecord, BotRecord, ChildRecord, DeskRecord, GateRecord, PodRecord
from aviary_operator.bots.resync import Census
from aviary_operator.runtime.kinds import (
    CHILD_KINDS,
    POD,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    TRADING_DESK,
    Kind,
)

type Record = BotRecord | DeskRecord | GateRecord | ApprovalRecord | ChildRecord | PodRecord


class Shelf[R: Record]:
    """The records of one kind: by uid, and by the key they belong to and their name.

    kopf handles each uid in order, different ones in any order. So a record of an object that was deleted and made
    anew under the same name can come late: the higher version stays.
    """

    def __init__(self) -> None:
        self._by_key: dict[Key, dict[str, R]] = {}
        self._keys: dict[str, Key] = {}

    def put(self, key: Key, record: R) -> None:
        """Store a record."""
        if self._keys.get(record.uid, key) != key:  # its label was changed
            self.remove(record.uid)
        group = self._by_key.setdefault(key, {})
        known = group.get(record.name)
        if known is not None and known.uid != record.uid:
            if known.version > record.version:
                return
            self._keys.pop(known.uid, None)
        group[record.name] = record
        self._keys[record.uid] = key

    def remove(self, uid: str) -> Key | None:
        """Forget the object; return the key it belonged to, None when it was not known."""
        key = self._keys.pop(uid, None)
        if key is None:
            return None
        group = self._by_key[key]
        for name in [name for name, record in group.items() if record.uid == uid]:
            del group[name]
        if not group:
            del self._by_key[key]
        return key

    def of(self, key: Key) -> Mapping[str, R]:
        """Return the records that belong to ``key``, by name."""
        return self._by_key.get(key, {})

    def keys(self) -> Iterable[Key]:
        """Return every key that something belongs to."""
        return list(self._by_key)

    @property
    def uids(self) -> Mapping[str, Key]:
        """Every known uid with its key."""
        return self._keys


class LiveIndexes(Indexes, Census):
    """The indexes of one operator."""

    def __init__(self) -> None:
        self.bot_records: Shelf[BotRecord] = Shelf()
        self.desk_records: Shelf[DeskRecord] = Shelf()
        self.pod_records: Shelf[PodRecord] = Shelf()
        self.child_records: dict[Kind, Shelf[ChildRecord]] = {kind: Shelf() for kind in CHILD_KINDS}
        self._members: Shelf[BotRecord] = Shelf()
        self.gate_records: Shelf[GateRecord] = Shelf()
        self._gates_of_bots: Shelf[GateRecord] = Shelf()
        self._bots_of_gates: Shelf[BotRecord] = Shelf()
        self.approval_records: Shelf[ApprovalRecord] = Shelf()
        self._approvals_of_gates: Shelf[ApprovalRecord] = Shelf()

    def put_bot(self, record: BotRecord) -> None:
        """Store a TradingBot, under its own key, its desk's and its gate's."""
        self.bot_records.put(bot_key(record.namespace, record.name), record)
        if record.desk is None:
            self._members.remove(record.uid)
        else:
            self._members.put(desk_key(record.namespace, record.desk), record)
        if record.gate is None:
            self._bots_of_gates.remove(record.uid)
        else:
            self._bots_of_gates.put(gate_key(record.namespace, record.gate), record)

    def put_gate(self, record: GateRecord) -> None:
        """Store a PromotionGate, under its own key and under its bot's."""
        self.gate_records.put(gate_key(record.namespace, record.name), record)
        if record.bot is None:
            self._gates_of_bots.remove(record.uid)
        else:
            self._gates_of_bots.put(bot_key(record.namespace, record.bot), record)

    def put_approval(self, record: ApprovalRecord) -> None:
        """Store a PromotionApproval, under its own key and under its gate's."""
        self.approval_records.put(approval_key(record.namespace, record.name), record)
        if record.gate is None:
            self._approvals_of_gates.remove(record.uid)
        else:
            self._approvals_of_gates.put(gate_key(record.namespace, record.gate), record)

    def remove(self, kind: Kind, uid: str) -> Key | None:
        """Forget an object; return the key it belonged to, None when it was not known."""
        if kind == TRADING_BOT:
            self._members.remove(uid)
            self._bots_of_gates.remove(uid)
        if kind == PROMOTION_GATE:
            self._gates_of_bots.remove(uid)
        if kind == PROMOTION_APPROVAL:
            self._approvals_of_gates.remove(uid)
        return self._shelf(kind).remove(uid)

    @override
    def bot(self, key: Key) -> BotRecord | None:
        return self.bot_records.of(key).get(key.name)

    @override
    def bots(self) -> Iterable[Key]:
        return self.bot_records.keys()

    @override
    def bots_of(self, namespace: str, desk: str) -> Sequence[BotRecord]:
        return list(self._members.of(desk_key(namespace, desk)).values())

    @override
    def desk(self, key: Key) -> DeskRecord | None:
        return self.desk_records.of(key).get(key.name)

    @override
    def desks(self) -> Iterable[Key]:
        return self.desk_records.keys()

    def bots_naming(self, namespace: str, gate: str) -> Sequence[BotRecord]:
        """Return the TradingBots that name the gate in their spec."""
        return list(self._bots_of_gates.of(gate_key(namespace, gate)).values())

    @override
    def gate(self, key: Key) -> GateRecord | None:
        return self.gate_records.of(key).get(key.name)

    @override
    def gates(self) -> Iterable[Key]:
        return self.gate_records.keys()

    @override
    def gates_of(self, namespace: str, bot: str) -> Sequence[GateRecord]:
        return list(self._gates_of_bots.of(bot_key(namespace, bot)).values())

    @override
    def approval(self, key: Key) -> ApprovalRecord | None:
        return self.approval_records.of(key).get(key.name)

    @override
    def approvals(self) -> Iterable[Key]:
        return self.approval_records.keys()

    @override
    def approvals_of(self, namespace: str, gate: str) -> Sequence[ApprovalRecord]:
        return list(self._approvals_of_gates.of(gate_key(namespace, gate)).values())

    @override
    def child(self, kind: Kind, namespace: str, bot: str, name: str) -> ChildRecord | None:
        return self.child_records[kind].of(bot_key(namespace, bot)).get(name)

    @override
    def pod(self, namespace: str, bot: str, name: str) -> PodRecord | None:
        return self.pod_records.of(bot_key(namespace, bot)).get(name)

    @override
    def uids(self, kind: Kind) -> Mapping[str, Key]:
        return self._shelf(kind).uids

    def _shelf(
        self, kind: Kind
    ) -> (
        Shelf[BotRecord]
        | Shelf[DeskRecord]
        | Shelf[GateRecord]
        | Shelf[ApprovalRecord]
        | Shelf[PodRecord]
        | Shelf[ChildRecord]
    ):
        if kind == PROMOTION_GATE:
            return self.gate_records
        if kind == PROMOTION_APPROVAL:
            return self.approval_records
        if kind == PROMOTION_APPROVAL:
            return self.approval_records
        if kind == TRADING_BOT:
            return self.bot_records
        if kind == TRADING_DESK:
            return self.desk_records
        return self.pod_records if kind == POD else self.child_records[kind]
