"""The indexes that kopf's events fill."""

from dataclasses import replace

from aviary_operator.bots.names import approval_key, bot_key, desk_key, gate_key
from aviary_operator.bots.records import ChildRecord, GateRecord, read_approval, read_child, read_gate
from aviary_operator.runtime.kinds import CONFIG_MAP, POD, PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT
from aviary_operator.triggers.indexes import LiveIndexes, Shelf

from .builders import bot_record, pod_record

ALPHA, BETA = bot_key("desk", "alpha"), bot_key("desk", "beta")


def child(version: int, *, uid: str = "1", name: str = "alpha") -> ChildRecord:
    meta = {"name": name, "namespace": "desk", "uid": uid, "resourceVersion": str(version)}
    return read_child(CONFIG_MAP, {"metadata": meta})


def gate(bot: str, *, version: int = 1) -> GateRecord:
    meta = {"name": "to-live", "namespace": "desk", "uid": "g", "resourceVersion": str(version)}
    return read_gate({"metadata": meta, "spec": {"botRef": {"name": bot}}})


def test_a_gate_is_found_under_its_name_and_its_bot() -> None:
    indexes = LiveIndexes()
    indexes.put_gate(gate("alpha"))
    assert indexes.gate(gate_key("desk", "to-live")) == gate("alpha")
    assert [item.name for item in indexes.gates_of("desk", "alpha")] == ["to-live"]
    indexes.put_gate(gate("beta", version=2))
    assert list(indexes.gates_of("desk", "alpha")) == []
    assert indexes.remove(PROMOTION_GATE, "g") == gate_key("desk", "to-live")
    assert list(indexes.gates_of("desk", "beta")) == []
    assert list(indexes.gates()) == []


def test_an_approval_is_found_under_its_name_and_its_gate() -> None:
    indexes = LiveIndexes()
    meta = {"name": "yes", "namespace": "desk", "uid": "a", "resourceVersion": "1"}
    record = read_approval({"metadata": meta, "spec": {"gateRef": {"name": "to-live"}}})
    indexes.put_approval(record)
    assert indexes.approval(approval_key("desk", "yes")) == record
    assert list(indexes.approvals_of("desk", "to-live")) == [record]
    assert indexes.uids(PROMOTION_APPROVAL) == {"a": approval_key("desk", "yes")}
    indexes.remove(PROMOTION_APPROVAL, "a")
    assert list(indexes.approvals_of("desk", "to-live")) == []


def test_bots_are_found_under_the_gate_they_name() -> None:
    indexes = LiveIndexes()
    indexes.put_bot(bot_record(gateRef={"name": "to-live"}))
    assert [bot.name for bot in indexes.bots_naming("desk", "to-live")] == ["alpha"]
    indexes.put_bot(replace(bot_record(), version=9))
    assert list(indexes.bots_naming("desk", "to-live")) == []


def test_newer_version_of_an_object_takes_the_place_of_the_older() -> None:
    shelf: Shelf[ChildRecord] = Shelf()
    shelf.put(ALPHA, child(1))
    shelf.put(ALPHA, child(2))
    assert shelf.of(ALPHA)["alpha"].version == 2


def test_late_word_about_a_deleted_object_does_not_hide_its_successor() -> None:
    shelf: Shelf[ChildRecord] = Shelf()
    shelf.put(ALPHA, child(9, uid="new"))
    shelf.put(ALPHA, child(5, uid="old"))
    assert shelf.of(ALPHA)["alpha"].uid == "new"
    assert shelf.remove("old") is None
    assert shelf.of(ALPHA)["alpha"].uid == "new"


def test_successor_takes_the_name_over_before_the_deletion_is_seen() -> None:
    shelf: Shelf[ChildRecord] = Shelf()
    shelf.put(ALPHA, child(5, uid="old"))
    shelf.put(ALPHA, child(9, uid="new"))
    assert shelf.remove("old") is None
    assert dict(shelf.uids) == {"new": ALPHA}


def test_object_whose_label_changed_belongs_to_the_other_bot() -> None:
    shelf: Shelf[ChildRecord] = Shelf()
    shelf.put(ALPHA, child(1))
    shelf.put(BETA, child(2))
    assert not shelf.of(ALPHA)
    assert shelf.of(BETA)["alpha"].version == 2


def test_removed_object_names_the_bot_to_look_at() -> None:
    indexes = LiveIndexes()
    indexes.child_records[CONFIG_MAP].put(ALPHA, child(1))
    assert indexes.child(CONFIG_MAP, "desk", "alpha", "alpha") is not None
    assert indexes.remove(CONFIG_MAP, "1") == ALPHA
    assert indexes.child(CONFIG_MAP, "desk", "alpha", "alpha") is None
    assert indexes.remove(CONFIG_MAP, "1") is None


def test_bot_is_found_by_its_desk_until_it_names_another() -> None:
    indexes = LiveIndexes()
    bot = bot_record(deskRef={"name": "risk"})
    indexes.put_bot(bot)
    assert [item.name for item in indexes.bots_of("desk", "risk")] == ["alpha"]
    indexes.put_bot(replace(bot_record(deskRef={"name": "other"}), version=8))
    assert indexes.bots_of("desk", "risk") == []
    assert list(indexes.bots()) == [ALPHA]
    indexes.put_bot(replace(bot_record(), version=9))
    assert indexes.bots_of("desk", "other") == []
    indexes.remove(TRADING_BOT, bot.uid)
    assert indexes.bot(ALPHA) is None
    assert indexes.desk(desk_key("desk", "risk")) is None


def test_pods_are_counted_too() -> None:
    indexes = LiveIndexes()
    indexes.pod_records.put(ALPHA, pod_record())
    assert dict(indexes.uids(POD)) == {"pod-1": ALPHA}
    assert indexes.pod("desk", "alpha", "alpha-0") is not None
