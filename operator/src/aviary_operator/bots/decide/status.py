"""The status: transitions at once, slow figures at most once a minute and only when one has changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Final

from aviary_crds.conditions import ConditionType, merge_conditions
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotStatus
from aviary_crds.v1alpha1.tradingbot import Observed as Figures
from pydantic import ValidationError

from aviary_operator.bots.decide.conditions import Statement
from aviary_operator.bots.decide.target import Aim
from aviary_operator.bots.observed import BotReport, Observed

FIGURES_PERIOD: Final = timedelta(seconds=60)
_LONGEST_REASONS: Final = 16


def build_status(
    observed: Observed, aim: Aim, statements: Sequence[Statement], *, suspended: bool, now: datetime
) -> TradingBotStatus:
    """Return the status that should be stored. Equal to the stored one means: nothing to write."""
    previous = read_status(observed.bot.status)
    generation = observed.bot.generation
    if suspended:
        statements = _suspended(statements)
    conditions = merge_conditions(previous.conditions, statements, generation=generation, now=now)
    state, pod, update = observed.report.state, observed.pod, aim.update
    wanted = aim.wanted or (update.config if update else None)
    fresh = TradingBotStatus(
        observed_generation=generation,
        granted_mode=aim.grant.mode if update is not None else Mode.DISABLED,
        granted_capital_quote=aim.promotion.capital if aim.grant.mode.needs_grant else None,
        digest=wanted.digest if wanted else None,
        revision=aim.target.revision if aim.target else previous.revision,
        running_revision=state.config.revision if state and pod else None,
        pod_name=pod.name if pod else None,
        image_id=pod.container.image_id if pod and pod.container else None,
        observed=previous.observed,
        conditions=conditions,
    )
    figures = read_figures(observed.report) or previous.observed
    if figures_due(previous.observed, figures, otherwise_changed=fresh != previous, now=now):
        return fresh.model_copy(update={"observed": figures})
    return fresh


def read_status(raw: Mapping[str, Any]) -> TradingBotStatus:
    """Return the stored status; an unreadable one reads as empty and is written anew."""
    try:
        status = TradingBotStatus.model_validate(dict(raw))
        return status.model_copy(update={"conditions": tuple(sorted(status.conditions, key=lambda item: item.type))})
    except ValidationError:
        return TradingBotStatus()


def dump_status(status: TradingBotStatus) -> dict[str, Any]:
    """Return the status as JSON for the API, whole seconds in its times as Kubernetes has them."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def figures_due(old: Figures, new: Figures, *, otherwise_changed: bool, now: datetime) -> bool:
    """Whether ``new`` should be stored: with any transition or the first fill, else when they differ after a minute."""
    if without_time(old) == without_time(new):
        return False
    first_fill = bool(new.fills) and not old.fills
    return otherwise_changed or first_fill or old.observed_time is None or now - old.observed_time >= FIGURES_PERIOD


def figures_wait(stored: Figures, report: BotReport, *, now: datetime) -> float | None:
    """Return the seconds until newer figures may be stored, None when there are none."""
    figures = read_figures(report)
    if figures is None or stored.observed_time is None or without_time(stored) == without_time(figures):
        return None
    return max(1.0, (stored.observed_time + FIGURES_PERIOD - now).total_seconds())


def without_time(figures: Figures) -> Figures:
    """Return the figures without the time at which they were said."""
    return figures.model_copy(update={"observed_time": None})


def read_figures(report: BotReport) -> Figures | None:
    """Return the slow figures of the bot's last state, or None when it never said any."""
    state = report.state
    if state is None or report.seen is None:
        return None
    account, guard = state.figures, state.guard
    return Figures(
        equity_quote=_for_the_board(account.equity_quote),
        day_pnl_quote=_for_the_board(account.day_pnl_quote),
        open_orders=account.open_orders,
        fills=account.fills,
        refused_orders=sum(guard.refusals.values()),
        last_fill_time=account.last_fill_time.replace(microsecond=0) if account.last_fill_time else None,
        guard_state=guard.state,
        guard_reasons=guard.reasons[:_LONGEST_REASONS],
        observed_time=report.seen.replace(microsecond=0),
    )


def _for_the_board(amount: Decimal | None) -> Decimal | None:
    """Return the amount as a person reads it: two decimals from 1 up, six significant digits below."""
    if amount is None or not amount.is_finite():
        return None
    if abs(amount) >= 1:
        return amount.quantize(Decimal("0.01"))
    return Context(prec=6).plus(amount)


def _suspended(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements of a bot that the operator leaves alone: it is neither in sync nor on its way."""
    left = {ConditionType.CONFIG_IN_SYNC, ConditionType.RECONCILING}
    said: Statement = (
        ConditionType.CONFIG_IN_SYNC,
        "Unknown",
        "Suspended",
        "spec.suspend is true: the operator changes nothing; the bot goes on as it is",
    )
    return (*(item for item in statements if item[0] not in left), said)
