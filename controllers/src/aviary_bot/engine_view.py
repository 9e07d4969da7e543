"""What the launcher and the HTTP server need of Hummingbot, so that they need not import it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import ConnectorReadiness
from aviary_crds.v1alpha1.tradingbot import GuardState

from aviary_bot.risk_limits import RiskFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReading:
    """One look at the engine. None where the engine cannot know."""

    tick_age_seconds: float | None = None
    connectors: tuple[ConnectorReadiness, ...] = ()
    not_ready_because: str | None = "the strategy has not started"
    equity_quote: Decimal | None = None
    day_start_equity_quote: Decimal | None = None
    open_orders: int | None = None
    open_notional_quote: Decimal | None = None
    positions_notional_quote: Decimal | None = None
    mid_prices: Mapping[str, Decimal | None] = field(default_factory=dict)
    base_share: Decimal | None = None
    leverage: int | None = None
    fee_source: str | None = None
    risk: RiskFigures = field(default_factory=RiskFigures)
    fills: int = 0
    volume_quote: Decimal | None = None
    last_fill_time: datetime | None = None
    executors: Mapping[str, int] = field(default_factory=dict)
    websocket_reconnects: int = 0


class Engine(Protocol):
    """A running Hummingbot."""

    @property
    def updatable_parameters(self) -> tuple[str, ...]:
        """Controller fields that take effect without a restart."""
        ...

    def read(self) -> EngineReading:
        """Look at the engine now; cheap, no I/O."""
        ...

    def retune(self, config: BotConfig) -> None:
        """Put the hot part of a configuration in force, on disk and in memory, all of it or nothing.

        Raises:
            BotFailed: a controller refuses a value; the message names it, the old configuration stays.
        """
        ...

    async def obey_guard(self, state: GuardState) -> None:
        """Take off what must not rest in this state; returns when it is off the book, or after ten seconds."""
        ...
