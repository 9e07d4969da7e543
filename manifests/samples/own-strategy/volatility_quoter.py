# ruff: noqa: INP001  no package: it travels in a ConfigMap
"""Quotes one order a side, as far from the mid price as the price lately moves within a second.

A calm market is quoted from near, a wild one from afar. Two rules of the loader show here: modules are imported, never
classes (Hummingbot takes the alphabetically first controller class it finds in a module, imported ones included), and
fields that may change while the bot trades carry ``is_updatable``.
"""

from collections import deque
from decimal import Decimal
from itertools import pairwise
from statistics import pstdev
from typing import Any

from hummingbot.core.data_type import common
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.order_executor import data_types as order_executor
from hummingbot.strategy_v2.models import executor_actions
from pydantic import Field

_BPS = Decimal(10_000)
_HOT: dict[str, Any] = {"is_updatable": True}


class VolatilityQuoterConfig(controller_base.ControllerConfigBase):
    """Parameters; ratios are integers in basis points."""

    controller_name: str = "volatility_quoter"
    connector_name: str
    trading_pair: str
    window_seconds: int = Field(default=30, ge=5, le=600)
    min_distance_bps: int = Field(default=3, ge=1, le=1000, json_schema_extra=_HOT)
    max_distance_bps: int = Field(default=50, ge=1, le=1000, json_schema_extra=_HOT)
    refresh_seconds: int = Field(default=10, ge=1, le=3600, json_schema_extra=_HOT)
    order_share_bps: int = Field(default=2_000, ge=1, le=5_000, json_schema_extra=_HOT)
    position_share_bps: int = Field(default=5_000, ge=1, le=10_000, json_schema_extra=_HOT)

    def update_markets(self, markets: common.MarketDict) -> common.MarketDict:
        """Name the one market that is traded."""
        return markets.add_or_update(self.connector_name, self.trading_pair)


class VolatilityQuoter(controller_base.ControllerBase):
    """At most one resting order a side, maker-only; the position stays within its share of the capital."""

    def __init__(self, config: VolatilityQuoterConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config = config
        self._mids: deque[Decimal] = deque(maxlen=config.window_seconds)

    async def update_processed_data(self) -> None:
        """Note the mid price; Hummingbot calls this once a second."""
        mid = self.market_data_provider.get_price_by_type(
            self.config.connector_name, self.config.trading_pair, common.PriceType.MidPrice
        )
        if mid is not None and mid.is_finite() and mid > 0:
            self._mids.append(mid)
        self.processed_data = {"distance_bps": self._distance_bps()}

    def determine_executor_actions(self) -> list[executor_actions.ExecutorAction]:
        """Take back orders that are too old, and quote the sides that have none."""
        distance = self.processed_data.get("distance_bps")
        return [] if distance is None else [*self._stale(), *self._missing(distance)]

    def _distance_bps(self) -> Decimal | None:
        mids = list(self._mids)
        moves = [(after / before - 1) * _BPS for before, after in pairwise(mids)]
        if len(moves) < 4:  # noqa: PLR2004  fewer say nothing about how lively the market is
            return None
        lowest, highest = Decimal(self.config.min_distance_bps), Decimal(self.config.max_distance_bps)
        return max(lowest, min(highest, pstdev(moves)))

    def _stale(self) -> list[executor_actions.ExecutorAction]:
        oldest = self.market_data_provider.time() - self.config.refresh_seconds
        return [
            # keep_position: what was filled stays a position; it is not sold at the market's price
            executor_actions.StopExecutorAction(
                controller_id=self.config.id, executor_id=executor.id, keep_position=True
            )
            for executor in self.executors_info
            if executor.is_active and executor.timestamp < oldest
        ]

    def _missing(self, distance: Decimal) -> list[executor_actions.ExecutorAction]:
        mid = self._mids[-1]
        order = self.config.total_amount_quote * self.config.order_share_bps / _BPS
        limit = self.config.total_amount_quote * self.config.position_share_bps / _BPS
        position = self._position_base() * mid
        # an executor that is being stopped may still have its order out: its side is taken until it has ended
        busy = {executor.config.side for executor in self.executors_info if not executor.is_done}
        created: list[executor_actions.ExecutorAction] = []
        for side, sign in ((common.TradeType.BUY, Decimal(1)), (common.TradeType.SELL, Decimal(-1))):
            if side in busy or abs(position + sign * order) > limit:
                continue
            price = mid * (1 - sign * distance / _BPS)
            config = order_executor.OrderExecutorConfig(
                timestamp=self.market_data_provider.time(),
                connector_name=self.config.connector_name,
                trading_pair=self.config.trading_pair,
                side=side,
                price=price,
                amount=order / price,
                execution_strategy=order_executor.ExecutionStrategy.LIMIT_MAKER,
            )
            created.append(executor_actions.CreateExecutorAction(controller_id=self.config.id, executor_config=config))
        return created

    def _position_base(self) -> Decimal:
        return sum(
            (held.amount if held.side is common.TradeType.BUY else -held.amount for held in self.positions_held),
            Decimal(0),
        )
