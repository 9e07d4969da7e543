"""What a bot writes about its trading: the last fills, `fills.csv`, `minute.csv`.

Columns are those of rows R-090 and R-091 that a paper bot has real values for; a value that is not known is empty.
"""

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from aviary_crds.botstate import FillRecord
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.tradingbot import Mode, Telemetry

from aviary_bot.csv_log import CsvLog
from aviary_bot.engine_view import EngineReading
from aviary_bot.paper_venue import Traded
from aviary_bot.risk_limits import as_share
from aviary_bot.standing_guard import StandingGuard

RECENT_FILLS: Final = 50

FILL_COLUMNS: Final = (
    "time",
    "trading_pair",
    "side",
    "price",
    "amount",
    "notional_quote",
    "fee_quote",
    "fee",
    "fee_asset",
    "order_id",
    "trade_id",
    "mid_ref",
    "is_maker",
    "state",
    "mode",
)

MINUTE_COLUMNS: Final = (
    "time",
    "state",
    "trading_pair",
    "mid",
    "equity_quote",
    "base_pct",
    "day_pnl_quote",
    "daily_loss_pct",
    "drawdown_pct",
    "turnover_today_x",
    "open_notional_quote",
    "orders_active",
    "fill_count",
    "volume_quote",
    "refused_orders",
    "reject_count",
    "cancel_per_min",
    "fee_source",
    "risk_reasons",
)

_log = logging.getLogger(__name__)


class TradeRecord:
    """Fills and minutes of one bot."""

    def __init__(
        self,
        folder: Path,
        settings: Telemetry,
        mode: Mode,
        *,
        observe_write: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._mode = mode
        self.recent: deque[FillRecord] = deque(maxlen=RECENT_FILLS)
        self._last_minute: datetime | None = None
        self._volume_fails = False

        def log(name: str, columns: tuple[str, ...]) -> CsvLog:
            return CsvLog(
                folder / name,
                columns,
                buffer_rows=settings.csv_buffer_rows,
                flush_seconds=settings.csv_flush_seconds,
                observe_write=observe_write,
                monotonic=monotonic,
            )

        self._fills = log("fills.csv", FILL_COLUMNS)
        self._minutes = log("minute.csv", MINUTE_COLUMNS)

    def on_fill(self, traded: Traded, mid_price: Decimal | None) -> None:
        """Note a fill."""
        self.recent.append(fill_record(traded))
        self._write(lambda: self._fills.add(fill_row(traded, mid_price, self._mode)))

    def on_tick(self, reading: EngineReading, guard: StandingGuard, now: datetime) -> None:
        """Write the minute's row once a minute, and what has waited long enough."""
        minute = now.replace(second=0, microsecond=0)
        if self._last_minute != minute and reading.equity_quote is not None:
            self._last_minute = minute
            self._write(lambda: self._minutes.add(minute_row(reading, guard, minute)))
        self._write(self._fills.flush_when_due)
        self._write(self._minutes.flush_when_due)

    def close(self) -> None:
        """Write what is kept."""
        self._write(self._fills.flush)
        self._write(self._minutes.flush)

    def _write(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            if not self._volume_fails:
                _log.error("the CSV files cannot be written: %s", error)
            self._volume_fails = True
        else:
            self._volume_fails = False


def fill_record(traded: Traded) -> FillRecord:
    """Return a fill as `/state` shows it."""
    fill = traded.fill
    return FillRecord(
        time_ns=fill.time_ns,
        order_id=fill.order_id,
        trade_id=f"paper-{traded.number}",
        trading_pair=traded.order.trading_pair,
        side=traded.order.direction,
        price=fill.price,
        quantity=fill.quantity,
        fee_quote=fill.fee_quote,
        liquidity=fill.liquidity.value,
        simulated=True,
    )


def fill_row(traded: Traded, mid_price: Decimal | None, mode: Mode) -> dict[str, str]:
    """Return a row of `fills.csv`."""
    fill = traded.fill
    values = (
        datetime.fromtimestamp(fill.time_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        traded.order.trading_pair,
        traded.order.direction,
        decimal_text(fill.price),
        decimal_text(fill.quantity),
        decimal_text(fill.price * fill.quantity),
        decimal_text(fill.fee_quote),
        decimal_text(traded.fee),
        traded.fee_asset,
        fill.order_id,
        f"paper-{traded.number}",
        _text(mid_price),
        "true" if fill.liquidity.value == "Maker" else "false",
        "filled" if fill.remaining == 0 else "partial",
        mode.value,
    )
    return dict(zip(FILL_COLUMNS, values, strict=True))


def minute_row(reading: EngineReading, guard: StandingGuard, minute: datetime) -> dict[str, str]:
    """Return a row of `minute.csv`. `mid` is given for bots of one pair."""
    pair, mid = next(iter(reading.mid_prices.items())) if len(reading.mid_prices) == 1 else ("", None)
    pnl = day_pnl(reading)
    start = reading.day_start_equity_quote
    loss = max(Decimal(0), -pnl) / start if pnl is not None and start else None
    values = (
        minute.isoformat(timespec="minutes"),
        guard.state,
        pair,
        _text(mid),
        _text(reading.equity_quote),
        _text(reading.base_share),
        _text(pnl),
        _text(loss),
        _text(as_share(reading.risk.drawdown_bps)),
        _text(as_share(reading.risk.day_turnover_bps)),
        _text(reading.open_notional_quote),
        "" if reading.open_orders is None else str(reading.open_orders),
        str(reading.fills),
        _text(reading.volume_quote),
        str(guard.refusals.total()),
        str(guard.ledger.rejected_orders),
        str(guard.cancels_last_minute),
        reading.fee_source or "",
        "; ".join(guard.view().reasons),
    )
    return dict(zip(MINUTE_COLUMNS, values, strict=True))


def day_pnl(reading: EngineReading) -> Decimal | None:
    """Return profit or loss since the day's first equity; None when either is unknown."""
    if reading.equity_quote is None or reading.day_start_equity_quote is None:
        return None
    return reading.equity_quote - reading.day_start_equity_quote


def _text(value: Decimal | None) -> str:
    return "" if value is None else decimal_text(value.quantize(Decimal("1e-8")))
