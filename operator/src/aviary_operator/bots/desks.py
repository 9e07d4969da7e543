"""One reconcile of one desk: how many bots name it, whether its ceilings can be read, and who must hear of a change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aviary_crds.conditions import ConditionStatus, ConditionType, merge_conditions
from aviary_crds.labels import FIELD_MANAGER_BOT
from aviary_crds.v1alpha1.tradingdesk import TradingDeskStatus
from pydantic import ValidationError

from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.guard import InvalidSpec, check_desk
from aviary_operator.bots.names import Key, bot_key
from aviary_operator.bots.observe import read_claim
from aviary_operator.bots.reconcile import wall_clock
from aviary_operator.bots.records import DeskRecord, read_desk
from aviary_operator.runtime.kinds import TRADING_DESK, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi
from aviary_operator.runtime.workqueue import Outcome, RetryError

_NOT_FOUND = 404


class DeskReconciler:
    """Keeps a desk's status, and queues its bots when what they claim of its total changes."""

    def __init__(
        self,
        kube: KubeApi,
        fleet: Fleet,
        *,
        enqueue: Callable[[Key], None],
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        self._kube = kube
        self._fleet = fleet
        self._enqueue = enqueue
        self._clock = clock
        self._claims: dict[Key, frozenset[object]] = {}

    async def reconcile(self, key: Key) -> Outcome:
        """Bring the desk's status up to date.

        Raises:
            RetryError: when the API server is away or refuses for now.
        """
        desk = self._fleet.desk(key)
        bots = self._fleet.bots_of(key.namespace, key.name)
        claims: frozenset[object] = frozenset(claim for bot in bots if (claim := read_claim(bot)))
        if self._claims.get(key, frozenset()) != claims:
            self._claims[key] = claims
            for bot in bots:
                self._enqueue(bot_key(bot.namespace, bot.name))
        if desk is None or desk.deleting:
            self._claims.pop(key, None)
            return Outcome()
        status = build_desk_status(desk, bots=len(bots), now=self._clock())
        if read_desk_status(desk.status) == status:
            return Outcome()
        try:
            answer = await self._kube.apply_status(
                TRADING_DESK, build_desk_manifest(desk, status), manager=FIELD_MANAGER_BOT
            )
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return Outcome()
            raise RetryError(str(error)) from error
        self._fleet.note_desk(key, read_desk(answer))
        return Outcome(changed=True)


def build_desk_status(desk: DeskRecord, *, bots: int, now: datetime) -> TradingDeskStatus:
    """Return the status that should be stored."""
    spec = check_desk(desk.spec)
    said: list[tuple[str, ConditionStatus, str, str]] = [
        (ConditionType.READY, "True", "Accepted", "its ceilings bound every bot that names it")
    ]
    if isinstance(spec, InvalidSpec):
        message = f"{spec.message}; bots that name this desk place no orders"
        said = [(kind, status, spec.reason, message) for kind, status in _REFUSED]
    previous = read_desk_status(desk.status)
    conditions = merge_conditions(previous.conditions, said, generation=desk.generation, now=now)
    return TradingDeskStatus(observed_generation=desk.generation, bots=bots, conditions=conditions)


_REFUSED: tuple[tuple[str, ConditionStatus], ...] = ((ConditionType.READY, "False"), (ConditionType.STALLED, "True"))


def read_desk_status(raw: Any) -> TradingDeskStatus:
    """Return the stored status; an unreadable one reads as empty and is written anew."""
    try:
        return TradingDeskStatus.model_validate(dict(raw))
    except ValidationError:
        return TradingDeskStatus()


def build_desk_manifest(desk: DeskRecord, status: TradingDeskStatus) -> Manifest:
    """Return what is applied to the status subresource."""
    return {
        "apiVersion": TRADING_DESK.api_version,
        "kind": TRADING_DESK.kind,
        "metadata": {"name": desk.name, "namespace": desk.namespace, "uid": desk.uid},
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
