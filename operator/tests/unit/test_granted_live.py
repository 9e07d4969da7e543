"""A bot whose gate grants Live: what it runs, what its status says, and what happens when the grant goes."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.botconfig import BotConfig
from aviary_crds.conditions import find_condition
from aviary_crds.digest import subject_digest
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.tradingbot import Safety, TradingBotSpec
from aviary_operator.bots.decide.plan import Plan, decide_plan
from aviary_operator.bots.decide.status import dump_status
from aviary_operator.bots.guard import check_bot
from aviary_operator.bots.observed import BotReport, GateView, Missing, Observed
from aviary_operator.bots.podinputs import read_applied
from aviary_operator.runtime.kinds import CONFIG_MAP

from .builders import NOW, bot_record, desk_view, observed
from .test_plan import children, condition, converge
from .test_promotion import GRANT, gate_view

ALL_OF_SAFETY = tuple(field.alias or name for name, field in Safety.model_fields.items())
LIVE: dict[str, Any] = {
    "mode": "Live",
    "deskRef": {"name": "risk"},
    "gateRef": {"name": "to-live"},
    "safety": {"maxNotionalQuote": "1000"},
}


def live_gate(seen: Observed, **grant: Any) -> GateView:
    """Return a gate that grants Live to exactly this bot."""
    spec = check_bot(seen.bot.name, seen.bot.spec)
    assert isinstance(spec, TradingBotSpec)
    digest = subject_digest(spec, code=None)
    changes = {"digest": digest, "image_id": "id", "capital_quote": Decimal(5000), **grant}
    return gate_view(GRANT.model_copy(update=changes))


def enforcing(seen: Observed) -> Observed:
    """Let the bot say that its guard enforces the whole envelope."""
    state = seen.report.state
    assert state is not None
    guard = state.guard.model_copy(update={"enforced": ALL_OF_SAFETY})
    return replace(seen, report=BotReport(state=state.model_copy(update={"guard": guard}), seen=NOW))


def asking() -> Observed:
    """Return a bot that asks for Live, runs on paper and enforces its envelope."""
    modes = ["Disabled", "NoTrade", "Paper", "Testnet", "Live"]
    seen, plan = converge(observed(bot_record(**LIVE), desk=desk_view(modes=modes), gate=gate_view(None)))
    assert condition(plan, "ModeGranted") == ("False", "GatePending")
    return enforcing(seen)


def granted(**grant: Any) -> tuple[Observed, Plan]:
    """Return that bot after its gate granted Live, and the plan made then."""
    seen = asking()
    seen = replace(seen, gate=live_gate(seen, **grant))
    return seen, decide_plan(seen, now=NOW)


def rendered(plan: Plan) -> BotConfig:
    """Return the configuration that the plan writes."""
    applied = read_applied(children(plan)[CONFIG_MAP])
    assert applied is not None
    return applied.config


def after(seen: Observed, plan: Plan) -> Observed:
    """Return what is seen once the plan's status was stored."""
    return replace(seen, bot=replace(seen.bot, status=dump_status(plan.status)))


def test_granted_live_is_shown_and_run_on_paper() -> None:
    _, plan = granted()
    assert plan.status.granted_mode is Mode.LIVE
    assert plan.status.granted_capital_quote == Decimal(5000)
    assert condition(plan, "ModeGranted") == ("True", "Granted")
    assert condition(plan, "ModeInForce") == ("False", "NoLivePath")
    assert plan.restart is None
    assert plan.retune is not None
    assert (plan.retune.mode, plan.retune.granted_mode) == (Mode.PAPER, Mode.LIVE)


def test_no_key_is_mounted_while_live_is_run_on_paper() -> None:
    _, plan = granted()
    assert "secretKeyRef" not in str(plan.children)
    assert "secretName" not in str(plan.children)


def test_grant_is_looked_at_again_when_it_ends() -> None:
    _, plan = granted(expires_time=NOW + timedelta(seconds=30))
    assert plan.requeue_after is not None
    assert plan.requeue_after <= 30


def test_granted_capital_bounds_limits_and_strategy() -> None:
    _, plan = granted(capital_quote=Decimal(100))
    config = rendered(plan)
    assert config.limits.max_notional_quote == Decimal(100)
    assert config.total_amount_quote == Decimal(100)
    assert [controller.config["total_amount_quote"] for controller in config.controllers] == ["100"]


