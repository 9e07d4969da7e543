"""One bot's process as others see it: phase, readiness, state, and what may be asked of it.

The HTTP server and the metrics read it, the launcher moves it from phase to phase.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import BotState, ConfigState, FailureReason, Figures, GuardView, Phase
from aviary_crds.v1alpha1.tradingbot import Mode

from aviary_bot import VERSION
from aviary_bot.boot_document import BotFailed
from aviary_bot.engine_view import Engine, EngineReading
from aviary_bot.retune import cold_paths
from aviary_bot.risk_view import build_risk_view
from aviary_bot.standing_guard import StandingGuard
from aviary_bot.telemetry import TradeRecord, day_pnl

LONGEST_TICK_SECONDS: Final = 20.0
"""A running strategy ticks every second; one that has not for this long is dead, and the kubelet restarts it."""


class RetuneRefused(Exception):  # noqa: N818  an answer, not an error of the code
    """A configuration that does not come into force. `status` is the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Bot:
    """Phase and parts of the process. Parts come as the start goes on; what is not there yet counts as "no"."""

    def __init__(self, *, on_log_level: Callable[[str], None]) -> None:
        self.start_time = datetime.now(UTC)
        self.phase = Phase.STARTING
        self.reason: FailureReason | None = None
        self.message = "waits for its configuration"
        self.config: BotConfig | None = None
        self.guard: StandingGuard | None = None
        self.record: TradeRecord | None = None
        self.engine: Engine | None = None
        self._retune_error: str | None = None
        self._on_log_level = on_log_level
        self._versions = {"aviary-bot": VERSION} | _version_of("hummingbot")

    # -- phases ------------------------------------------------------------------------------------------------------

    def tell(self, message: str) -> None:
        """Say what the bot does now."""
        self.message = message

    def fail(self, failed: BotFailed) -> None:
        """Stop trading for good; the reason stays to be read."""
        self.phase = Phase.FAILED
        self.reason = failed.reason
        self.message = failed.message

    def run(self) -> None:
        """Say that the strategy runs."""
        self.phase = Phase.RUNNING
        self.reason = None
        self.message = "the strategy runs"

    def begin_stop(self) -> None:
        """Say that the bot stops."""
        self.phase = Phase.STOPPING
        self.message = "stops: cancels orders, keeps positions"

    # -- probes ------------------------------------------------------------------------------------------------------

    def read(self) -> EngineReading:
        """Look at the engine."""
        return EngineReading() if self.engine is None else self.engine.read()

    def still_starting_because(self) -> str | None:
        """Return what the start is at, or None when it is over.

        Importing Hummingbot starves this loop for seconds: until then no liveness probe may judge it.
        """
        return f"{self.phase.value}: {self.message}" if self.phase is Phase.STARTING else None

    def dead_because(self, reading: EngineReading) -> str | None:
        """Return why the process should be restarted, or None. A Failed bot is not: a restart would not mend it."""
        age = reading.tick_age_seconds
        if self.phase is not Phase.RUNNING or (age is not None and age <= LONGEST_TICK_SECONDS):
            return None
        return "the strategy never ticked" if age is None else f"the strategy's last tick was {age:.0f} s ago"

    def not_ready_because(self, reading: EngineReading) -> str | None:
        """Return why the bot could not trade now, or None."""
        if self.phase is not Phase.RUNNING:
            return f"{self.phase.value}: {self.message}"
        return self.dead_because(reading) or reading.not_ready_because

    # -- what may be asked -------------------------------------------------------------------------------------------

    async def pause(self, reason: str) -> GuardView:
        """Cancel what rests and refuse new orders until resumed."""
        guard = self._guard()
        view = guard.pause(reason)
        await self._obey(guard)
        return view

    async def resume(self) -> GuardView:
        """End a pause; a kill stays."""
        return self._guard().resume()

    async def kill(self, reason: str) -> GuardView:
        """Cancel what rests and refuse orders for good."""
        guard = self._guard()
        try:
            view = guard.kill(reason)
        finally:
            await self._obey(guard)
        return view

    def retune(self, new: BotConfig) -> ConfigState:
        """Put a configuration in force that differs in hot fields only.

        Raises:
            RetuneRefused: it does not; the old one stays in force, and the message names the fields.
        """
        try:
            self._retune(new)
        except RetuneRefused as refused:
            self._retune_error = refused.message
            raise
        self._retune_error = None
        return self.config_state()

    def _retune(self, new: BotConfig) -> None:
        if self.config is None or self.engine is None or self.phase is not Phase.RUNNING:
            raise RetuneRefused(
                409, f"the bot is {self.phase.value}: {self.message}; only a running bot can be retuned"
            )
        if not new.intact:
            raise RetuneRefused(400, "the configuration was changed on its way: its revision is not its content's hash")
        cold = cold_paths(self.config, new, self.engine.updatable_parameters)
        if cold:
            raise RetuneRefused(409, f"these fields need a restart: {', '.join(cold)}")
        try:
            self.engine.retune(new)
        except BotFailed as failed:
            raise RetuneRefused(422, failed.message) from None
        except OSError as error:
            raise RetuneRefused(500, f"the configuration could not be written: {error.strerror}") from None
        self.config = new
        self._on_log_level(new.telemetry.log_level.value)

    async def _obey(self, guard: StandingGuard) -> None:
        if self.engine is not None:
            await self.engine.obey_guard(guard.state)

    def _guard(self) -> StandingGuard:
        if self.guard is None:
            raise RetuneRefused(409, f"the bot is {self.phase.value}: {self.message}; its order guard is not up yet")
        return self.guard

    # -- the document ------------------------------------------------------------------------------------------------

    def config_state(self) -> ConfigState:
        """Return which configuration is in force."""
        config = self.config
        return ConfigState(
            revision="" if config is None else config.revision,
            boot_revision="" if config is None else config.boot_revision,
            updatable_parameters=() if self.engine is None else self.engine.updatable_parameters,
            error=self._retune_error,
        )

    def state(self) -> BotState:
        """Return what the bot says about itself."""
        reading, config = self.read(), self.config
        return BotState(
            time=datetime.now(UTC),
            name="" if config is None else config.name,
            namespace="" if config is None else config.namespace,
            uid="" if config is None else config.uid,
            mode=Mode.NO_TRADE if config is None else config.mode,
            granted_mode=None if config is None else config.granted_mode,
            digest="" if config is None else config.digest,
            phase=self.phase,
            reason=self.reason,
            message=self.message,
            start_time=self.start_time,
            ready=self.not_ready_because(reading) is None,
            tick_age_seconds=reading.tick_age_seconds,
            config=self.config_state(),
            connectors=reading.connectors,
            figures=_figures(reading, self.guard),
            guard=GuardView(state="Running") if self.guard is None else self.guard.view(),
            risk=build_risk_view(reading, self.guard, is_perpetual=config is not None and config.market.is_perpetual),
            starts=None if self.guard is None else self.guard.ledger.starts,
            recent_fills=() if self.record is None else tuple(self.record.recent),
            versions=self._versions,
        )


def _figures(reading: EngineReading, guard: StandingGuard | None) -> Figures:
    return Figures(
        equity_quote=reading.equity_quote,
        day_start_equity_quote=reading.day_start_equity_quote,
        day_pnl_quote=day_pnl(reading),
        open_orders=reading.open_orders,
        open_notional_quote=reading.open_notional_quote,
        fills=reading.fills,
        volume_quote=reading.volume_quote,
        rejected_orders=None if guard is None else guard.ledger.rejected_orders,
        fee_source=reading.fee_source,
        last_fill_time=reading.last_fill_time,
    )


def _version_of(distribution: str) -> dict[str, str]:
    try:
        return {distribution: version(distribution)}
    except PackageNotFoundError:
        return {}
