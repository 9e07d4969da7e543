"""A symmetric market maker: both sides of the mid price, maker-only, with a bounded inventory.

Half of the capital stands on each side, divided over the levels. A side that would make the position larger shrinks
by the position, so the position never exceeds half the capital. It never sends market orders and never flattens:
fills stay as positions until the other side trades.
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any, Self

from hummingbot.core.data_type import common
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.order_executor import data_types as order_executor
from hummingbot.strategy_v2.models import executor_actions
from pydantic import Field, model_validator

_HOT: dict[str, Any] = {"is_updatable": True}
_BPS = Decimal(10_000)
_USED = Decimal("0.95")
"""Share of the capital that is quoted: the rest absorbs price moves between sizing and the order guard's check."""


class SimpleMarketMakerConfig(controller_base.ControllerConfigBase):
    """Parameters; ratios are integers in basis points."""

    controller_name: str = "simple_market_maker"
    controller_type: str = "market_making"
    connector_name: str
    trading_pair: str
    leverage: int = Field(default=1, ge=1)
    position_mode: str = Field(default="ONEWAY", pattern="^(ONEWAY|HEDGE)$")
    spreads_bps: list[Annotated[int, Field(strict=True, ge=1, le=1000)]] = Field(
        default=[10, 20], min_length=1, max_length=10, json_schema_extra=_HOT
    )
    level_weights: list[Annotated[int, Field(strict=True, ge=1, le=1000)]] = Field(
        default=[], max_length=10, json_schema_extra=_HOT
    )
    refresh_seconds: int = Field(default=15, strict=True, ge=1, le=3600, json_schema_extra=_HOT)
    fill_cooldown_seconds: int = Field(default=5, strict=True, ge=0, le=3600, json_schema_extra=_HOT)
    inventory_skew_bps: int = Field(default=0, strict=True, ge=0, le=1000, json_schema_extra=_HOT)

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        if sorted(set(self.spreads_bps)) != self.spreads_bps:
            raise ValueError("spreads_bps must ascend, each level farther from the mid price than the one before")
        if self.level_weights and len(self.level_weights) != len(self.spreads_bps):
            raise ValueError("level_weights must be empty, or have one weight for each of spreads_bps")
        return self

    def update_markets(self, markets: common.MarketDict) -> common.MarketDict:
        """Name the one market that is traded."""
        return markets.add_or_update(self.connector_name, self.trading_pair)

    def shares(self) -> list[Decimal]:
        """Return each level's share of a side; they add up to 1."""
        weights = self.level_weights or [1] * len(self.spreads_bps)
        return [Decimal(weight) / sum(weights) for weight in weights]


