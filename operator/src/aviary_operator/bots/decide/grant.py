"""The grant: what a bot may do now, the lowest of all who have a say.

The request, the gate (``promotion``), the desk's modes, and whatever else stands in the way. Anything unknown counts
as no.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aviary_crds.v1alpha1.tradingbot import Mode


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Somebody's say: no higher mode than this, and why. ``reason`` is a condition's reason."""

    mode: Mode
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The mode granted and why it is not the one asked for; ``reason`` is Granted when it is."""

    mode: Mode
    reason: str
    message: str

    @property
    def full(self) -> bool:
        """Whether the request was granted."""
        return self.reason == "Granted"


def decide_grant(
    requested: Mode, ceilings: Iterable[Ceiling], *, desk: str | None, desk_modes: Collection[Mode]
) -> Grant:
    """Return the grant: the highest mode that ``requested``, every ceiling and the desk's modes allow.

    ``desk_modes`` counts only when ``desk`` names one. The reason is that of whoever went lowest.
    """
    grant = Grant(requested, "Granted", f"{requested.value} as asked")
    for ceiling in ceilings:
        if ceiling.mode.rank < grant.mode.rank:
            grant = Grant(ceiling.mode, ceiling.reason, ceiling.message)
    if desk is None or grant.mode in desk_modes or grant.mode is Mode.DISABLED:
        return grant
    allowed = [mode for mode in desk_modes if mode.rank < grant.mode.rank]
    lower = max(allowed, key=lambda mode: mode.rank, default=Mode.DISABLED)
    names = ", ".join(mode.value for mode in sorted(desk_modes, key=lambda mode: mode.rank))
    return Grant(lower, "DeskCeiling", f"desk {desk} allows {names}, not {grant.mode.value}; granted {lower.value}")
