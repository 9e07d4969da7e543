"""The order guard on duty: limits, latch and counts of one running bot, around the pure decision.

It refuses, counts and remembers; cancelling resting orders after a pause or a kill is the engine's part. A state is
on the volume before it takes effect.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aviary_crds.botconfig import OrderLimits
from aviary_crds.botstate import GuardView, Refusal
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode

from aviary_bot.guard_latch import Latch, decide_kill, decide_pause, decide_resume, load_latch, store_latch
from aviary_bot.order_guard import ENFORCED, Exposure, OrderRequest, RefusalCode, Refused, decide_order

LOG_EVERY_SECONDS = 60.0
"""A strategy may ask for a refused order every second for ever: each code is logged this often at most."""

_log = logging.getLogger(__name__)


class StandingGuard:
    """Decides on every order of the process. Restored from the volume when made, before the first tick."""

    def __init__(self, *, mode: Mode, limits: OrderLimits, latch_path: Path, monotonic: Callable[[], float]) -> None:
        self.mode = mode
        self.limits = limits
        self._latch_path = latch_path
        self._latch = load_latch(latch_path)
        self._monotonic = monotonic
        self._holds: dict[str, str] = {}
        self._logged: dict[RefusalCode, float] = {}
        self.refusals: Counter[str] = Counter()
        self.last_refusal: Refusal | None = None
        self.kills = 0

    @property
    def state(self) -> GuardState:
        """Running, SoftPaused (by someone, or held by the process itself) or HardStopped."""
        return "SoftPaused" if self._holds and self._latch.state == "Running" else self._latch.state

    @property
    def lets_orders_out(self) -> bool:
        """Whether any order could pass now; strategies need not be asked while none can."""
        return self.state == "Running" and self.mode is not Mode.NO_TRADE

    def hold(self, part: str, why: str) -> None:
        """Refuse every order until that part of the process releases them: it cannot trade safely now."""
        if part not in self._holds:
            _log.warning("orders are held: %s", why)
        self._holds[part] = why

    def release(self, part: str) -> None:
        """End that part's hold; other holds, pauses and kills stay."""
        if self._holds.pop(part, None) is not None:
            _log.warning("orders are no longer held by the %s", part)

    def review(self, request: OrderRequest, exposure: Exposure) -> Refused | None:
        """Return why the order must not go out, or None. Refusals are counted and told."""
        refused = decide_order(request, mode=self.mode, state=self.state, limits=self.limits, exposure=exposure)
        if refused is not None and refused.code is RefusalCode.PAUSED and self._holds:
            refused = Refused(RefusalCode.PAUSED, f"orders are held: {'; '.join(self._holds.values())}")
        if refused is not None:
            self._note(request, refused)
        return refused

    def pause(self, reason: str) -> GuardView:
        """Refuse new orders until resumed; stored first."""
        return self._change(decide_pause(self._latch, reason, datetime.now(UTC)))

    def resume(self) -> GuardView:
        """End a pause; a kill stays."""
        return self._change(decide_resume(self._latch))

    def kill(self, reason: str) -> GuardView:
        """Refuse orders for good; stored first, survives restarts."""
        self.kills += 1
        latch = decide_kill(self._latch, reason, datetime.now(UTC))
        try:
            return self._change(latch)
        except OSError:
            # A volume that cannot be written must not keep a bot trading that somebody wants dead.
            self._latch = latch
            raise

    def view(self) -> GuardView:
        """Return the guard as `/state` shows it."""
        return GuardView(
            state=self.state,
            reasons=(*self._latch.reasons, *self._holds.values()),
            enforced=ENFORCED,
            refusals=dict(self.refusals),
            last_refusal=self.last_refusal,
        )

    def _change(self, latch: Latch) -> GuardView:
        if latch != self._latch:
            store_latch(self._latch_path, latch)
            self._latch = latch
            _log.warning("order guard is %s: %s", latch.state, "; ".join(latch.reasons) or "resumed")
        return self.view()

    def _note(self, request: OrderRequest, refused: Refused) -> None:
        self.refusals[refused.code.value] += 1
        message = f"{request.direction} {request.quantity} {request.trading_pair}: {refused.message}"
        self.last_refusal = Refusal(time=datetime.now(UTC), code=refused.code.value, message=message)
        now = self._monotonic()
        if now - self._logged.get(refused.code, -LOG_EVERY_SECONDS) >= LOG_EVERY_SECONDS:
            self._logged[refused.code] = now
            count = self.refusals[refused.code.value]
            _log.warning("order refused (%s, %d so far): %s", refused.code.value, count, message)
