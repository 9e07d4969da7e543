"""Hummingbot as a component: booted, watched, retuned and stopped by the launcher.

Hummingbot's own stop flattens every position at market and takes 7 to 27 s. A restart is no reason to trade, so this
one cancels orders and keeps positions: executors end with `keep_position`, and the account is restored at the start.
"""

# ruff: noqa: SLF001  Hummingbot has no public name for these, and this module is where its inside is touched
import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, override

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import ConnectorReadiness, FailureReason
from aviary_crds.v1alpha1.tradingbot import GuardState
from hummingbot.client.config.client_config_map import ExchangeRateSourceModeBase
from hummingbot.client.config.config_crypt import (
    PASSWORD_VERIFICATION_PATH,
    BaseSecretsManager,
    store_password_verification,
)
from hummingbot.client.config.config_helpers import load_client_config_map_from_file
from hummingbot.client.runner import bootstrap_application, load_and_start_strategy
from hummingbot.core.rate_oracle.sources.rate_source_base import RateSourceBase

from aviary_bot.base_share import base_share
from aviary_bot.boot_document import BotFailed
from aviary_bot.bot_paths import BotPaths
from aviary_bot.engine_view import EngineReading
from aviary_bot.hb.connectors import PaperConnectorManager, ensure_supported
from aviary_bot.hb.controller_loading import LoadedController, load_controllers, parsed, reloaded
from aviary_bot.hb.database import ensure_readable
from aviary_bot.hb.home_tree import SCRIPT_CONFIG, lay_out, write_controller
from aviary_bot.hb.paper_connector import PaperLink
from aviary_bot.hb.trading_script import AviaryStrategy, StrategyLink, own_orders
from aviary_bot.hb.watched_book import BOOK_FRESH_SECONDS
from aviary_bot.order_guard import total_notional
from aviary_bot.paper_state import PaperState
from aviary_bot.paper_venue import PaperVenue, Traded
from aviary_bot.standing_guard import StandingGuard

CANCEL_SECONDS: Final = 10.0
"""Time for the book to become empty after a cancel of everything."""

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class EngineParts:
    """What the launcher has made ready for the engine."""

    config: BotConfig
    code: bytes | None
    paths: BotPaths
    guard: StandingGuard
    state: PaperState
    store: Callable[[PaperState], None]
    on_fill: Callable[[Traded, Decimal | None], None]
    observe_tick: Callable[[float], None]


