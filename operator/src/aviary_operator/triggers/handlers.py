"""kopf's handlers: fill the indexes, compute a key, queue it. Nothing else happens here.

Only ``index`` and ``event`` handlers: they are level-triggered, write nothing to the objects and add no finalizer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import kopf
from aviary_crds.labels import BOT_LABEL

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key, bot_key, desk_key
from aviary_operator.bots.records import read_bot, read_child, read_desk, read_pod
from aviary_operator.runtime.kinds import CHILD_KINDS, POD, TRADING_BOT, TRADING_DESK, Kind
from aviary_operator.triggers.indexes import (
    ALL_INDEXES,
    BOTS,
    BOTS_BY_DESK,
    DESKS,
    PODS,
    KopfIndexes,
    children_index,
)
from aviary_operator.triggers.settings import login

_OF_A_BOT: Final = {BOT_LABEL: kopf.PRESENT}

type Enqueue = Callable[[Key], None]


def build_registry(
    indexes: KopfIndexes,
    fleet: Fleet,
    *,
    enqueue: Enqueue,
    on_synced: Callable[[], None],
) -> kopf.OperatorRegistry:
    """Return the handlers.

    Args:
        indexes: gets kopf's live indexes at start-up.
        fleet: is told of deletions, so that it does not believe its own writes for longer.
        enqueue: takes a key that may have changed.
        on_synced: called when all indexes are filled: kopf calls no event handler before.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
        return login(settings)

    @kopf.on.startup(registry=registry)
    async def attach(**kwargs: Any) -> None:
        indexes.attach({name: kwargs[name] for name in ALL_INDEXES})

    _index_bots(registry)
    _index_children(registry)
    _watch_bots(registry, indexes, fleet, enqueue, on_synced)
    for kind in (*CHILD_KINDS, POD):
        _watch_children(registry, kind, fleet, enqueue, on_synced)
    return registry


def _index_bots(registry: kopf.OperatorRegistry) -> None:
    @kopf.index(*_address(TRADING_BOT), id=BOTS, registry=registry)
    async def bots(body: kopf.Body, **_: Any) -> Mapping[Any, Any]:
        record = read_bot(dict(body))
        return {(record.namespace, record.name): record}

    @kopf.index(*_address(TRADING_BOT), id=BOTS_BY_DESK, registry=registry)
    async def bots_by_desk(body: kopf.Body, **_: Any) -> Mapping[Any, Any]:
        record = read_bot(dict(body))
        return {(record.namespace, record.desk): record} if record.desk else {}

    @kopf.index(*_address(TRADING_DESK), id=DESKS, registry=registry)
    async def desks(body: kopf.Body, **_: Any) -> Mapping[Any, Any]:
        record = read_desk(dict(body))
        return {(record.namespace, record.name): record}


def _index_children(registry: kopf.OperatorRegistry) -> None:
    @kopf.index(*_address(POD), id=PODS, registry=registry, labels=_OF_A_BOT)
    async def pods(body: kopf.Body, labels: Mapping[str, str], **_: Any) -> Mapping[Any, Any]:
        record = read_pod(dict(body))
        return {(record.namespace, labels[BOT_LABEL]): record}

    for kind in CHILD_KINDS:
        _index_kind(registry, kind)


def _index_kind(registry: kopf.OperatorRegistry, kind: Kind) -> None:
    @kopf.index(*_address(kind), id=children_index(kind), registry=registry, labels=_OF_A_BOT)
    async def children(body: kopf.Body, labels: Mapping[str, str], **_: Any) -> Mapping[Any, Any]:
        record = read_child(kind, dict(body))
        return {(record.namespace, labels[BOT_LABEL]): record}


def _watch_bots(
    registry: kopf.OperatorRegistry,
    indexes: KopfIndexes,
    fleet: Fleet,
    enqueue: Enqueue,
    on_synced: Callable[[], None],
) -> None:
    @kopf.on.event(*_address(TRADING_BOT), id="bot", registry=registry)
    async def bot(body: kopf.Body, **_: Any) -> None:
        on_synced()
        record = read_bot(dict(body))
        key = bot_key(record.namespace, record.name)
        if fleet.is_echo(key, record.version):
            return
        enqueue(key)
        if record.desk:
            enqueue(desk_key(record.namespace, record.desk))

    @kopf.on.event(*_address(TRADING_DESK), id="desk", registry=registry)
    async def desk(body: kopf.Body, **_: Any) -> None:
        on_synced()
        record = read_desk(dict(body))
        enqueue(desk_key(record.namespace, record.name))
        for record_of_bot in indexes.bots_of(record.namespace, record.name):
            enqueue(bot_key(record_of_bot.namespace, record_of_bot.name))


def _watch_children(
    registry: kopf.OperatorRegistry, kind: Kind, fleet: Fleet, enqueue: Enqueue, on_synced: Callable[[], None]
) -> None:
    @kopf.on.event(*_address(kind), id=f"child-{kind.plural}", registry=registry, labels=_OF_A_BOT)
    async def child(type: str | None, name: str, namespace: str | None, labels: Mapping[str, str], **_: Any) -> None:  # noqa: A002  kopf's name
        on_synced()
        if type == "DELETED":
            fleet.note_child_gone(kind, str(namespace), name)
        enqueue(bot_key(str(namespace), labels[BOT_LABEL]))


def _address(kind: Kind) -> tuple[str, str, str]:
    return (kind.group, kind.version, kind.plural)
