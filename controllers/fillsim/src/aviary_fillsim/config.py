"""What a simulated market charges and how generous it is."""

from dataclasses import dataclass
from decimal import Decimal

from aviary_fillsim.amounts import is_positive

FULL_BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimConfig:
    """Parameters of one simulated market.

    Ratios are whole basis points, times are whole milliseconds, money is Decimal; a float anywhere is a TypeError,
    because two machines may disagree on it. Defaults are those of `spec.paper` (rows R-106 and R-107).

    - `tick_size`, `lot_size`: the grid of prices and quantities.
    - `maker_fee_bps`, `taker_fee_bps`: share of a fill charged as fee; may be fractions of a basis point
      (`Decimal("3.6")`) and negative (a rebate).
    - `latency_ms`: an order, and a cancel, reaches the market this long after it was sent. Also the least time between
      two maker fills of one order (row R-108).
    - `queue_participation_bps`: share of the quantity shown at, or traded at, exactly an order's price that reaches
      the order; the rest belongs to those who queued before. Each time it is moved by up to a fifth either way (row
      R-107). Quantity shown or traded beyond the price had to pass the whole queue and counts in full.
    - `partial_min_bps`, `partial_max_bps`: a maker fill at exactly the order's price takes a share of what is left
      of the order, drawn evenly between these.
    - `seed`: of the engine's only random generator.
    - `book_reflects_fills`: False for a public feed that does not know of our fills (paper trading, backtests):
      liquidity taken once stays taken while the same level stands. True where the books already have it taken out
      or refilled (a simulated venue showing its own book).
    """

    tick_size: Decimal
    lot_size: Decimal
    maker_fee_bps: Decimal
    taker_fee_bps: Decimal
    latency_ms: int = 150
    queue_participation_bps: int = 3_500
    partial_min_bps: int = 1_500
    partial_max_bps: int = 8_500
    seed: int = 7
    book_reflects_fills: bool = False

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError naming the field that is wrong."""
        for name in ("tick_size", "lot_size"):
            if not is_positive(_decimal(name, getattr(self, name))):
                raise ValueError(f"{name} must be a finite decimal above zero, got {getattr(self, name)}")
        for name in ("maker_fee_bps", "taker_fee_bps"):
            if not _decimal(name, getattr(self, name)).is_finite():
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")
        _whole("seed", self.seed)
        if _whole("latency_ms", self.latency_ms) < 0:
            raise ValueError(f"latency_ms must not be negative, got {self.latency_ms}")
        if not 0 < _whole("queue_participation_bps", self.queue_participation_bps) <= FULL_BPS:
            raise ValueError(
                f"queue_participation_bps must be within 1 and {FULL_BPS}, got {self.queue_participation_bps}"
            )
        low, high = _whole("partial_min_bps", self.partial_min_bps), _whole("partial_max_bps", self.partial_max_bps)
        if not 0 < low <= high <= FULL_BPS:
            raise ValueError(f"need 1 <= partial_min_bps <= partial_max_bps <= {FULL_BPS}, got {low} and {high}")


def _decimal(name: str, value: object) -> Decimal:
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} must be a Decimal, got {type(value).__name__}")
    return value


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}")
    return value
