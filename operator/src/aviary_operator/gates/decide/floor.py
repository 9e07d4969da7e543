"""The floor for Live: the seven KPIs of the paper soak, as checks that a gate can neither leave out nor loosen.

Rows R-173 and R-194. The figures are those of the desk's own paper soak; the window is the operator's.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final

from aviary_crds.v1alpha1.gatechecks import (
    FLOOR_PREFIX,
    BotField,
    BotSource,
    Check,
    Comparison,
    Threshold,
)
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import LIVE_FLOOR_LEVEL, PromotionGateSpec

FULL_FLOOR_SECONDS: Final = 7_200
"""Row R-173: at least two hours."""

_EVERY_SECONDS: Final = 15
_OLDEST_SECONDS: Final = 300
_MOST_INCONCLUSIVE: Final = 10_000
"""A figure that was once unknown is no verdict on the run; while it is unknown the check is not Passed."""

_FLOOR: Final[tuple[tuple[str, BotField, Comparison, str, str], ...]] = (
    ("running", BotField.RUNNING_SHARE_BPS, Comparison.AT_LEAST, "6500", "ready and guard Running in 65 % of samples"),
    ("daily-loss", BotField.DAY_LOSS_BPS, Comparison.LESS_THAN, "150", "daily loss below 1.5 %"),
    ("drawdown", BotField.DRAWDOWN_BPS, Comparison.LESS_THAN, "250", "drawdown below 2.5 %"),
    ("hard-stops", BotField.HARD_STOPS, Comparison.EQUAL, "0", "no hard stop"),
    ("cancels", BotField.CANCELS_IN_BUDGET_SHARE_BPS, Comparison.MORE_THAN, "9500", "cancels in budget in over 95 %"),
    ("fills", BotField.FILLS, Comparison.AT_LEAST, "1", "it traded"),
    ("rejects", BotField.REJECTED_ORDERS, Comparison.AT_MOST, "5", "at most 5 orders refused by the venue"),
    ("fees", BotField.FEE_SOURCE_KNOWN_SHARE_BPS, Comparison.AT_LEAST, "10000", "fees never set by hand"),
    ("inventory", BotField.INVENTORY_IN_BAND_SHARE_BPS, Comparison.AT_LEAST, "10000", "base share in its band always"),
)

FLOOR_NAMES: Final = frozenset(f"{FLOOR_PREFIX}{name}" for name, *_ in _FLOOR)


def needs_floor(spec: PromotionGateSpec) -> bool:
    """Whether the operator adds the floor: to a gate to Live, and where the gate asks for rung 3 itself."""
    return spec.to is Mode.LIVE or spec.min_level >= LIVE_FLOOR_LEVEL


@lru_cache(maxsize=8)
def build_floor(floor_seconds: int) -> tuple[Check, ...]:
    """Return the nine checks of the seven KPIs over the newest ``floor_seconds`` of the run.

    Raises:
        ValueError: when the window is not above 0, for a window of 0 would be all of a run, however young.
    """
    if floor_seconds <= 0:
        raise ValueError(f"the floor's window must be above 0 seconds, not {floor_seconds}; set floorSeconds")
    return tuple(
        # the rules of Check keep the prefix for us, so it is built past them
        Check.model_construct(
            name=f"{FLOOR_PREFIX}{name}",
            description=f"floor for Live: {description}",
            bot=BotSource(field=field, window_seconds=floor_seconds),
            threshold=Threshold(comparison=comparison, value=Decimal(value)),
            max_age_seconds=_OLDEST_SECONDS,
            period_seconds=_EVERY_SECONDS,
            inconclusive_limit=_MOST_INCONCLUSIVE,
        )
        for name, field, comparison, value, description in _FLOOR
    )


def all_checks(spec: PromotionGateSpec, floor_seconds: int) -> tuple[Check, ...]:
    """Return what must be measured for a gate: its own checks, then the floor's."""
    return (*spec.checks, *build_floor(floor_seconds)) if needs_floor(spec) else spec.checks