def lose(seen: Observed, plan: Plan, gate: GateView | Missing | None, now: datetime = NOW) -> Plan:
    """Return the plan once the gate is as given."""
    return decide_plan(replace(after(seen, plan), gate=gate), now=now)


def test_lost_grant_halts_and_says_so_until_less_is_asked_for() -> None:
    seen, plan = granted()
    lost = lose(seen, plan, gate_view(None))
    assert lost.status.granted_mode is Mode.NO_TRADE
    assert condition(lost, "ModeGranted") == ("False", "GrantLost")
    assert condition(lost, "Halted") == ("True", "GrantLost")
    assert condition(lost, "Stalled") == ("True", "GrantLost")
    halted = replace(after(seen, lost), gate=gate_view(None))
    again = decide_plan(halted, now=NOW + timedelta(hours=9))
    assert again.status.granted_mode is Mode.NO_TRADE, "time alone heals nothing"
    lower = bot_record(dump_status(again.status), **{**LIVE, "mode": "Paper"})
    asked = decide_plan(replace(halted, bot=lower, spec=check_bot("alpha", lower.spec)), now=NOW)
    assert asked.status.granted_mode is Mode.PAPER
    assert find_condition(asked.status.conditions, "Halted") is None


def test_halt_is_remembered_under_a_lower_ceiling() -> None:
    seen, plan = granted()
    lost = lose(seen, plan, gate_view(None))
    paused = replace(after(seen, lost), gate=gate_view(None), desk=desk_view(modes=["Disabled"]))
    lower = decide_plan(paused, now=NOW)
    assert lower.status.granted_mode is Mode.DISABLED
    assert condition(lower, "Halted") == ("True", "GrantLost")
    back = replace(after(paused, lower), desk=desk_view(modes=["NoTrade", "Paper", "Live"]))
    assert decide_plan(back, now=NOW).status.granted_mode is Mode.NO_TRADE


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": {"parameters": {"refresh_seconds": 16}}},
        {"safety": {"maxOrderNotionalQuote": "10"}},
        {"image": "aviary.local/bot:2"},
        {"gateRef": {"name": "easier"}},
        {"credentialsRef": {"name": "other-keys"}},
        {"market": {"tradingPairs": ["ETH-USDT"]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_the_subject_voids_the_grant_at_once(change: dict[str, Any]) -> None:
    seen, plan = granted()
    changed = bot_record(dump_status(plan.status), **{**LIVE, **change})
    now = decide_plan(replace(after(seen, plan), bot=changed, spec=check_bot("alpha", changed.spec)), now=NOW)
    assert now.status.granted_mode is Mode.NO_TRADE
    assert condition(now, "Halted") == ("True", "GrantLost")


def test_more_capital_keeps_the_grant_and_its_ceiling() -> None:
    seen, plan = granted(capital_quote=Decimal(1000))
    richer = bot_record(dump_status(plan.status), **{**LIVE, "capital": {"totalAmountQuote": "90000"}})
    now = decide_plan(replace(after(seen, plan), bot=richer, spec=check_bot("alpha", richer.spec)), now=NOW)
    assert now.status.granted_mode is Mode.LIVE
    assert rendered(now).total_amount_quote == Decimal(1000)
    assert rendered(now).limits.max_notional_quote == Decimal(1000)


def test_spec_that_cannot_be_read_has_no_digest_and_no_grant() -> None:
    seen, plan = granted()
    broken = bot_record(dump_status(plan.status), **{**LIVE, "market": {"leverage": 99}})
    now = decide_plan(replace(after(seen, plan), bot=broken, spec=check_bot("alpha", broken.spec)), now=NOW)
    assert now.status.granted_mode is Mode.NO_TRADE


def test_desk_that_does_not_allow_live_wins_over_the_gate() -> None:
    seen, plan = granted()
    now = decide_plan(replace(after(seen, plan), desk=desk_view(modes=["NoTrade", "Paper"])), now=NOW)
    assert now.status.granted_mode is Mode.PAPER
    assert condition(now, "ModeGranted") == ("False", "DeskCeiling")
