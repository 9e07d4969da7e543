"""What is done about a change."""

from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.v1alpha1.tradingbot import Mode, UpdatePolicy
from aviary_operator.bots.decide.envelope import build_limits
from aviary_operator.bots.decide.update import Step, Update, decide_last_good, decide_update
from aviary_operator.bots.podinputs import Applied

from .builders import applied, bot_spec, target

HOT: dict[str, Any] = {"strategy": {"parameters": {"refresh_seconds": 5}}}
TIGHTER: dict[str, Any] = {"safety": {"maxOrderNotionalQuote": "10"}}
COLD: dict[str, Any] = {"market": {"tradingPairs": ["ETH-USDT"]}}
IMAGE: dict[str, Any] = {"image": "aviary.local/bot:2"}
MORE: dict[str, Any] = {"resources": {"limits": {"memory": "1Gi"}}}


def decide(change: dict[str, Any], **options: Any) -> Update:
    facts: dict[str, Any] = {
        "running": True,
        "trading": True,
        "updatable": ("refresh_seconds",),
        "not_hot": None,
        "policy": UpdatePolicy.AUTO,
        "approved": None,
        **options,
    }
    return decide_update(target(bot_spec(**change)), applied(bot_spec()), **facts)


@pytest.mark.parametrize(
    ("change", "options", "step"),
    [
        ({}, {}, Step.KEEP),
        (HOT, {}, Step.RETUNE),
        (TIGHTER, {}, Step.RETUNE),
        ({"telemetry": {"logLevel": "Debug"}}, {}, Step.RETUNE),
        (HOT, {"updatable": ()}, Step.RESTART),
        (HOT, {"updatable": None}, Step.WAIT),
        (HOT, {"updatable": None, "trading": False}, Step.RESTART),
        (COLD, {"updatable": None}, Step.RESTART),
        (COLD, {}, Step.RESTART),
        (IMAGE, {}, Step.RESTART),
        (MORE, {}, Step.RESTART),
        (HOT | COLD, {}, Step.RESTART),
        (HOT, {"policy": UpdatePolicy.MANUAL}, Step.RETUNE),
        (COLD, {"policy": UpdatePolicy.MANUAL}, Step.HOLD),
        (IMAGE, {"policy": UpdatePolicy.MANUAL}, Step.HOLD),
        (IMAGE, {"policy": UpdatePolicy.MANUAL, "approved": "sha256:another"}, Step.HOLD),
        (COLD, {"policy": UpdatePolicy.MANUAL, "running": False}, Step.START),
    ],
)
def test_step(change: dict[str, Any], options: dict[str, Any], step: Step) -> None:
    assert decide(change, **options).step is step


def test_approved_revision_restarts() -> None:
    held = decide(IMAGE, policy=UpdatePolicy.MANUAL)
    taken = decide(IMAGE, policy=UpdatePolicy.MANUAL, approved=held.waiting)
    assert taken.step is Step.RESTART
    assert taken.config.boot_revision == held.waiting
    assert taken.pod.image == "aviary.local/bot:2"


def test_approval_of_one_change_is_none_for_the_next() -> None:
    held = decide(IMAGE, policy=UpdatePolicy.MANUAL)
    assert decide(IMAGE | HOT, policy=UpdatePolicy.MANUAL, approved=held.waiting).step is Step.HOLD


def test_hot_change_keeps_the_boot_revision() -> None:
    update = decide(HOT)
    assert update.config.boot_revision == applied(bot_spec()).config.boot_revision
    assert update.config.intact
    assert update.config.controllers[0].config["refresh_seconds"] == 5


def test_field_that_the_bot_called_not_hot_restarts_it() -> None:
    revision = target(bot_spec(**HOT)).config.content_revision()
    assert decide(HOT, not_hot=revision).step is Step.RESTART
    assert decide(HOT, not_hot=revision, policy=UpdatePolicy.MANUAL).step is Step.HOLD


