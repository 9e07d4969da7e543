"""PID 1 of the bot's container: from the signal handlers to the exit code (the contract's Start and Stop).

As PID 1 a signal without a handler is ignored by the kernel, and the import of Hummingbot takes seconds: handlers and
HTTP come first, Hummingbot is imported in a thread beside them.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aviary_crds.botconfig import BOOT_REVISION_ENV, BotConfig
from aviary_crds.botstate import FailureReason
from aviary_crds.labels import BOT_HTTP_PORT

from aviary_bot.boot_document import BotFailed, NotYet, decide_boot, read_mounted
from aviary_bot.bot import Bot
from aviary_bot.bot_paths import BotPaths
from aviary_bot.durable_file import write_durably
from aviary_bot.http_server import BotServer
from aviary_bot.json_logs import configure_logs, set_log_level
from aviary_bot.metrics import BotMetrics, ExceptionCounter
from aviary_bot.paper_state import PaperState, load_state, noted_opening
from aviary_bot.risk_ledger import load_memory
from aviary_bot.standing_guard import StandingGuard
from aviary_bot.telemetry import TradeRecord

if TYPE_CHECKING:
    from aviary_bot.hb.engine import EngineParts, HummingbotEngine

HTTP_PORT_ENV: Final = "AVIARY_HTTP_PORT"
"""Another port than the contract's, for several bots on one network (tests)."""

MOUNT_PATIENCE_SECONDS: Final = 90.0
MOUNT_POLL_SECONDS: Final = 0.5
DOCUMENT_RETRY_SECONDS: Final = 5.0
WATCH_SECONDS: Final = 1.0

EXIT_VERIFIED: Final = 0
EXIT_CRASHED: Final = 1
EXIT_UNVERIFIED: Final = 3

_log = logging.getLogger(__name__)


