"""What a bot should run now: grant, envelope and update put together.

Either the spec can be acted on, then there is a target and ``update`` says how to get there; or something stands in the
way (a spec that is invalid, a desk, code or venue that is missing, a market the desk does not allow), then a running
bot goes on with its last good configuration, never looser, and a stopped one is not started.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from aviary_crds.botconfig import BotConfig, OrderLimits
from aviary_crds.conditions import ConditionType
from aviary_crds.digest import subject_digest
from aviary_crds.v1alpha1.tradingbot import Mode, Safety, TradingBotSpec

from aviary_operator.bots.decide.envelope import (
    Refusal,
    build_limits,
    claims_total,
    find_market_refusal,
    find_total_refusal,
)
from aviary_operator.bots.decide.grant import Ceiling, Grant, decide_grant
from aviary_operator.bots.decide.promotion import HIGHEST_RUNNABLE, Candidate, Promotion, decide_promotion
from aviary_operator.bots.decide.update import Target, Update, decide_last_good, decide_update
from aviary_operator.bots.guard import InvalidSpec
from aviary_operator.bots.observed import DeskView, Missing, Observed
from aviary_operator.bots.podinputs import build_pod_inputs
from aviary_operator.bots.render.config import render_config
from aviary_operator.bots.render.venue import find_authorities, find_hosts
from aviary_operator.runtime.kinds import STATEFUL_SET

_SPEC_REASONS = frozenset({"InvalidSpec", "InvalidName", "ReservedParameter"})
_MARKET_REASONS = frozenset({"ConnectorNotAllowed", "PairNotAllowed", "LeverageAboveCeiling"})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the spec cannot be acted on. ``reason`` is a condition's reason."""

    reason: str
    message: str

    @property
    def about_envelope(self) -> bool:
        """Whether it makes EnvelopeValid False; otherwise something outside the spec is missing."""
        return self.reason in _SPEC_REASONS or self.reason in _MARKET_REASONS

    @property
    def about_spec(self) -> bool:
        """Whether the spec itself is wrong, whatever its surroundings."""
        return self.reason in _SPEC_REASONS


@dataclass(frozen=True, slots=True)
class Aim:
    """What the bot should run now.

    ``update`` is None when nothing should run. ``target`` is what the spec asks for, None while an ``obstacle`` keeps
    it from being rendered.
    """

    grant: Grant
    obstacle: Obstacle | None
    over_total: Refusal | None
    update: Update | None
    target: Target | None
    promotion: Promotion = field(default_factory=Promotion)

    @property
    def runs_lower(self) -> bool:
        """Whether a mode is granted that this release has no path to: the bot goes on in the highest it has."""
        return self.grant.mode.rank > HIGHEST_RUNNABLE.rank

    @property
    def wanted(self) -> BotConfig | None:
        """The configuration the spec asks for, as far as it can be rendered."""
        return self.target.config if self.target else None


def is_running(observed: Observed) -> bool:
    """Whether the bot is meant to have a pod as things are, or has one: what a change would disturb."""
    child = observed.children.get(STATEFUL_SET)
    replicas = child.body.get("spec", {}).get("replicas", 0) if child else 0
    return replicas != 0 or observed.pod is not None


def decide_aim(observed: Observed, *, now: datetime) -> Aim:
    """Return what the bot should run now."""
    spec, running = observed.spec, is_running(observed) and observed.applied is not None
    obstacle = find_obstacle(observed)
    desk = observed.desk if isinstance(observed.desk, DeskView) else None
    over_total = _find_over_total(observed, desk)
    requested = _requested_mode(observed)
    promotion = decide_promotion(requested, _candidate(observed), observed.gate, observed.raises, now=now)
    ceilings = [
        *promotion.ceilings,
        *_obstacle_ceilings(observed, obstacle, desk, running=running),
        *_total_ceiling(over_total, running=running),
    ]
    grant = decide_grant(
        requested,
        ceilings,
        desk=desk.name if desk else None,
        desk_modes=desk.spec.ceilings.modes if desk else (),
    )
    if isinstance(spec, InvalidSpec) or obstacle is not None:
        update = _go_on(observed, spec, desk, grant.mode)
        return Aim(grant, obstacle, over_total, update, None, promotion)
    if grant.mode is Mode.DISABLED:
        # rendered all the same, so that revision and digest of what would run can be seen
        return Aim(grant, None, over_total, None, _render(observed, spec, desk, Mode.NO_TRADE, None), promotion)
    target = _render(observed, spec, desk, grant.mode, promotion.capital if grant.mode.needs_grant else None)
    state = observed.report.state
    update = decide_update(
        target,
        observed.applied,
        running=running,
        trading=observed.pod is not None and observed.pod.ready,
        updatable=state.config.updatable_parameters if state else None,
        not_hot=observed.refusal.revision if observed.refusal and observed.refusal.not_hot else None,
        policy=spec.update_policy,
        approved=observed.bot.approved,
    )
    return Aim(grant, None, over_total, update, target, promotion)


def find_obstacle(observed: Observed) -> Obstacle | None:
    """Return the first thing that keeps the spec from being acted on, or None."""
    if isinstance(observed.spec, InvalidSpec):
        return Obstacle(observed.spec.reason, observed.spec.message)
    for needed in (observed.desk, observed.code, observed.venues):
        if isinstance(needed, Missing):
            return Obstacle(needed.reason, needed.message)
    if isinstance(observed.desk, DeskView):
        desk = observed.desk
        refusal = find_market_refusal(observed.spec.market, desk.spec.ceilings, desk=desk.name)
        if refusal is not None:
            return Obstacle(refusal.reason, refusal.message)
    return None


