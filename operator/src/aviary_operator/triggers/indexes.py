"""The indexes, as kopf keeps them: records instead of bodies, keyed by the bot or desk they belong to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, override

from aviary_operator.bots.fleet import Indexes
from aviary_operator.bots.names import Key, bot_key, desk_key
from aviary_operator.bots.records import BotRecord, ChildRecord, DeskRecord, PodRecord
from aviary_operator.bots.resync import Census
from aviary_operator.runtime.kinds import CHILD_KINDS, POD, TRADING_BOT, TRADING_DESK, Kind

BOTS: Final = "bots"
BOTS_BY_DESK: Final = "bots_by_desk"
DESKS: Final = "desks"
PODS: Final = "pods"

type Pair = tuple[str, str]
"""namespace and name"""


def children_index(kind: Kind) -> str:
    """Return the name of the index of children of this kind."""
    return f"children_{kind.plural}"


ALL_INDEXES: Final = (BOTS, BOTS_BY_DESK, DESKS, PODS, *(children_index(kind) for kind in CHILD_KINDS))


class KopfIndexes(Indexes, Census):
    """Reads kopf's indexes; empty until they are attached at start-up."""

    def __init__(self) -> None:
        self._indexes: dict[str, Mapping[Pair, Iterable[Any]]] = {name: {} for name in ALL_INDEXES}

    def attach(self, indexes: Mapping[str, Mapping[Pair, Iterable[Any]]]) -> None:
        """Take kopf's live indexes over."""
        self._indexes = {name: indexes[name] for name in ALL_INDEXES}

    def _all(self, index: str, pair: Pair) -> Iterator[Any]:
        found = self._indexes[index]
        if pair in found:
            yield from found[pair]

    def _newest(self, index: str, pair: Pair) -> Any | None:
        """Return the record; a deleted and re-made object may be there twice for a moment."""
        return max(self._all(index, pair), key=lambda record: int(record.version), default=None)

    @override
    def bot(self, key: Key) -> BotRecord | None:
        found = self._newest(BOTS, (key.namespace, key.name))
        return found if isinstance(found, BotRecord) else None

    @override
    def bots(self) -> Iterable[Key]:
        return [bot_key(*pair) for pair in self._indexes[BOTS]]

    @override
    def bots_of(self, namespace: str, desk: str) -> Sequence[BotRecord]:
        return list(self._all(BOTS_BY_DESK, (namespace, desk)))

    @override
    def desk(self, key: Key) -> DeskRecord | None:
        found = self._newest(DESKS, (key.namespace, key.name))
        return found if isinstance(found, DeskRecord) else None

    @override
    def desks(self) -> Iterable[Key]:
        return [desk_key(*pair) for pair in self._indexes[DESKS]]

    @override
    def children(self, namespace: str, bot: str) -> Sequence[ChildRecord]:
        return [record for kind in CHILD_KINDS for record in self._all(children_index(kind), (namespace, bot))]

    @override
    def pods(self, namespace: str, bot: str) -> Sequence[PodRecord]:
        return list(self._all(PODS, (namespace, bot)))

    @override
    def uids(self, kind: Kind) -> Mapping[str, Key]:
        names = {TRADING_BOT: BOTS, TRADING_DESK: DESKS, POD: PODS}
        key_of = desk_key if kind == TRADING_DESK else bot_key
        index = self._indexes[names.get(kind) or children_index(kind)]
        return {str(record.uid): key_of(*pair) for pair in index for record in index[pair]}
