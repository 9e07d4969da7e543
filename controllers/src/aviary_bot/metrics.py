"""The bot's metrics (`hbot_*`, requirements section H): those that have a real value now.

Labels are bounded: pairs, codes and states, never an order id. A figure that is not known is left out of a scrape
rather than told as 0.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, override

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aviary_bot.bot import Bot
from aviary_bot.engine_view import EngineReading
from aviary_bot.risk_limits import as_share
from aviary_bot.telemetry import day_pnl

STALE_BOOK_SECONDS: Final = 30.0
MOST_EXCEPTION_SERIES: Final = 100

_TICK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_WRITE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric that is read from the bot at each scrape."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...] = ()


READY = Family("hbot_ready", "gauge", "1 when the bot could trade now, else 0")
PHASE = Family("hbot_phase", "gauge", "1 for the phase the process is in", ("phase",))
INFO = Family(
    "hbot_info", "gauge", "Always 1; the labels say what runs", ("mode", "granted", "connector", "controller")
)
EQUITY = Family("hbot_equity_quote", "gauge", "Equity in the quote asset")
DAY_PNL = Family("hbot_day_pnl_quote", "gauge", "Profit or loss since 00:00 UTC or the first start, quote asset")
DAY_LOSS = Family("hbot_daily_loss_pct", "gauge", "Loss since 00:00 UTC as a share of the day's first equity, 0 to 1")
DRAWDOWN = Family("hbot_drawdown_pct", "gauge", "Fall of the equity from its peak as a share of the peak, 0 to 1")
TURNOVER = Family("hbot_turnover_today_x", "gauge", "Traded notional since 00:00 UTC in multiples of the capital")
BASE_SHARE = Family("hbot_base_pct", "gauge", "Share of the equity held in base assets, 0 to 1; spot only")
OPEN_NOTIONAL = Family("hbot_open_notional_quote", "gauge", "Notional of positions and resting orders, quote asset")
FILLS = Family("hbot_bot_fills_total", "counter", "Fills since the bot was made")
VOLUME = Family("hbot_volume_quote_total", "counter", "Traded notional since the bot was made, quote asset")
ORDERS = Family("hbot_orders_open", "gauge", "Orders resting or on their way")
EXECUTORS = Family("hbot_executor_count", "gauge", "Hummingbot executors that have not ended", ("state",))
TICK_AGE = Family("hbot_tick_age_seconds", "gauge", "Seconds since the strategy's last tick")
BOOK_AGE = Family("hbot_order_book_age_seconds", "gauge", "Age of the oldest order book's last change", ("connector",))
BOOK_STALE = Family("hbot_order_book_stale", "gauge", "1 when an order book is missing or stale", ("connector",))
RECONNECTS = Family("hbot_ws_reconnect_total", "counter", "Times the public WebSocket was opened anew")
MID = Family("hbot_mid_price", "gauge", "Mid price", ("trading_pair",))
REFUSALS = Family("hbot_order_refusals_total", "counter", "Orders the order guard refused, by code", ("code",))
REJECTED = Family("hbot_rejected_orders_total", "counter", "Orders the venue rejected since the bot was made")
CANCELS = Family("hbot_cancel_per_min", "gauge", "Cancels that the strategy sent in the last 60 seconds")
CANCEL_BREACHES = Family(
    "hbot_cancel_budget_breach_count", "gauge", "Minutes with more cancels than allowed, since the start of the process"
)
GUARD = Family("hbot_guard_state", "gauge", "1 for the order guard's state", ("state",))
KILLS = Family("hbot_kill_switch_triggered_total", "counter", "Kills since the start of the process")

FAMILIES: Final = (
    READY, PHASE, INFO, EQUITY, DAY_PNL, DAY_LOSS, DRAWDOWN, TURNOVER, BASE_SHARE, OPEN_NOTIONAL, FILLS, VOLUME, ORDERS,
    EXECUTORS, TICK_AGE, BOOK_AGE, BOOK_STALE, RECONNECTS, MID, REFUSALS, REJECTED, CANCELS, CANCEL_BREACHES, GUARD,
    KILLS,
)  # fmt: skip

_GUARD_STATES = ("Running", "SoftPaused", "HardStopped")
_PHASES = ("Starting", "Running", "Stopping", "Failed")

type Sample = tuple[Family, tuple[str, ...], float]


class BotMetrics:
    """The registry of one bot, and the metrics that are observed as things happen."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tick_duration = Histogram(
            "hbot_tick_duration_seconds",
            "Time the strategy needs for one tick",
            buckets=_TICK_BUCKETS,
            registry=self.registry,
        )
        self.csv_write = Histogram(
            "hbot_csv_write_duration_seconds",
            "Time to write buffered rows to a CSV file",
            buckets=_WRITE_BUCKETS,
            registry=self.registry,
        )
        self.exceptions = Counter(
            "hbot_exception_total",
            "Exceptions that were logged; module 'other' once there are too many kinds",
            ("module", "exception_type", "severity"),
            registry=self.registry,
        )

    def watch(self, bot: Bot) -> None:
        """Read this bot at each scrape."""
        self.registry.register(_BotCollector(bot))