def _requested_mode(observed: Observed) -> Mode:
    """Return ``spec.mode``; of a spec that is invalid, the mode as written if that can be read, else the last one."""
    if isinstance(observed.spec, TradingBotSpec):
        return observed.spec.mode
    written = observed.bot.spec.get("mode")
    if written in set(Mode):
        return Mode(written)
    return observed.applied.config.mode if observed.applied else Mode.DISABLED


def _obstacle_ceilings(
    observed: Observed, obstacle: Obstacle | None, desk: DeskView | None, *, running: bool
) -> Iterator[Ceiling]:
    if obstacle is None:
        return
    if not running or observed.applied is None:
        yield Ceiling(Mode.DISABLED, obstacle.reason, f"not started: {obstacle.message}")
        return
    yield Ceiling(observed.applied.config.mode, obstacle.reason, f"last good configuration goes on: {obstacle.message}")
    if isinstance(observed.desk, Missing):
        yield Ceiling(Mode.NO_TRADE, obstacle.reason, f"no order is placed: {obstacle.message}")
    elif desk is not None:
        refusal = find_market_refusal(observed.applied.config.market, desk.spec.ceilings, desk=desk.name)
        if refusal is not None:
            yield Ceiling(Mode.NO_TRADE, refusal.reason, f"no order is placed: {refusal.message}")


def _total_ceiling(refusal: Refusal | None, *, running: bool) -> Iterator[Ceiling]:
    if refusal is not None:
        mode, how = (Mode.NO_TRADE, "no order is placed") if running else (Mode.DISABLED, "not started")
        yield Ceiling(mode, refusal.reason, f"{how}: {refusal.message}")


def _find_over_total(observed: Observed, desk: DeskView | None) -> Refusal | None:
    if desk is None or not claims_total(_requested_mode(observed)):
        return None
    return find_total_refusal(observed.bot.name, desk.claims, desk.spec.ceilings, desk=desk.name)


def _go_on(observed: Observed, spec: TradingBotSpec | InvalidSpec, desk: DeskView | None, mode: Mode) -> Update | None:
    if observed.applied is None or mode is Mode.DISABLED:
        return None
    limits = None
    if isinstance(spec, TradingBotSpec):
        limits = build_limits(spec, desk.spec.ceilings if desk else None)
    elif desk is not None:
        limits = _desk_limits(observed.applied.config, desk)
    return decide_last_good(observed.applied, limits=limits, ceiling=mode)


def _desk_limits(config: BotConfig, desk: DeskView) -> OrderLimits:
    ceilings = desk.spec.ceilings
    return OrderLimits(
        allowed_pairs=config.limits.allowed_pairs,
        max_order_notional_quote=ceilings.max_order_notional_quote,
        max_notional_quote=ceilings.max_bot_notional_quote,
        max_leverage=ceilings.max_leverage,
        max_daily_loss_bps=config.limits.max_daily_loss_bps,
        max_drawdown_bps=config.limits.max_drawdown_bps,
        max_daily_turnover_bps=config.limits.max_daily_turnover_bps,
        max_cancels_per_minute=config.limits.max_cancels_per_minute,
        min_base_share_bps=config.limits.min_base_share_bps,
        max_base_share_bps=config.limits.max_base_share_bps,
    )


def _candidate(observed: Observed) -> Candidate:
    """Return what the operator itself sees of the bot that a grant may be for."""
    bot, pod, state = observed.bot, observed.pod, observed.report.state
    enforces = None
    if state is not None and observed.report.silent_since is None:
        wanted = [field.alias or name for name, field in Safety.model_fields.items()]
        enforces = all(name in state.guard.enforced for name in wanted)
    return Candidate(
        name=bot.name,
        uid=bot.uid,
        digest=_digest(observed),
        image_id=pod.container.image_id if pod and pod.container else None,
        granted=_is_granted(observed),
        halted=_is_halted(observed),
        enforces_envelope=enforces,
    )


def _digest(observed: Observed) -> str | None:
    spec = observed.spec
    if isinstance(spec, InvalidSpec) or isinstance(observed.code, Missing):
        return None
    code = observed.code
    return observed.memo.once("digest", (spec, code), lambda: subject_digest(spec, code=code))


def _is_granted(observed: Observed) -> bool:
    """Whether the bot's stored status grants it a mode above Paper."""
    granted = observed.bot.status.get("grantedMode")
    return granted in set(Mode) and Mode(granted).needs_grant


def _is_halted(observed: Observed) -> bool:
    """Whether the bot is halted because it lost such a grant."""
    conditions = observed.bot.status.get("conditions") or []
    return any(
        item.get("type") == ConditionType.HALTED and item.get("reason") == "GrantLost"
        for item in conditions
        if isinstance(item, dict)
    )


def _render(
    observed: Observed, spec: TradingBotSpec, desk: DeskView | None, granted: Mode, capital: Decimal | None
) -> Target:
    bot = observed.bot
    ceilings = desk.spec.ceilings if desk else None
    venues = observed.venues if isinstance(observed.venues, tuple) else ()
    code = observed.code if isinstance(observed.code, str) else None

    mode = granted if granted.rank <= HIGHEST_RUNNABLE.rank else HIGHEST_RUNNABLE

    def render() -> Target:
        limits = build_limits(spec, ceilings, capital=capital)
        config = render_config(
            spec,
            name=bot.name,
            namespace=bot.namespace,
            uid=bot.uid,
            mode=mode,
            granted=granted,
            limits=limits,
            code=code,
            capital=capital,
        )
        pod = build_pod_inputs(spec, hosts=find_hosts(venues), authorities=find_authorities(venues), code=code)
        return Target(config, pod)

    return observed.memo.once("target", (bot.uid, spec, granted, capital, ceilings, venues, code), render)
