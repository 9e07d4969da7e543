"""What the venue lists: markets, their grids, fees and how lively they are."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aviary_services.sim_venue.exchange.scale import Scale

type PositiveDecimal = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
type FeeBps = Annotated[Decimal, Field(ge=-100, le=1000, allow_inf_nan=False)]


class Product(StrEnum):
    """What is traded in a market."""

    SPOT = "Spot"
    USDT_PERPETUAL = "UsdtPerpetual"


class MarketId(NamedTuple):
    """A market's name. The same symbol may be listed under both products."""

    product: Product
    symbol: str


class Market(BaseModel):
    """One listed market. Prices are in the quote asset, quantities in the base asset.

    The made-up price walks by about `volatility_bps` of itself per step and is drawn back to `start_price` by
    `reversion_bps` of the distance per step. The book shows `depth` levels a side, the first `half_spread_ticks` from
    the mid price, the next on multiples of `level_spacing_ticks`, each of about `level_quantity`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str = Field(pattern=r"^[A-Z0-9]{2,20}$")
    product: Product
    base: str = Field(pattern=r"^[A-Z0-9]{1,10}$")
    quote: str = Field(pattern=r"^[A-Z0-9]{1,10}$")
    start_price: PositiveDecimal
    tick_size: PositiveDecimal
    lot_size: PositiveDecimal
    min_notional: PositiveDecimal
    maker_fee_bps: FeeBps
    taker_fee_bps: FeeBps
    volatility_bps: int = Field(default=3, ge=0, le=500)
    reversion_bps: int = Field(default=20, ge=0, le=10_000)
    half_spread_ticks: int = Field(ge=1)
    level_spacing_ticks: int = Field(ge=1)
    depth: int = Field(default=20, ge=1, le=200)
    level_quantity: PositiveDecimal
    max_leverage: int = Field(default=125, ge=1, le=125)
    funding_rate_bps: Annotated[Decimal, Field(ge=-100, le=100, allow_inf_nan=False)] = Decimal(1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.symbol != self.base + self.quote:
            raise ValueError(f"symbol {self.symbol} must be base and quote together, {self.base}{self.quote}")
        if self.product is Product.USDT_PERPETUAL and self.quote != "USDT":
            raise ValueError(f"{self.symbol}: a USDT perpetual is quoted in USDT, not in {self.quote}")
        if not Scale(self.tick_size).fits(self.start_price):
            raise ValueError(f"{self.symbol}: start_price {self.start_price} is not a multiple of {self.tick_size}")
        if Scale(self.tick_size).floor(self.start_price) <= 2 * self.half_spread_ticks:
            raise ValueError(f"{self.symbol}: half_spread_ticks {self.half_spread_ticks} leaves no room for bids")
        if Scale(self.lot_size).floor(self.level_quantity) < 10:  # noqa: PLR2004  quantities vary by tenths
            raise ValueError(f"{self.symbol}: level_quantity {self.level_quantity} is less than ten lots")
        return self

    @property
    def market_id(self) -> MarketId:
        """The market's name."""
        return MarketId(self.product, self.symbol)


class MarketList(BaseModel):
    """The markets file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    markets: tuple[Market, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [market.market_id for market in self.markets]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"listed more than once: {sorted(twice)}")
        return self


def load_markets(path: Path | None) -> tuple[Market, ...]:
    """Return the markets of a JSON file, or the built-in ones. Raises ValueError saying what is wrong where."""
    if path is None:
        return DEFAULT_MARKETS
    return MarketList.model_validate_json(path.read_bytes()).markets


def _spot(base: str, price: str, tick: str, lot: str, size: str, *, spread: int, spacing: int) -> Market:
    return Market(
        symbol=base + "USDT",
        product=Product.SPOT,
        base=base,
        quote="USDT",
        start_price=Decimal(price),
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_notional=Decimal(1),
        maker_fee_bps=Decimal(10),
        taker_fee_bps=Decimal(10),
        half_spread_ticks=spread,
        level_spacing_ticks=spacing,
        level_quantity=Decimal(size),
    )


def _perpetual(base: str, price: str, tick: str, lot: str, size: str, *, spread: int, spacing: int) -> Market:
    spot = _spot(base, price, tick, lot, size, spread=spread, spacing=spacing)
    changes = {
        "product": Product.USDT_PERPETUAL,
        "min_notional": Decimal(5),
        "maker_fee_bps": Decimal(2),
        "taker_fee_bps": Decimal(6),
    }
    return spot.model_copy(update=changes)


DEFAULT_MARKETS = (
    _spot("BTC", "60000", "0.01", "0.000001", "0.5", spread=50, spacing=100),
    _spot("ETH", "3000", "0.01", "0.0001", "5", spread=5, spacing=20),
    _spot("SOL", "150", "0.01", "0.0001", "60", spread=1, spacing=2),
    _perpetual("BTC", "60000", "0.1", "0.0001", "1", spread=5, spacing=10),
    _perpetual("ETH", "3000", "0.01", "0.01", "10", spread=5, spacing=20),
    _perpetual("SOL", "150", "0.001", "0.1", "100", spread=10, spacing=20),
)
"""What is listed without a markets file; grids and fees resemble the real ones."""