def test_refused_configuration_that_is_already_in_the_config_map_restarts_the_bot_once() -> None:
    wanted = target(bot_spec(**HOT))
    revision = wanted.config.content_revision()
    facts: dict[str, Any] = {
        "running": True,
        "trading": True,
        "updatable": ("refresh_seconds",),
        "not_hot": revision,
        "policy": UpdatePolicy.AUTO,
        "approved": None,
    }
    pushed = Applied(wanted.config.sealed(boot_revision=applied(bot_spec()).config.boot_revision), wanted.pod)
    assert decide_update(wanted, pushed, **facts).step is Step.RESTART
    assert decide_update(wanted, applied(bot_spec(**HOT)), **facts).step is Step.KEEP


def test_change_that_is_held_back_is_held_back_whole_but_for_tighter_limits() -> None:
    update = decide(HOT | COLD | TIGHTER | IMAGE, policy=UpdatePolicy.MANUAL)
    before = applied(bot_spec()).config
    assert update.step is Step.HOLD
    assert update.config.controllers == before.controllers
    assert update.pod.image == "aviary.local/bot:1"
    assert update.config.limits.max_order_notional_quote == Decimal(10)
    assert update.config.limits.allowed_pairs == before.limits.allowed_pairs
    assert update.config.boot_revision == before.boot_revision
    assert {"image", "market.tradingPairs"} <= set(update.cold)


def test_looser_limits_are_held_back_with_the_rest() -> None:
    update = decide(COLD | {"safety": {"maxOrderNotionalQuote": "900"}}, policy=UpdatePolicy.MANUAL)
    assert update.config.limits.max_order_notional_quote == Decimal(250)


@pytest.mark.parametrize("change", [{}, IMAGE])
def test_lower_mode_restarts_at_once_with_the_old_configuration(change: dict[str, Any]) -> None:
    wanted = target(bot_spec(**change), mode=Mode.NO_TRADE)
    update = decide_update(
        wanted,
        applied(bot_spec()),
        running=True,
        trading=True,
        updatable=(),
        not_hot=None,
        policy=UpdatePolicy.MANUAL,
        approved=None,
    )
    assert update.step is Step.LOWER
    assert update.config.mode is Mode.NO_TRADE
    assert update.pod.image == "aviary.local/bot:1"
    assert update.config.boot_revision != applied(bot_spec()).config.boot_revision
    assert bool(update.waiting) == bool(change)


def test_higher_mode_waits_for_approval_under_manual() -> None:
    update = decide_update(
        target(bot_spec()),
        applied(bot_spec(), mode=Mode.NO_TRADE),
        running=True,
        trading=True,
        updatable=(),
        not_hot=None,
        policy=UpdatePolicy.MANUAL,
        approved=None,
    )
    assert update.step is Step.HOLD
    assert update.config.mode is Mode.NO_TRADE


def test_last_good_goes_on_unchanged() -> None:
    before = applied(bot_spec())
    update = decide_last_good(before, limits=None, ceiling=Mode.PAPER)
    assert (update.step, update.config) == (Step.KEEP, before.config)


def test_last_good_is_tightened_and_never_loosened() -> None:
    before = applied(bot_spec())
    looser = build_limits(bot_spec(safety={"maxOrderNotionalQuote": "999", "maxNotionalQuote": "100"}), None)
    update = decide_last_good(before, limits=looser, ceiling=Mode.PAPER)
    assert update.step is Step.RETUNE
    assert update.config.limits.max_order_notional_quote == Decimal(250)
    assert update.config.limits.max_notional_quote == Decimal(100)


def test_last_good_is_lowered_when_its_mode_may_not_go_on() -> None:
    update = decide_last_good(applied(bot_spec()), limits=None, ceiling=Mode.NO_TRADE)
    assert (update.step, update.config.mode) == (Step.LOWER, Mode.NO_TRADE)
    assert update.config.intact


def test_boot_revision_does_not_depend_on_the_pod_template() -> None:
    """It is made of the configuration and the inputs, so a new operator version restarts nothing."""
    assert target(bot_spec()).boot_revision == target(bot_spec()).boot_revision
    assert target(bot_spec()).boot_revision != target(bot_spec(**IMAGE)).boot_revision
