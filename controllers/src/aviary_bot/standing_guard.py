"""The order guard on duty: limits, latch, ledger and counts of one running bot, around the pure decisions.

It refuses, watches, counts and remembers; cancelling resting orders after a pause or a kill is the engine's part. A
state is on the volume before it takes effect. The account is looked at every second and before each order.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from aviary_crds.botconfig import OrderLimits
from aviary_crds.botstate import GuardView, Refusal
from aviary_crds.v1alpha1.tradingbot import GuardState, Mode

from aviary_bot.cancel_budget import MOST_IN_A_ROW, CancelBudget
from aviary_bot.guard_latch import Latch, decide_kill, decide_pause, decide_resume, load_latch, store_latch
from aviary_bot.order_guard import ENFORCED, Exposure, OrderRequest, RefusalCode, Refused, decide_order
from aviary_bot.risk_ledger import DayOpening, RiskLedger, RiskMemory, observed, started, stop_counted
from aviary_bot.risk_limits import AccountLook, RiskFigures, decide_breach, measure

UNKNOWN_EQUITY_SECONDS: Final = 30.0
"""An equity that is unknown for longer cannot be held against any limit: orders wait until it is known."""

LOG_EVERY_SECONDS: Final = 60.0
"""A strategy may ask for a refused order every second for ever: each code is logged this often at most."""

_log = logging.getLogger(__name__)


class StandingGuard:
    """Decides on every order of the process. Restored from the volume when made, before the first tick."""

    def __init__(
        self,
        *,
        mode: Mode,
        limits: OrderLimits,
        capital_quote: Decimal,
        latch_path: Path,
        memory: RiskMemory,
        monotonic: Callable[[], float],
    ) -> None:
        self.mode = mode
        self.limits = limits
        self._capital_quote = capital_quote
        self._memory = memory
        self._cancels = CancelBudget()
        self._unknown_since: float | None = None
        self._latch_path = latch_path
        self._latch = load_latch(latch_path)
        self._monotonic = monotonic
        self._holds: dict[str, str] = {}
        self._logged: dict[RefusalCode, float] = {}
        self.refusals: Counter[str] = Counter()
        self.last_refusal: Refusal | None = None
        self.kills = 0
        self._count_stop()

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

    def is_held_by(self, part: str) -> bool:
        """Whether that part of the process holds orders."""
        return part in self._holds

    def release(self, part: str) -> None:
        """End that part's hold; other holds, pauses and kills stay."""
        if self._holds.pop(part, None) is not None:
            _log.warning("orders are no longer held by the %s", part)

    def review(self, request: OrderRequest, exposure: Exposure) -> Refused | None:
        """Return why the order must not go out, or None. Refusals are counted and told. `observe` first."""
        refused = decide_order(request, mode=self.mode, state=self.state, limits=self.limits, exposure=exposure)
        if refused is not None and refused.code is RefusalCode.PAUSED and self._holds:
            refused = Refused(RefusalCode.PAUSED, f"orders are held: {'; '.join(self._holds.values())}")
        if refused is not None:
            self._note(request, refused)
        return refused

    # -- what is watched ---------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> RiskLedger:
        """The day's opening, the peak and the counts since the bot was made."""
        return self._memory.ledger

    @property
    def cancels_last_minute(self) -> int:
        """Cancels that the strategy sent in the last 60 seconds."""
        return self._cancels.count(self._monotonic())

    @property
    def cancel_breaches(self) -> int:
        """Minutes since the start of the process in which the cancel budget was exceeded."""
        return self._cancels.breaches

    def measure(self, account: AccountLook) -> RiskFigures:
        """Return what the loss limits are compared with."""
        return measure(self.ledger, account, capital_quote=self._capital_quote)

    def observe(self, account: AccountLook, now: datetime) -> None:
        """Look at the account: note the day and the peak, hold or stop the bot when a limit says so."""
        known = account.known
        ledger = self.ledger if known is None else observed(self.ledger, equity=known[0], volume=known[1], now=now)
        self._remember(ledger)
        self._judge_equity(account)
        self._judge_cancels()
        breach = decide_breach(self.measure(account), self.limits)
        if breach is not None:
            self._stop(breach)

    def note_cancel(self) -> None:
        """Count a cancel that is about to be sent.

        One that is sent while the guard lets nothing out takes orders off because the guard says so: it does not count.
        """
        if self.state == "Running":
            self._cancels.note(self._monotonic())
            self._judge_cancels()

    def note_rejection(self) -> None:
        """Count an order that failed without the guard having refused it."""
        self._remember(self.ledger.model_copy(update={"rejected_orders": self.ledger.rejected_orders + 1}))

    def note_start(self, noted: DayOpening | None) -> None:
        """Count a start of the process; `noted` as in `risk_ledger.started`."""
        self._remember(started(self.ledger, noted))

    # -- what people and the operator do -----------------------------------------------------------------------------

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
        finally:
            self._count_stop()

    def view(self) -> GuardView:
        """Return the guard as `/state` shows it."""
        return GuardView(
            state=self.state,
            reasons=(*self._latch.reasons, *self._holds.values()),
            enforced=ENFORCED,
            refusals=dict(self.refusals),
            last_refusal=self.last_refusal,
        )

    def _judge_equity(self, account: AccountLook) -> None:
        now = self._monotonic()
        if account.known is not None:
            self._unknown_since = None
            self.release("equity")
            return
        if self._unknown_since is None:
            self._unknown_since = now
        if now - self._unknown_since > UNKNOWN_EQUITY_SECONDS:
            lacking = f": {account.lacking}" if account.lacking else ""
            self.hold("equity", f"the equity is unknown for more than {UNKNOWN_EQUITY_SECONDS:.0f} s{lacking}")

    def _judge_cancels(self) -> None:
        limit = self.limits.max_cancels_per_minute
        match self._cancels.judge(limit, self._monotonic()):
            case "Within":
                self.release("cancels")
            case "Exceeded":
                self.hold("cancels", f"more cancels in a minute than maxCancelsPerMinute {limit}")
            case "Exhausted":
                self._stop(f"more cancels than maxCancelsPerMinute {limit} in {MOST_IN_A_ROW} minutes in a row")

    def _stop(self, reason: str) -> None:
        """Stop for good by itself, once: a stop that is in force already needs no second reason."""
        if self.state == "HardStopped":
            return
        try:
            self.kill(reason)
        except OSError as error:
            _log.error("the hard stop is in force, but cannot be stored: %s", error)

    def _count_stop(self) -> None:
        if self._latch.state == "HardStopped":
            since = self._latch.since
            self._remember(stop_counted(self.ledger, "unreadable latch" if since is None else since.isoformat()))

    def _remember(self, ledger: RiskLedger) -> None:
        try:
            self._memory.keep(ledger)
        except OSError as error:
            self.hold("ledger", f"risk.json cannot be written ({error.strerror})")
        else:
            self.release("ledger")

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
