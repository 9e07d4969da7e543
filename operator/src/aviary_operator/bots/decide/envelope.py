"""The envelope: what a bot may not exceed, from its own spec and its desk's ceilings.

A notional ceiling clamps (the tighter of the two counts, and says so in no condition: it is what a ceiling is for). A
connector, pair or leverage that the desk does not allow cannot be clamped and is refused. The desk's total is given
out in order of creation, then name: the bot that would exceed it is refused, so adding a bot never takes from those
that were there before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from aviary_crds.botconfig import OrderLimits
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.tradingbot import Market, Mode, TradingBotSpec
from aviary_crds.v1alpha1.tradingdesk import Ceilings

_MOST: Final = (
    "max_order_notional_quote",
    "max_notional_quote",
    "max_leverage",
    "max_daily_loss_bps",
    "max_drawdown_bps",
    "max_daily_turnover_bps",
    "max_cancels_per_minute",
    "max_base_share_bps",
)
"""Limits of which the smaller is the tighter."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a bot takes of its desk's total: the ceiling of its notional, not what it holds."""

    created: str
    name: str
    notional: Decimal | None
    """None when its spec cannot be read; it then counts as the most a bot of the desk may have."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a bot may not trade as it asks. ``reason`` is a condition's reason."""

    reason: str
    message: str


def build_limits(spec: TradingBotSpec, ceilings: Ceilings | None, *, capital: Decimal | None = None) -> OrderLimits:
    """Return the limits of the order guard: the tighter of the bot's own, the desk's and the granted capital."""
    order = spec.safety.max_order_notional_quote
    total = spec.safety.max_notional_quote or spec.capital.total_amount_quote
    leverage = spec.safety.max_leverage
    if capital is not None:
        total = min(total, capital)
    if ceilings:
        order = min(order, ceilings.max_order_notional_quote)
        total = min(total, ceilings.max_bot_notional_quote)
        leverage = min(leverage, ceilings.max_leverage)
    return OrderLimits(
        allowed_pairs=spec.market.trading_pairs,
        max_order_notional_quote=order,
        max_notional_quote=total,
        max_leverage=leverage,
        max_daily_loss_bps=spec.safety.max_daily_loss_bps,
        max_drawdown_bps=spec.safety.max_drawdown_bps,
        max_daily_turnover_bps=spec.safety.max_daily_turnover_bps,
        max_cancels_per_minute=spec.safety.max_cancels_per_minute,
        min_base_share_bps=spec.safety.min_base_share_bps,
        max_base_share_bps=spec.safety.max_base_share_bps,
    )


def tighten_limits(running: OrderLimits, wanted: OrderLimits) -> OrderLimits:
    """Return ``running`` with every figure that is tighter in ``wanted``: tightening never waits for a person."""
    tighter: dict[str, Decimal | int] = {name: min(getattr(running, name), getattr(wanted, name)) for name in _MOST}
    # a floor never rises above its ceiling: a band that two limits leave empty forbids what would move away from it
    tighter["min_base_share_bps"] = max(running.min_base_share_bps, wanted.min_base_share_bps)
    return running.model_copy(update=tighter)


def find_market_refusal(market: Market, ceilings: Ceilings, *, desk: str) -> Refusal | None:
    """Return why the desk does not allow this market, or None when it does."""
    if market.connector not in ceilings.connectors:
        return Refusal(
            "ConnectorNotAllowed",
            f"desk {desk} does not allow connector {market.connector}; it allows {_some(ceilings.connectors)}",
        )
    outside = [pair for pair in market.trading_pairs if pair not in ceilings.trading_pairs]
    if outside:
        return Refusal(
            "PairNotAllowed",
            f"desk {desk} does not allow {_some(outside)}; it allows {_some(ceilings.trading_pairs)}",
        )
    if market.leverage > ceilings.max_leverage:
        return Refusal(
            "LeverageAboveCeiling",
            f"leverage {market.leverage} is above desk {desk}'s ceiling of {ceilings.max_leverage}",
        )
    return None


def find_total_refusal(name: str, claims: Sequence[Claim], ceilings: Ceilings, *, desk: str) -> Refusal | None:
    """Return why the desk's total has no room for the bot, or None when it has.

    A bot that was refused takes nothing, so a smaller one after it may still fit.
    """
    left = ceilings.max_total_notional_quote
    for claim in sorted(claims, key=lambda item: (item.created, item.name)):
        most = ceilings.max_bot_notional_quote
        wanted = most if claim.notional is None else min(claim.notional, most)
        if wanted <= left:
            left -= wanted
            if claim.name == name:
                return None
        elif claim.name == name:
            return Refusal(
                "DeskTotalExceeded",
                f"a notional of {decimal_text(wanted)} does not fit into desk {desk}'s total of "
                f"{decimal_text(ceilings.max_total_notional_quote)}: older bots leave {decimal_text(left)}; "
                "lower safety.maxNotionalQuote or stop an older bot",
            )
    return Refusal("DeskTotalExceeded", f"the claim on desk {desk}'s total is not known yet")


def claims_total(mode: Mode) -> bool:
    """Whether a bot that asks for ``mode`` counts towards its desk's total: only one that sends orders does."""
    return mode.rank >= Mode.PAPER.rank


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004  what fits on a line