class HummingbotEngine:
    """One Hummingbot, trading on paper."""

    def __init__(self, parts: EngineParts) -> None:
        self._config = parts.config
        self._paths = parts.paths
        self._guard = parts.guard
        self._code = parts.code
        self.venue = PaperVenue(parts.state, parts.config.paper, store=parts.store)
        self._strategy_link = StrategyLink(
            market=parts.config.market, guard=parts.guard, venue=self.venue, observe_tick=parts.observe_tick
        )
        self._paper_link = PaperLink(
            mode=parts.config.mode,
            market=parts.config.market,
            fees=parts.config.fees,
            quote_per_pair=parts.config.total_amount_quote / len(parts.config.market.trading_pairs),
            buys_base_at_start=not parts.config.paper.start_balances,
            venue=self.venue,
            guard=parts.guard,
            on_fill=parts.on_fill,
            on_refused=self._end_refused,
            is_released=lambda: self._strategy_link.released,
        )
        self._application: Any = None
        self._controllers: dict[str, LoadedController] = {}

    # -- start -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Boot Hummingbot and start the strategy; orders of an earlier process are off the book before it may trade.

        Raises:
            BotFailed: it cannot start; the reason says why.
        """
        ensure_supported(self._config.market.connector)
        ensure_readable(self._paths.data / SCRIPT_CONFIG.replace(".yml", ".sqlite"))
        lay_out(self._paths, self._config, self._code)
        self._controllers = load_controllers(self._config)
        for controller in self._controllers.values():
            write_controller(self._paths, controller.file, controller.config)
        await self._boot()
        await self._clear_book()
        self._strategy_link.released = True

    async def _boot(self) -> None:
        # Rates come from the books of the traded pairs; no rate service is asked.
        ExchangeRateSourceModeBase.build_rate_source = lambda _mode: _NoRates()
        own_orders(self._strategy_link)
        AviaryStrategy.link = self._strategy_link
        secrets = _PlainSecrets("unused")
        if not PASSWORD_VERIFICATION_PATH.exists():
            store_password_verification(secrets)
        client = load_client_config_map_from_file()
        self._application = await bootstrap_application(
            client, secrets, strategy_file_name=self._config.name, headless=True, mqtt_autostart=False
        )
        if self._application is None:
            raise BotFailed(FailureReason.START_FAILED, "Hummingbot refused to boot; its log lines above say why")
        core = self._application.trading_core
        core.scripts_path = self._paths.packages / "scripts"
        core.connector_manager = PaperConnectorManager(core.client_config_map, self._paper_link)
        if not await load_and_start_strategy(self._application, v2_conf=SCRIPT_CONFIG, headless=True):
            raise BotFailed(FailureReason.START_FAILED, "the strategy did not start; the log lines above say why")
        missing = {parsed(controller).id for controller in self._controllers.values()} - set(core.strategy.controllers)
        if missing:
            message = f"controllers {', '.join(sorted(missing))} could not be made; the log lines above say why"
            raise BotFailed(FailureReason.STRATEGY_INVALID, message)

    async def _clear_book(self) -> None:
        restored = self._open_orders()
        if restored:
            _log.info("cancelling %d orders of an earlier process", len(restored))
        if not await self._cancel_everything(CANCEL_SECONDS):
            left = ", ".join(order.client_order_id for order in self._open_orders())
            raise BotFailed(
                FailureReason.ORDERS_UNVERIFIED, f"orders of an earlier process could not be cancelled: {left}"
            )

    # -- while it runs -----------------------------------------------------------------------------------------------

    @property
    def updatable_parameters(self) -> tuple[str, ...]:
        """Controller fields that take effect without a restart."""
        return tuple(sorted({name for controller in self._controllers.values() for name in controller.updatable}))

    def ended_because(self) -> str | None:
        """Return why the strategy has ended by itself, or None while it runs."""
        core = self._application.trading_core
        if core.strategy is None or not core._strategy_running:
            return "Hummingbot has stopped the strategy"
        clock = core._clock_task
        if clock is None or clock.done():
            return "Hummingbot's clock has stopped"
        if all(controller.status.name == "TERMINATED" for controller in core.strategy.controllers.values()):
            return "all controllers have ended"
        return None

    def read(self) -> EngineReading:
        """Look at the engine now."""
        if self._application is None or self._application.trading_core.strategy is None:
            state = self.venue.state
            return EngineReading(
                fills=state.fills, volume_quote=state.volume_quote, last_fill_time=state.last_fill_time
            )
        state, connector = self.venue.state, self._connector()
        exposure, account = connector.exposure(), connector.account_look()
        last_tick = self._strategy_link.last_tick
        opening = self._guard.ledger.opening
        return EngineReading(
            tick_age_seconds=None if last_tick is None else time.monotonic() - last_tick,
            connectors=tuple(self._readiness(connector) for connector in self._connectors()),
            not_ready_because=self._not_ready_because(),
            equity_quote=account.equity_quote,
            day_start_equity_quote=None if opening is None else opening.equity_quote,
            open_orders=len(self._open_orders()),
            open_notional_quote=total_notional(exposure) if state.seeded else None,
            positions_notional_quote=total_notional(replace(exposure, resting=())) if state.seeded else None,
            mid_prices=exposure.mid_prices,
            base_share=base_share(exposure.holdings, exposure.mid_prices) if exposure.holdings is not None else None,
            leverage=self._leverage(),
            fee_source=connector.fee_source(),
            risk=self._guard.measure(account),
            fills=state.fills,
            volume_quote=state.volume_quote,
            last_fill_time=state.last_fill_time,
            executors=Counter(executor.status.name.lower() for executor in self._strategy().live_executors()),
            websocket_reconnects=sum(max(0, each.websocket_connects - 1) for each in self._connectors()),
        )

    def observe(self) -> None:
        """Let the guard look at the account; it may hold or stop the bot."""
        self._guard.observe(self._connector().account_look(), datetime.now(UTC))

    def retune(self, config: BotConfig) -> None:
        """Put the hot part of a configuration in force; see `engine_view.Engine`."""
        changed = {}
        for rendered in config.controllers:
            current = self._controllers[rendered.file]
            candidate = reloaded(current, rendered)
            if candidate.config != current.config:
                changed[rendered.file] = candidate
        for file, controller in changed.items():
            write_controller(self._paths, file, controller.config)
            values = parsed(controller)
            self._strategy().controllers[values.id].update_config(values)
            self._controllers[file] = controller
        self._guard.limits = config.limits
        self._config = config

    async def obey_guard(self, state: GuardState) -> None:
        """Take off what must not rest in this state."""
        if state == "Running" or not (self._strategy().live_executors() or self._left_open()):
            return
        self._strategy().stop_executors_keeping_positions()
        if not await self._cancel_everything(CANCEL_SECONDS):
            _log.error("orders still rest %.0f s after the guard became %s", CANCEL_SECONDS, state)

    def _not_ready_because(self) -> str | None:
        for connector in self._connectors():
            lacking = [flag for flag, done in connector.status_dict.items() if not done]
            if lacking:
                return f"{connector.name}: {', '.join(lacking)}"
            age = connector.book_age_seconds()
            if age is None or age > BOOK_FRESH_SECONDS:
                shown = "is missing" if age is None else f"did not change for {age:.0f} s"
                return f"{connector.name}: an order book {shown}"
        if not self._strategy_link.released or not self._strategy().ready_to_trade:
            return "the strategy waits for its connectors"
        return None

    def _readiness(self, connector: Any) -> ConnectorReadiness:
        return ConnectorReadiness(
            name=connector.name,
            ready=bool(connector.ready),
            flags={flag: bool(done) for flag, done in connector.status_dict.items()},
            book_age_seconds=connector.book_age_seconds(),
        )

    def _leverage(self) -> int | None:
        """Return the highest leverage of any pair; None before the connector has set it."""
        return max(self.venue.leverage.values(), default=None) if self._config.market.is_perpetual else 1

    # -- stop --------------------------------------------------------------------------------------------------------

    async def stop(self, budget_seconds: float) -> str | None:
        """Stop trading and Hummingbot; return what could not be verified, or None when nothing is open."""
        self._guard.hold("stop", "the bot is stopping")
        if self._application is None or self._application.trading_core.strategy is None:
            return None
        deadline = time.monotonic() + budget_seconds
        strategy = self._strategy()
        for controller in strategy.controllers.values():
            controller.stop()
        strategy.stop_executors_keeping_positions()
        await self._cancel_everything(max(1.0, min(CANCEL_SECONDS, budget_seconds / 2)))
        strategy.end_executors_now()
        left = self._left_open()
        try:
            async with asyncio.timeout(max(1.0, deadline - time.monotonic())):
                await self._application.stop_loop()
        except TimeoutError:
            _log.error("Hummingbot did not wind down within its budget of %.0f s", budget_seconds)
        return left

    async def _cancel_everything(self, seconds: float) -> bool:
        """Cancel all orders until none is left; return whether none is."""
        deadline = time.monotonic() + seconds
        while self._left_open() is not None:
            if time.monotonic() > deadline:
                return False
            await asyncio.gather(
                *(connector.cancel_all(max(0.5, deadline - time.monotonic())) for connector in self._connectors())
            )
            await asyncio.sleep(0.02)
        return True

    def _left_open(self) -> str | None:
        tracked = [order.client_order_id for order in self._open_orders()]
        resting = len(self.venue.resting())
        if not tracked and not resting:
            return None
        return f"{len(tracked)} orders tracked ({', '.join(tracked[:5])}), {resting} at the simulated venue"

    # -- parts -------------------------------------------------------------------------------------------------------

    def _strategy(self) -> AviaryStrategy:
        strategy: AviaryStrategy = self._application.trading_core.strategy
        return strategy

    def _connectors(self) -> list[Any]:
        return list(self._application.trading_core.connectors.values())

    def _connector(self) -> Any:
        return self._connectors()[0]

    def _open_orders(self) -> list[Any]:
        return [
            order
            for connector in self._connectors()
            for order in connector.in_flight_orders.values()
            if not order.is_done
        ]

    def _end_refused(self, order_id: str) -> None:
        self._strategy().end_refused(order_id)


class _PlainSecrets(BaseSecretsManager):
    """There are no secrets in a paper pod; Hummingbot insists on a manager."""

    @override
    def encrypt_secret_value(self, attr: str, value: str) -> str:
        return value

    @override
    def decrypt_secret_value(self, attr: str, value: str) -> str:
        return value


class _NoRates(RateSourceBase):
    """Hummingbot falls back to the books of its connectors, which is all a bot needs."""

    @property
    @override
    def name(self) -> str:
        return "none"

    @override
    async def get_prices(self, quote_token: str | None = None) -> dict[str, Decimal]:
        return {}
