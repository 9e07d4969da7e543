"""Where a bot trades."""

from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from aviary_crds.quantities import Connector, TradingPair
from aviary_crds.rules import Distinct, Immutable, Rule
from aviary_crds.v1alpha1.base import SpecModel

_PERPETUAL: Final = "(self.connector.endsWith('_perpetual') || self.connector.endsWith('_perpetual_testnet'))"


class PositionMode(StrEnum):
    """How a perpetual venue keeps positions of one pair."""

    ONE_WAY = "OneWay"
    HEDGE = "Hedge"


def _one_quote_asset(pairs: tuple[str, ...]) -> bool:
    return len({pair.rsplit("-", 1)[-1] for pair in pairs}) == 1


class Market(SpecModel):
    """Where the bot trades."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"{_PERPETUAL} || self.leverage == 1",
            message="leverage above 1 needs a perpetual connector (its name ends in _perpetual); use 1 on spot",
            holds=lambda market: market.is_perpetual or market.leverage == 1,
            field=".leverage",
        ),
        Rule(
            cel=f"{_PERPETUAL} || self.positionMode == 'OneWay'",
            message="positionMode Hedge needs a perpetual connector (its name ends in _perpetual); use OneWay on spot",
            holds=lambda market: market.is_perpetual or market.position_mode is PositionMode.ONE_WAY,
            field=".positionMode",
        ),
    )

    connector: Annotated[
        Connector,
        Rule(
            cel="!self.endsWith('_paper_trade')",
            message="paper trading is spec.mode: Paper; name the real connector, without _paper_trade",
            holds=lambda connector: not connector.endswith("_paper_trade"),
        ),
        Immutable(
            message="the connector of a bot cannot change: its history belongs to one venue; make a new TradingBot",
        ),
    ] = Field(
        description="Hummingbot connector, such as bitget or bitget_perpetual. Paper is a mode, never a connector name",
    )
    trading_pairs: Annotated[
        tuple[TradingPair, ...],
        Field(min_length=1, max_length=16),
        Distinct(),
        Rule(
            # a pair without a hyphen is refused by its own rule; here it counts as its own quote asset
            cel="self.all(pair, pair.substring(pair.lastIndexOf('-') + 1) "
            "== self[0].substring(self[0].lastIndexOf('-') + 1))",
            message="all pairs of a bot share one quote asset: capital and limits are amounts of it; "
            "make one TradingBot per quote asset",
            holds=_one_quote_asset,
        ),
    ] = Field(description="Pairs as BASE-QUOTE, upper case, such as BTC-USDT; all with the same quote asset")
    position_mode: PositionMode = Field(default=PositionMode.ONE_WAY, description="OneWay or Hedge; perpetuals only")
    leverage: Annotated[int, Field(strict=True, ge=1, le=20)] = Field(
        default=1, description="Leverage the bot sets at the venue; at most safety.maxLeverage"
    )

    @property
    def is_perpetual(self) -> bool:
        """Whether the connector trades perpetual contracts."""
        return self.connector.endswith(("_perpetual", "_perpetual_testnet"))
