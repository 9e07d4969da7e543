"""kopf's handlers: fill the indexes, compute a key, queue it. Nothing else happens here.

Only ``event`` handlers: they are level-triggered, write nothing to the objects and add no finalizer.
"""

from collections.abc import Callable, Mapping
from typing import Any

import kopf
from aviary_crds.labels import BOT_LABEL

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key, approval_key, bot_key, desk_key, gate_key
from aviary_operator.bots.records import (
    BotRecord,
    PodRecord,
    read_approval,
    read_bot,
    read_child,
    read_desk,
    read_gate,
    read_pod,
)
from aviary_operator.runtime.kinds import (
    CHILD_KINDS,
    POD,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    TRADING_DESK,
    Kind,
)
from aviary_operator.triggers.indexes import LiveIndexes
from aviary_operator.triggers.settings import login

type Enqueue = Callable[[Key], None]

_DELETED = "DELETED"


def build_registry(indexes: LiveIndexes, fleet: Fleet, *, enqueue: Enqueue) -> kopf.OperatorRegistry:
    """Return the handlers.

    Args:
        indexes: are kept up to date.
        fleet: is told of deletions, so that it does not believe its own writes for longer.
        enqueue: takes a key that may have changed.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
        return login(settings)

    _watch_bots(registry, indexes, fleet, enqueue)
    _watch_desks(registry, indexes, enqueue)
    _watch_gates(registry, indexes, fleet, enqueue)
    _watch_approvals(registry, indexes, fleet, enqueue)
    for kind in (*CHILD_KINDS, POD):
        _watch_children(registry, kind, indexes, fleet, enqueue)
    return registry


def _watch_bots(registry: kopf.OperatorRegistry, indexes: LiveIndexes, fleet: Fleet, enqueue: Enqueue) -> None:
    @kopf.on.event(*_address(TRADING_BOT), id="bot", registry=registry)
    async def bot(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  kopf's name
        record = read_bot(dict(body))
        key = bot_key(record.namespace, record.name)
        before = indexes.bot(key)
        gone = type == _DELETED
        # also of an own write: the digest and the conditions that a gate rests on are written by the bot controller
        if gone or before is None or _read_subject(before) != _read_subject(record):
            _queue_gates(indexes, key, enqueue)
        if gone:
            indexes.remove(TRADING_BOT, record.uid)
        else:
            indexes.put_bot(record)
            if fleet.is_echo(key, record.version):
                return
        enqueue(key)
        for desk in {record.desk, before.desk if before else None} - {None}:
            enqueue(desk_key(record.namespace, str(desk)))


def _watch_desks(registry: kopf.OperatorRegistry, indexes: LiveIndexes, enqueue: Enqueue) -> None:
    @kopf.on.event(*_address(TRADING_DESK), id="desk", registry=registry)
    async def desk(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  kopf's name
        record = read_desk(dict(body))
        key = desk_key(record.namespace, record.name)
        if type == _DELETED:
            indexes.remove(TRADING_DESK, record.uid)
        else:
            indexes.desk_records.put(key, record)
        enqueue(key)
        for member in indexes.bots_of(record.namespace, record.name):
            enqueue(bot_key(member.namespace, member.name))
            _queue_gates(indexes, bot_key(member.namespace, member.name), enqueue)


def _watch_gates(registry: kopf.OperatorRegistry, indexes: LiveIndexes, fleet: Fleet, enqueue: Enqueue) -> None:
    @kopf.on.event(*_address(PROMOTION_GATE), id="gate", registry=registry)
    async def gate(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  kopf's name
        record = read_gate(dict(body))
        key = gate_key(record.namespace, record.name)
        before = indexes.gate(key)
        if type == _DELETED:
            indexes.remove(PROMOTION_GATE, record.uid)
        else:
            indexes.put_gate(record)
        # what it grants its bot may have changed, whoever wrote it
        for bot in {record.bot, before.bot if before else None} - {None}:
            enqueue(bot_key(record.namespace, str(bot)))
        for named_by in indexes.bots_naming(record.namespace, record.name):
            enqueue(bot_key(named_by.namespace, named_by.name))
        if type == _DELETED or not fleet.is_echo_of_gate(key, record.version):
            enqueue(key)
            for approval in indexes.approvals_of(record.namespace, record.name):
                enqueue(approval_key(approval.namespace, approval.name))


def _watch_approvals(registry: kopf.OperatorRegistry, indexes: LiveIndexes, fleet: Fleet, enqueue: Enqueue) -> None:
    @kopf.on.event(*_address(PROMOTION_APPROVAL), id="approval", registry=registry)
    async def approval(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002  kopf's name
        record = read_approval(dict(body))
        key = approval_key(record.namespace, record.name)
        if type == _DELETED:
            indexes.remove(PROMOTION_APPROVAL, record.uid)
        else:
            indexes.put_approval(record)
            if fleet.is_echo_of_approval(key, record.version):
                return
        if record.gate is not None:
            enqueue(gate_key(record.namespace, record.gate))
        enqueue(key)


def _queue_gates(indexes: LiveIndexes, bot: Key, enqueue: Enqueue) -> None:
    for gate in indexes.gates_of(bot.namespace, bot.name):
        enqueue(gate_key(gate.namespace, gate.name))


def _read_subject(bot: BotRecord) -> tuple[object, ...]:
    """Return what a gate would want to hear of a bot; figures are not among it."""
    status = bot.status
    conditions = [item for item in status.get("conditions") or [] if isinstance(item, Mapping)]
    return (
        bot.uid,
        bot.generation,
        bot.deleting,
        bot.changed_by,
        status.get("digest"),
        status.get("observedGeneration"),
        status.get("grantedMode"),
        [(item.get("type"), item.get("status"), item.get("observedGeneration")) for item in conditions],
    )


def _read_image(pod: PodRecord | None) -> str | None:
    return pod.container.image_id if pod is not None and pod.container is not None else None


def _watch_children(
    registry: kopf.OperatorRegistry, kind: Kind, indexes: LiveIndexes, fleet: Fleet, enqueue: Enqueue
) -> None:
    @kopf.on.event(*_address(kind), id=f"child-{kind.plural}", registry=registry)
    async def child(type: str | None, body: kopf.Body, labels: Mapping[str, str], **_: Any) -> None:  # noqa: A002  kopf's name
        raw = dict(body)
        meta = raw["metadata"]
        name = labels.get(BOT_LABEL)
        if type == _DELETED or name is None:
            # an object whose label was taken off is reported as deleted, too
            fleet.note_child_gone(kind, meta["namespace"], meta["name"])
            owner = indexes.remove(kind, meta["uid"])
        else:
            owner = bot_key(meta["namespace"], name)
            if kind == POD:
                pod = read_pod(raw)
                if _read_image(pod) != _read_image(indexes.pod(owner.namespace, owner.name, pod.name)):
                    _queue_gates(indexes, owner, enqueue)
                indexes.pod_records.put(owner, pod)
            else:
                record = read_child(kind, raw)
                indexes.child_records[kind].put(owner, record)
                if fleet.is_echo_of_child(kind, record.namespace, record.name, record.version):
                    return
        if owner is not None:
            enqueue(owner)


def _address(kind: Kind) -> tuple[str, str, str]:
    return (kind.group, kind.version, kind.plural)
