"""The script strategy that runs the controllers: Hummingbot's own, with a gate before it and a clock beside it.

Nothing is placed before the engine releases it: restored orders must be off the book first. Executors are started
through the create gate only, and an executor whose order the guard refused is ended at once instead of trying again.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, override
from weakref import WeakValueDictionary

from aviary_crds.v1alpha1.tradingbot import Market
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.executors.executor_base import ExecutorBase
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from aviary_bot.create_gate import CreateGate, Level
from aviary_bot.paper_venue import PaperVenue
from aviary_bot.spot_account import ZERO
from aviary_bot.standing_guard import StandingGuard

_IN_VAIN = {CloseType.FAILED, CloseType.INSUFFICIENT_BALANCE}


@dataclass(kw_only=True)
class StrategyLink:
    """What the script is connected to."""

    market: Market
    guard: StandingGuard
    venue: PaperVenue
    observe_tick: Callable[[float], None]
    released: bool = False
    last_tick: float | None = None
    owners: WeakValueDictionary[str, ExecutorBase] = field(default_factory=WeakValueDictionary)


class AviaryStrategyConfig(StrategyV2ConfigBase):
    """Hummingbot's script configuration and nothing more."""

    script_file_name: str = "aviary.py"


class AviaryStrategy(StrategyV2Base):
    """Runs the controllers that the configuration lists."""

    link: ClassVar[StrategyLink]
    closed_executors_buffer = 15

    def __init__(self, connectors: dict[str, Any], config: AviaryStrategyConfig) -> None:
        super().__init__(connectors, config)
        self.gate = CreateGate(time.monotonic)
        self._judged: set[str] = set()
        self._create = self.executor_orchestrator.create_executor
        self.executor_orchestrator.create_executor = self._create_through_gate
        for controller in self.controllers.values():
            self._connect_position(controller)

    @override
    def tick(self, timestamp: float) -> None:
        self.link.last_tick = time.monotonic()
        if not self.link.released:
            return
        started = time.perf_counter()
        try:
            super().tick(timestamp)
            self._judge_executors()
        finally:
            self.link.observe_tick(time.perf_counter() - started)

    @override
    def create_actions_proposal(self) -> list[CreateExecutorAction]:
        return []

    @override
    def stop_actions_proposal(self) -> list[StopExecutorAction]:
        return []

    def stop_executors_keeping_positions(self) -> None:
        """Ask every executor to end; what it has filled stays as a position. Flattening is a trading decision."""
        for executor in self.live_executors():
            executor.early_stop(keep_position=True)

    def end_executors_now(self) -> None:
        """End every executor that is still there, its fills kept as a position. For the very end of a stop."""
        for executor in self.live_executors():
            executor.force_stop_with_position_hold()

    def live_executors(self) -> list[ExecutorBase]:
        """Return the executors that have not ended."""
        running = self.executor_orchestrator.active_executors.values()
        return [executor for group in running for executor in group if not executor.is_closed]

    def end_refused(self, order_id: str) -> None:
        """End the executor whose order was refused, once it has heard so: it would ask again every second."""
        executor = self.link.owners.get(order_id)
        if executor is not None:
            asyncio.get_running_loop().call_soon(_end, executor)

    def _connect_position(self, controller: Any) -> None:
        connect = getattr(controller, "use_position_source", None)
        pair = getattr(controller.config, "trading_pair", None)
        if connect is not None and pair is not None:
            connect(lambda: self._position(pair))

    def _position(self, trading_pair: str) -> tuple[Decimal, Decimal]:
        """Return what is held long and short; in hedge mode there may be both."""
        held = [
            each.quantity for each in self.link.venue.state.account.positions() if each.trading_pair == trading_pair
        ]
        return sum((max(each, ZERO) for each in held), ZERO), sum((max(-each, ZERO) for each in held), ZERO)

    def _create_through_gate(self, action: CreateExecutorAction) -> None:
        if not self.link.released or not self.link.guard.lets_orders_out or not self.ready_to_trade:
            return
        level = _level(action.controller_id, action.executor_config)
        has_price = self.link.venue.mid_prices().get(level.trading_pair) is not None
        if has_price and self.gate.is_open(level):
            self._create(action)

    def _judge_executors(self) -> None:
        """Tell the gate how executors ended, each once."""
        present: set[str] = set()
        for controller_id, group in self.executor_orchestrator.active_executors.items():
            for executor in group:
                present.add(executor.config.id)
                if not executor.is_closed or executor.config.id in self._judged:
                    continue
                self._judged.add(executor.config.id)
                level = _level(controller_id, executor.config)
                if executor.close_type in _IN_VAIN:
                    self.gate.note_failure(level)
                else:
                    self.gate.note_success(level)
        self._judged &= present


def own_orders(link: StrategyLink) -> None:
    """Let every executor be found by the orders it placed. Once per process, before the strategy is made."""
    place = ExecutorBase.place_order

    def placed(executor: ExecutorBase, *args: Any, **kwargs: Any) -> str:
        order_id: str = place(executor, *args, **kwargs)
        link.owners[order_id] = executor
        return order_id

    ExecutorBase.place_order = placed


def _end(executor: ExecutorBase) -> None:
    if not executor.is_closed:
        executor.force_stop_with_position_hold()


def _level(controller_id: str | None, config: Any) -> Level:
    name = getattr(config, "level_id", None) or str(getattr(config, "side", ""))
    return Level(controller_id or "", getattr(config, "trading_pair", ""), name)


__all__ = ["AviaryStrategy", "AviaryStrategyConfig", "ExecutorAction", "StrategyLink", "own_orders"]
