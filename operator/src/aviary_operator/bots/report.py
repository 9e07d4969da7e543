"""Writes the status when it differs from the stored one, and Events for what changed."""

from collections.abc import Iterator

from aviary_crds.conditions import Condition, ConditionType
from aviary_crds.labels import FIELD_MANAGER_BOT
from aviary_crds.v1alpha1.tradingbot import TradingBotStatus

from aviary_operator.bots.decide.status import dump_status, read_status
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.names import Key
from aviary_operator.bots.records import BotRecord, read_bot
from aviary_operator.runtime.events import EventRecorder, EventSubject, Notice
from aviary_operator.runtime.kinds import TRADING_BOT, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

_NOT_FOUND = 404


class Reporter:
    """Writes statuses and Events."""

    def __init__(self, kube: KubeApi, fleet: Fleet, events: EventRecorder) -> None:
        self._kube = kube
        self._fleet = fleet
        self._events = events

    async def report(self, key: Key, bot: BotRecord, status: TradingBotStatus) -> bool:
        """Store ``status`` if it differs from the stored one; return whether it did.

        Raises:
            ApiError: when the API server refuses; a bot that is gone is no error.
        """
        stored = read_status(bot.status)
        if stored == status:
            return False
        try:
            answer = await self._kube.apply_status(
                TRADING_BOT, build_status_manifest(bot, status), manager=FIELD_MANAGER_BOT
            )
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return False
            raise
        self._fleet.note_bot(key, read_bot(answer))
        for notice in find_transitions(stored, status):
            await self.notify(bot, notice)
        return True

    async def notify(self, bot: BotRecord, notice: Notice) -> None:
        """Write an Event about the bot."""
        await self._events.record(EventSubject(TRADING_BOT, bot.namespace, bot.name, bot.uid), notice)


def build_status_manifest(bot: BotRecord, status: TradingBotStatus) -> Manifest:
    """Return what is applied to the status subresource."""
    return {
        "apiVersion": TRADING_BOT.api_version,
        "kind": TRADING_BOT.kind,
        "metadata": {"name": bot.name, "namespace": bot.namespace, "uid": bot.uid},
        "status": dump_status(status),
    }


def find_transitions(before: TradingBotStatus, after: TradingBotStatus) -> Iterator[Notice]:
    """Return an Event for every condition that a person would want to hear of: those whose reason changed.

    ``Reconciling`` comes and goes with everything and says nothing that the others do not; that a new bot is as it
    should be is no news either.
    """
    old = {condition.type: condition for condition in before.conditions}
    for condition in after.conditions:
        previous = old.get(condition.type)
        if condition.type in {ConditionType.RECONCILING, ConditionType.STALLED}:
            continue
        if previous is None and _is_good(condition):
            continue
        if previous is None or (previous.status, previous.reason) != (condition.status, condition.reason):
            yield Notice(
                "Normal" if _is_good(condition) else "Warning",
                condition.reason if condition.type == ConditionType.READY else f"{condition.type}{condition.reason}",
                condition.message or condition.reason,
            )


def _is_good(condition: Condition) -> bool:
    wanted = "False" if condition.type == ConditionType.HALTED else "True"
    calm = {"Starting", "Disabled", "RolloutPending", "RetunePending", "Restarting", "PodMissing", "NotRunning"}
    return condition.status == wanted or condition.reason in calm or condition.status == "Unknown"