class Launcher:
    """One run of a bot."""

    def __init__(self, paths: BotPaths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._boot_revision = environ.get(BOOT_REVISION_ENV, "")
        self._port = int(environ.get(HTTP_PORT_ENV, BOT_HTTP_PORT))
        self._metrics = BotMetrics()
        self._bot = Bot(on_log_level=set_log_level)
        self._engine: HummingbotEngine | None = None
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Live until SIGTERM or SIGINT; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        logging.getLogger().addHandler(ExceptionCounter(self._metrics.exceptions))
        self._metrics.watch(self._bot)
        server = BotServer(self._bot, self._metrics.registry, self._paths.mounted)
        await server.open(self._port)
        life = asyncio.create_task(self._live())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({life, stopped}, return_when=asyncio.FIRST_COMPLETED)
        crash = life.exception() if life.done() and not life.cancelled() else None
        code = await self._wind_down(life, crash)
        await server.close()
        return code

    # -- life --------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        while True:
            try:
                await self._start()
                await self._watch()
            except BotFailed as failed:
                if failed.message != self._bot.message:
                    _log.error("the bot is Failed (%s): %s", failed.reason, failed.message)
                self._bot.fail(failed)
            if self._bot.config is not None:
                await self._stay_failed()
            # A document that cannot be used may be replaced under us; what came after it needs a new pod.
            await asyncio.sleep(DOCUMENT_RETRY_SECONDS)

    async def _start(self) -> None:
        config = await self._await_document()
        code = read_mounted(self._paths.mounted).code if config.code_sha256 is not None else None
        bot = self._bot
        bot.config = config
        set_log_level(config.telemetry.log_level.value)
        bot.guard = StandingGuard(
            mode=config.mode,
            limits=config.limits,
            capital_quote=config.total_amount_quote,
            latch_path=self._paths.state / "guard.json",
            memory=load_memory(self._paths.state / "risk.json", uid=config.uid),
            monotonic=time.monotonic,
        )
        state = load_state(self._paths.state / "paper.json", config)
        bot.guard.note_start(noted_opening(state))
        bot.record = TradeRecord(
            self._paths.state,
            config.telemetry,
            config.mode,
            observe_write=self._metrics.csv_write.observe,
            monotonic=time.monotonic,
        )
        bot.tell("loads Hummingbot")
        parts_type, engine_type = await asyncio.to_thread(_import_hummingbot)
        bot.tell("starts the strategy")
        self._engine = engine_type(
            parts_type(
                config=config,
                code=code,
                paths=self._paths,
                guard=bot.guard,
                state=state,
                store=self._store,
                on_fill=bot.record.on_fill,
                observe_tick=self._metrics.tick_duration.observe,
            )
        )
        await self._engine.start()
        bot.engine = self._engine
        bot.run()
        _log.info("the strategy runs (%.1f s after the start)", (datetime.now(UTC) - bot.start_time).total_seconds())

    def _store(self, state: PaperState) -> None:
        """Write the paper state before the bot hears of a fill; hold all orders while the volume cannot be written."""
        guard = self._bot.guard
        try:
            write_durably(self._paths.state / "paper.json", state.model_dump_json().encode())
        except OSError as error:
            if guard is not None:
                guard.hold("volume", f"paper.json cannot be written ({error.strerror})")
        else:
            if guard is not None:
                guard.release("volume")

    async def _await_document(self) -> BotConfig:
        """Wait for the document this pod was made for; say so when it takes too long, and go on waiting."""
        begun = time.monotonic()
        while True:
            found = decide_boot(read_mounted(self._paths.mounted), boot_revision=self._boot_revision)
            if isinstance(found, BotConfig):
                return found
            self._bot.tell(found.message)
            if time.monotonic() - begun > MOUNT_PATIENCE_SECONDS:
                self._complain(found)
            await asyncio.sleep(MOUNT_POLL_SECONDS)

    def _complain(self, not_yet: NotYet) -> None:
        message = f"{not_yet.message} after {MOUNT_PATIENCE_SECONDS:.0f} s; still waiting"
        if self._bot.reason is None:
            _log.error(message)
        self._bot.fail(BotFailed(FailureReason.START_FAILED, message))

    async def _watch(self) -> None:
        """Look after a running bot until its strategy ends: its limits, what the guard wants off the book, its record.

        Raises:
            BotFailed: the strategy ended by itself (StrategyEnded).
        """
        bot, engine = self._bot, self._engine
        ready_told = False
        if engine is None or bot.record is None or bot.guard is None:
            raise RuntimeError("a bot was to be watched before it was started")
        while True:
            ended = engine.ended_because()
            if ended is not None:
                raise BotFailed(FailureReason.STRATEGY_ENDED, f"{ended}; nothing trades")
            await self._keep_limits(engine, bot.guard)
            reading = engine.read()
            bot.record.on_tick(reading, bot.guard, datetime.now(UTC))
            if not ready_told and bot.not_ready_because(reading) is None:
                ready_told = True
                seconds = (datetime.now(UTC) - bot.start_time).total_seconds()
                _log.info("ready to trade (%.1f s after the start)", seconds)
            await asyncio.sleep(WATCH_SECONDS)

    async def _keep_limits(self, engine: "HummingbotEngine", guard: StandingGuard) -> None:
        engine.observe()
        if guard.is_held_by("volume"):
            # With nothing on the book no fill would ever try again.
            self._store(engine.venue.state)
        if guard.state != "Running":
            await engine.obey_guard(guard.state)

    async def _stay_failed(self) -> None:
        if self._engine is not None:
            left = await self._engine.stop(10.0)
            if left is not None:
                self._bot.tell(f"{self._bot.message}; and orders may be open: {left}")
        await asyncio.Event().wait()

    # -- stop --------------------------------------------------------------------------------------------------------

    async def _wind_down(self, life: asyncio.Task[None], crash: BaseException | None) -> int:
        begun = time.monotonic()
        config = self._bot.config
        self._bot.begin_stop()
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await life
        left = None
        if self._engine is not None:
            left = await self._engine.stop(5.0 if config is None else float(config.stop_budget_seconds))
        if self._bot.record is not None:
            self._bot.record.close()
        if crash is not None:
            _log.error("the bot crashed", exc_info=crash)
            self._last_words(f"crashed: {type(crash).__name__}: {crash}")
            return EXIT_CRASHED
        if left is not None:
            self._last_words(f"could not verify that nothing is open: {left}")
            return EXIT_UNVERIFIED
        _log.info("stopped after %.1f s; nothing is open", time.monotonic() - begun)
        return EXIT_VERIFIED

    def _last_words(self, message: str) -> None:
        _log.error(message)
        write_last_words(self._paths, message)


def write_last_words(paths: BotPaths, message: str) -> None:
    """Leave the reason of an exit where the kubelet picks it up; it is in the log as well."""
    with contextlib.suppress(OSError):
        paths.termination_log.write_text(message)


def _import_hummingbot() -> tuple[type["EngineParts"], type["HummingbotEngine"]]:
    from aviary_bot.hb.engine import EngineParts, HummingbotEngine

    return EngineParts, HummingbotEngine


def main(environ: Mapping[str, str] = os.environ, paths: BotPaths | None = None) -> int:
    """Run the bot; return the exit code when it crashed, and do not return otherwise."""
    configure_logs()
    paths = paths or BotPaths()
    try:
        return asyncio.run(_run(environ, paths))
    except Exception as error:  # noqa: BLE001  whatever it was, the reason must outlive the process
        _log.exception("the bot crashed")
        write_last_words(paths, f"crashed: {type(error).__name__}: {error}")
        return EXIT_CRASHED


async def _run(environ: Mapping[str, str], paths: BotPaths) -> int:
    code = await Launcher(paths, environ).run()
    # Hummingbot leaves tasks and threads behind that end when they like; everything of ours is on the disk by now.
    logging.shutdown()
    os._exit(code)