class ExceptionCounter(logging.Handler):
    """Counts log records that carry an exception."""

    def __init__(self, exceptions: Counter) -> None:
        super().__init__(logging.WARNING)
        self._exceptions = exceptions
        self._seen: set[tuple[str, str, str]] = set()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
        if kind is None:
            return
        key = (record.name.rsplit(".", maxsplit=1)[-1], kind.__name__, record.levelname.lower())
        if key not in self._seen and len(self._seen) >= MOST_EXCEPTION_SERIES:
            key = ("other", "other", record.levelname.lower())
        self._seen.add(key)
        self._exceptions.labels(*key).inc()


class _BotCollector(Collector):
    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def describe(self) -> Iterable[Metric]:
        # Without it the registry would collect once at registration, before there is anything to read.
        return [_metric(family) for family in FAMILIES]

    @override
    def collect(self) -> Iterator[Metric]:
        found = {family: _metric(family) for family in FAMILIES}
        for family, labels, value in bot_samples(self._bot):
            found[family].add_metric(labels, value)
        for family in FAMILIES:
            if found[family].samples:
                yield found[family]


def bot_samples(bot: Bot) -> Iterator[Sample]:
    """Yield what a scrape sees of the bot now."""
    reading = bot.read()
    yield READY, (), float(bot.not_ready_because(reading) is None)
    for phase in _PHASES:
        yield PHASE, (phase,), float(bot.phase.value == phase)
    if bot.config is not None:
        config = bot.config
        granted = "" if config.granted_mode is None else config.granted_mode.value
        yield INFO, (config.mode.value, granted, config.market.connector, config.controller), 1.0
    yield from _account_samples(reading)
    yield from _feed_samples(reading)
    yield from _guard_samples(bot)


def _account_samples(reading: EngineReading) -> Iterator[Sample]:
    pnl, start = day_pnl(reading), reading.day_start_equity_quote
    yield from _known(EQUITY, reading.equity_quote)
    yield from _known(DAY_PNL, pnl)
    if pnl is not None and start:
        yield DAY_LOSS, (), float(max(Decimal(0), -pnl) / start)
    yield from _known(DRAWDOWN, as_share(reading.risk.drawdown_bps))
    yield from _known(TURNOVER, as_share(reading.risk.day_turnover_bps))
    yield from _known(BASE_SHARE, reading.base_share)
    yield from _known(OPEN_NOTIONAL, reading.open_notional_quote)
    yield from _known(VOLUME, reading.volume_quote)
    yield FILLS, (), float(reading.fills)
    if reading.open_orders is not None:
        yield ORDERS, (), float(reading.open_orders)
    for state, count in reading.executors.items():
        yield EXECUTORS, (state,), float(count)


def _feed_samples(reading: EngineReading) -> Iterator[Sample]:
    if reading.tick_age_seconds is not None:
        yield TICK_AGE, (), reading.tick_age_seconds
    for connector in reading.connectors:
        age = connector.book_age_seconds
        if age is not None:
            yield BOOK_AGE, (connector.name,), age
        yield BOOK_STALE, (connector.name,), float(age is None or age > STALE_BOOK_SECONDS)
    for pair, mid in reading.mid_prices.items():
        yield from _known(MID, mid, (pair,))
    yield RECONNECTS, (), float(reading.websocket_reconnects)


def _guard_samples(bot: Bot) -> Iterator[Sample]:
    if bot.guard is None:
        return
    for state in _GUARD_STATES:
        yield GUARD, (state,), float(bot.guard.state == state)
    for code, count in bot.guard.refusals.items():
        yield REFUSALS, (code,), float(count)
    yield KILLS, (), float(bot.guard.kills)
    yield REJECTED, (), float(bot.guard.ledger.rejected_orders)
    yield CANCELS, (), float(bot.guard.cancels_last_minute)
    yield CANCEL_BREACHES, (), float(bot.guard.cancel_breaches)


def _known(family: Family, value: Decimal | None, labels: tuple[str, ...] = ()) -> Iterator[Sample]:
    if value is not None:
        yield family, labels, float(value)


def _metric(family: Family) -> GaugeMetricFamily | CounterMetricFamily:
    if family.kind == "counter":
        return CounterMetricFamily(family.name, family.help, labels=family.labels)
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)
