"""What `/state` says about the limits: each figure beside what it is compared with, null where it is not known."""

from decimal import Decimal
from typing import Final

from aviary_crds.botstate import RiskView

from aviary_bot.engine_view import EngineReading
from aviary_bot.risk_limits import BPS, is_inventory_in_band
from aviary_bot.standing_guard import StandingGuard

_SHOWN: Final = Decimal("0.0001")


def build_risk_view(reading: EngineReading, guard: StandingGuard | None, *, is_perpetual: bool) -> RiskView:
    """Return the view of a bot; all null before its guard is up."""
    if guard is None:
        return RiskView()
    risk, cancels = reading.risk, guard.cancels_last_minute
    return RiskView(
        day_loss_bps=_shown(risk.day_loss_bps),
        drawdown_bps=_shown(risk.drawdown_bps),
        day_turnover_bps=_shown(risk.day_turnover_bps),
        cancels_last_minute=cancels,
        cancels_in_budget=cancels <= guard.limits.max_cancels_per_minute,
        base_share_bps=None if reading.base_share is None else _shown(reading.base_share * BPS),
        inventory_in_band=is_inventory_in_band(
            guard.limits,
            is_perpetual=is_perpetual,
            base_share=reading.base_share,
            positions_notional_quote=reading.positions_notional_quote,
        ),
        leverage=reading.leverage,
        hard_stops=guard.ledger.hard_stops,
    )


def _shown(figure: Decimal | None) -> Decimal | None:
    return None if figure is None else figure.quantize(_SHOWN)