class SimpleMarketMaker(controller_base.ControllerBase):
    """One order executor per level and side."""

    def __init__(self, config: SimpleMarketMakerConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config = config
        self._position: Callable[[], tuple[Decimal, Decimal]] = lambda: (Decimal(0), Decimal(0))
        self._mid: Decimal | None = None
        self._filled_at: dict[str, float] = {}

    def use_position_source(self, source: Callable[[], tuple[Decimal, Decimal]]) -> None:
        """Take what is held long and short, in the base asset, from the account that the order guard watches."""
        self._position = source

    async def update_processed_data(self) -> None:
        """Note the mid price; None when the book has none."""
        price = self.market_data_provider.get_price_by_type(
            self.config.connector_name, self.config.trading_pair, common.PriceType.MidPrice
        )
        self._mid = price if price is not None and price.is_finite() and price > 0 else None

    def determine_executor_actions(self) -> list[executor_actions.ExecutorAction]:
        """Replace orders that are too old, and fill levels that have none."""
        self._note_fills()
        if self._mid is None:
            return []
        return [*self._stale(), *self._missing(self._mid)]

    def get_custom_info(self) -> dict[str, Any]:
        """Return nothing beyond what Hummingbot publishes."""
        return {}

    # -- orders to replace -------------------------------------------------------------------------------------------

    def _stale(self) -> list[executor_actions.ExecutorAction]:
        oldest = self.market_data_provider.time() - self.config.refresh_seconds
        return [
            executor_actions.StopExecutorAction(
                controller_id=self.config.id, executor_id=executor.id, keep_position=True
            )
            for executor in self.executors_info
            if executor.is_active and (executor.timestamp < oldest or not self._is_quoted(executor))
        ]

    def _is_quoted(self, executor: Any) -> bool:
        _, level = executor.custom_info["level_id"].split("_")
        return int(level) < len(self.config.spreads_bps)

    # -- levels to fill ----------------------------------------------------------------------------------------------

    def _missing(self, mid: Decimal) -> list[executor_actions.ExecutorAction]:
        now = self.market_data_provider.time()
        busy = {executor.custom_info["level_id"] for executor in self.executors_info if _holds_order(executor)}
        cooling = {
            level for level, filled in self._filled_at.items() if now - filled < self.config.fill_cooldown_seconds
        }
        return [
            action
            for side in (common.TradeType.BUY, common.TradeType.SELL)
            for action in self._missing_on(side, mid, busy | cooling)
        ]

    def _missing_on(
        self, side: common.TradeType, mid: Decimal, taken: set[str]
    ) -> list[executor_actions.ExecutorAction]:
        long, short = self._position()
        adds_to, reduces = (long, short) if side is common.TradeType.BUY else (short, long)
        allowed = self._side_notional(mid, adds_to, reduces)
        action = common.PositionAction.CLOSE if reduces > 0 else common.PositionAction.OPEN
        # Levels that still rest were sized for an earlier position: what they hold is not there for new ones.
        left = allowed - self._resting(side)
        created: list[executor_actions.ExecutorAction] = []
        for level, (spread, share) in enumerate(zip(self.config.spreads_bps, self.config.shares(), strict=True)):
            level_id = f"{side.name.lower()}_{level}"
            price = self._price(mid, side, spread, long - short)
            amount = self._quantized(min(allowed * share, left) / price)
            if level_id not in taken and amount > 0:
                left -= amount * price
                created.append(self._quote(side, level_id, price, amount, action))
        return created

    def _resting(self, side: common.TradeType) -> Decimal:
        return sum(
            (
                (executor.config.amount - executor.custom_info["executed_amount_base"]) * executor.config.price
                for executor in self.executors_info
                if _holds_order(executor) and executor.config.side is side
            ),
            Decimal(0),
        )

    def _quote(
        self,
        side: common.TradeType,
        level_id: str,
        price: Decimal,
        amount: Decimal,
        action: common.PositionAction,
    ) -> executor_actions.ExecutorAction:
        config = order_executor.OrderExecutorConfig(
            timestamp=self.market_data_provider.time(),
            connector_name=self.config.connector_name,
            trading_pair=self.config.trading_pair,
            side=side,
            amount=amount,
            price=price,
            execution_strategy=order_executor.ExecutionStrategy.LIMIT_MAKER,
            position_action=action,
            leverage=self.config.leverage,
            level_id=level_id,
        )
        return executor_actions.CreateExecutorAction(controller_id=self.config.id, executor_config=config)

    def _price(self, mid: Decimal, side: common.TradeType, spread: int, position: Decimal) -> Decimal:
        full = self.config.total_amount_quote * _USED / 2
        inventory = max(Decimal(-1), min(Decimal(1), position * mid / full))
        centre = mid * (1 - inventory * self.config.inventory_skew_bps / _BPS)
        away = -1 if side is common.TradeType.BUY else 1
        return centre * (1 + away * spread / _BPS)

    def _side_notional(self, mid: Decimal, adds_to: Decimal, reduces: Decimal) -> Decimal:
        """Return how much a side may quote, given the position it would make larger and the one it makes smaller."""
        half = self.config.total_amount_quote * _USED / 2
        if reduces == 0:
            return max(Decimal(0), half - adds_to * mid)
        # In hedge mode a closing order cannot turn the position round: the venue refuses more than is held.
        return min(half, reduces * mid) if self.config.position_mode == "HEDGE" else half

    def _quantized(self, amount: Decimal) -> Decimal:
        rules = self.market_data_provider.get_trading_rules(self.config.connector_name, self.config.trading_pair)
        step = Decimal(rules.min_base_amount_increment)
        quantized = (amount / step).to_integral_value(rounding=ROUND_DOWN) * step
        mid = self._mid or Decimal(0)
        too_small = quantized < rules.min_order_size or quantized * mid < rules.min_notional_size
        return Decimal(0) if too_small else quantized

    def _note_fills(self) -> None:
        for executor in self.executors_info:
            if executor.filled_amount_quote > 0 and executor.is_done and executor.close_timestamp is not None:
                level_id = executor.custom_info["level_id"]
                self._filled_at[level_id] = max(self._filled_at.get(level_id, 0.0), executor.close_timestamp)


def _holds_order(executor: Any) -> bool:
    """Whether the executor has an order out, or is about to: one that is shutting down lingers for 5 s after."""
    return executor.is_active or (not executor.is_done and executor.custom_info["order_id"] is not None)
