"""The operator's view: indexes, corrected by its own writes and by what it knows to be gone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import override

from aviary_operator.bots.fleet import Fleet, Indexes
from aviary_operator.bots.names import Key, approval_key, bot_key, desk_key, gate_key
from aviary_operator.bots.records import (
    ApprovalRecord,
    BotRecord,
    ChildRecord,
    DeskRecord,
    GateRecord,
    PodRecord,
    read_approval,
    read_child,
    read_desk,
    read_gate,
)
from aviary_operator.runtime.kinds import CONFIG_MAP, SERVICE, Kind

from .builders import bot_record, pod_record

KEY = bot_key("desk", "alpha")


class Watched(Indexes):
    """Indexes that a test fills."""

    def __init__(self) -> None:
        self.bots_: dict[Key, BotRecord] = {KEY: bot_record()}
        self.desks_: dict[Key, DeskRecord] = {}
        self.children_: list[ChildRecord] = []
        self.pods_: list[PodRecord] = []
        self.gates_: dict[Key, GateRecord] = {}
        self.approvals_: dict[Key, ApprovalRecord] = {}

    @override
    def bot(self, key: Key) -> BotRecord | None:
        return self.bots_.get(key)

    @override
    def bots(self) -> Iterable[Key]:
        return self.bots_

    @override
    def bots_of(self, namespace: str, desk: str) -> Sequence[BotRecord]:
        return list(self.bots_.values())

    @override
    def desk(self, key: Key) -> DeskRecord | None:
        return self.desks_.get(key)

    @override
    def desks(self) -> Iterable[Key]:
        return self.desks_

    @override
    def gate(self, key: Key) -> GateRecord | None:
        return self.gates_.get(key)

    @override
    def gates(self) -> Iterable[Key]:
        return self.gates_

    @override
    def gates_of(self, namespace: str, bot: str) -> Sequence[GateRecord]:
        return [gate for gate in self.gates_.values() if gate.bot == bot]

    @override
    def approval(self, key: Key) -> ApprovalRecord | None:
        return self.approvals_.get(key)

    @override
    def approvals(self) -> Iterable[Key]:
        return self.approvals_

    @override
    def approvals_of(self, namespace: str, gate: str) -> Sequence[ApprovalRecord]:
        return [item for item in self.approvals_.values() if item.gate == gate]

    @override
    def child(self, kind: Kind, namespace: str, bot: str, name: str) -> ChildRecord | None:
        return next((item for item in self.children_ if (item.kind, item.name) == (kind, name)), None)

    @override
    def pod(self, namespace: str, bot: str, name: str) -> PodRecord | None:
        return next(iter(self.pods_), None)


def child(version: int, uid: str = "c") -> ChildRecord:
    meta: Mapping[str, str] = {"name": "alpha", "namespace": "desk", "uid": uid, "resourceVersion": str(version)}
    return read_child(CONFIG_MAP, {"metadata": meta})


def found(fleet: Fleet) -> int | None:
    record = fleet.child(CONFIG_MAP, "desk", "alpha", "alpha")
    return record.version if record else None


def test_own_write_counts_until_the_watch_has_it() -> None:
    watched = Watched()
    fleet = Fleet(watched)
    fleet.note_child(child(5))
    assert found(fleet) == 5
    watched.children_ = [child(4)]
    assert found(fleet) == 5
    watched.children_ = [child(6)]
    assert found(fleet) == 6
    watched.children_ = []
    assert found(fleet) is None, "once the watch had it, its absence is a deletion"


def test_deletion_seen_by_the_watch_ends_belief_in_an_own_write() -> None:
    fleet = Fleet(Watched())
    fleet.note_child(child(5))
    fleet.note_child_gone(CONFIG_MAP, "desk", "alpha")
    assert found(fleet) is None


def test_object_known_to_be_gone_is_hidden_and_its_successor_is_not() -> None:
    watched = Watched()
    watched.children_ = [child(5, "old")]
    fleet = Fleet(watched)
    fleet.note_gone("old")
    assert found(fleet) is None
    watched.children_ = [child(9, "new")]
    assert found(fleet) == 9


def test_hidden_objects_are_forgotten_when_the_indexes_have_let_them_go() -> None:
    watched = Watched()
    watched.children_ = [child(5, "old")]
    fleet = Fleet(watched)
    fleet.note_gone("old")
    fleet.keep_gone(["others"])
    assert found(fleet) == 5


def test_children_of_other_kinds_and_names_are_not_taken_for_it() -> None:
    watched = Watched()
    watched.children_ = [child(5)]
    fleet = Fleet(watched)
    assert fleet.child(SERVICE, "desk", "alpha", "alpha") is None
    assert fleet.child(CONFIG_MAP, "desk", "alpha", "beta") is None


def test_newer_status_of_ones_own_counts_only_for_the_same_object() -> None:
    watched = Watched()
    fleet = Fleet(watched)
    fleet.note_bot(KEY, replace(bot_record(), version=99, generation=3))
    record = fleet.bot(KEY)
    assert record is not None
    assert record.generation == 3
    watched.bots_[KEY] = replace(bot_record(), uid="another")
    record = fleet.bot(KEY)
    assert record is not None
    assert record.uid == "another"
    del watched.bots_[KEY]
    assert fleet.bot(KEY) is None


def test_desk_is_seen_with_ones_own_status_until_the_watch_has_it() -> None:
    watched, key = Watched(), desk_key("desk", "risk")
    fleet = Fleet(watched)
    old = read_desk({"metadata": {"name": "risk", "namespace": "desk", "uid": "d", "resourceVersion": "3"}})
    watched.desks_[key] = old
    fleet.note_desk(key, replace(old, version=8))
    record = fleet.desk(key)
    assert record is not None
    assert record.version == 8


def test_bot_that_is_being_deleted_claims_nothing_of_its_desk() -> None:
    watched = Watched()
    watched.bots_[bot_key("desk", "beta")] = replace(bot_record(), name="beta", uid="b", deleting=True)
    assert [bot.name for bot in Fleet(watched).bots_of("desk", "risk")] == ["alpha"]


def test_pod_that_was_deleted_is_hidden() -> None:
    watched = Watched()
    watched.pods_ = [pod_record()]
    fleet = Fleet(watched)
    assert fleet.pod("desk", "alpha", "alpha-0") is not None
    fleet.note_gone("pod-1")
    assert fleet.pod("desk", "alpha", "alpha-0") is None


def test_own_write_is_known_when_the_watch_brings_it() -> None:
    fleet = Fleet(Watched())
    fleet.note_child(child(5))
    fleet.note_bot(KEY, replace(bot_record(), version=99))
    assert fleet.is_echo_of_child(CONFIG_MAP, "desk", "alpha", 5)
    assert not fleet.is_echo_of_child(CONFIG_MAP, "desk", "alpha", 6)
    assert not fleet.is_echo_of_child(SERVICE, "desk", "alpha", 5)
    assert fleet.is_echo(KEY, 99)
    assert not fleet.is_echo(KEY, 100)


def _gate(version: int, *, deleting: bool = False) -> GateRecord:
    meta = {"name": "to-live", "namespace": "desk", "uid": "g", "resourceVersion": str(version)}
    gone = {"deletionTimestamp": "now"} if deleting else {}
    return read_gate({"metadata": {**meta, **gone}, "spec": {"botRef": {"name": "alpha"}}})


def test_own_write_of_a_gate_counts_until_the_watch_has_seen_it() -> None:
    watched, key = Watched(), gate_key("desk", "to-live")
    fleet = Fleet(watched)
    watched.gates_[key] = _gate(5)
    fleet.note_gate(key, _gate(7))
    assert [gate.version for gate in fleet.gates_of("desk", "alpha")] == [7]
    assert fleet.is_echo_of_gate(key, 7)
    watched.gates_[key] = _gate(9)
    seen = fleet.gate(key)
    assert seen is not None
    assert seen.version == 9


def test_gates_and_approvals_that_are_going_are_not_there() -> None:
    watched = Watched()
    fleet = Fleet(watched)
    watched.gates_[gate_key("desk", "to-live")] = _gate(5, deleting=True)
    assert fleet.gates_of("desk", "alpha") == []
    meta = {"name": "yes", "namespace": "desk", "uid": "a", "resourceVersion": "3"}
    approval = {"metadata": meta, "spec": {"gateRef": {"name": "to-live"}}}
    watched.approvals_[approval_key("desk", "yes")] = read_approval(approval)
    assert [item.name for item in fleet.approvals_of("desk", "to-live")] == ["yes"]
    fleet.note_gone("a")
    assert fleet.approvals_of("desk", "to-live") == []
