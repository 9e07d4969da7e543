"""Whole decisions: from everything that is true to everything that is done."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.conditions import find_condition
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotSpec
from aviary_operator.bots.decide.envelope import Claim
from aviary_operator.bots.decide.plan import Plan, decide_plan
from aviary_operator.bots.decide.status import dump_status
from aviary_operator.bots.drift import find_drift
from aviary_operator.bots.observed import BotReport, Missing, Observed, RetuneRefusal
from aviary_operator.bots.podinputs import read_applied
from aviary_operator.bots.records import ChildRecord, read_child
from aviary_operator.runtime.kinds import CHILD_KINDS, CONFIG_MAP, STATEFUL_SET, Kind, Manifest
from hypothesis import given
from hypothesis import strategies as st

from .builders import NOW, bot_record, bot_spec, bot_state, desk_view, observed, pod_record, running

KINDS = {kind.kind: kind for kind in CHILD_KINDS}
MISSING_DESK = Missing("DeskMissing", "TradingDesk desk/risk does not exist; create it")
DESK_REF: dict[str, Any] = {"deskRef": {"name": "risk"}}
FULL = (Claim("1", "beta", Decimal(1500)), Claim("2", "gamma", Decimal(1000)), Claim("3", "alpha", None))
"""A desk whose total of 2500 is taken by older bots."""


def stored(manifest: Manifest, *, generation: int = 1) -> ChildRecord:
    """Return the manifest as the API server would show it."""
    kind = KINDS[manifest["kind"]]
    meta = {**manifest["metadata"], "uid": f"uid-{kind.kind}", "generation": generation, "resourceVersion": "5"}
    return read_child(kind, {**manifest, "metadata": meta, "status": {"observedGeneration": generation}})


def children(plan: Plan) -> dict[Kind, ChildRecord]:
    return {KINDS[manifest["kind"]]: stored(manifest) for manifest in plan.children}


def condition(plan: Plan, type_: str) -> tuple[str, str]:
    found = find_condition(plan.status.conditions, type_)
    return (found.status, found.reason) if found else ("", "")


def converge(seen: Observed) -> tuple[Observed, Plan]:
    """Do what the plan says, as the cluster would, and look again."""
    plan = decide_plan(seen, now=NOW)
    made = children(plan)
    applied = read_applied(made[CONFIG_MAP])
    assert applied is not None
    seen = replace(
        seen,
        children=made,
        applied=applied,
        pod=pod_record(boot_revision=applied.config.boot_revision),
        report=BotReport(state=bot_state(applied.config), seen=NOW),
        bot=replace(seen.bot, status=dump_status(plan.status)),
    )
    plan = decide_plan(seen, now=NOW)
    return replace(seen, bot=replace(seen.bot, status=dump_status(plan.status))), plan


def test_new_bot_gets_all_its_children_and_no_pod_of_its_own() -> None:
    plan = decide_plan(observed(), now=NOW)
    assert [manifest["kind"] for manifest in plan.children] == [kind.kind for kind in CHILD_KINDS]
    assert (plan.restart, plan.retune, plan.poll) == (None, None, False)
    assert condition(plan, "Ready") == ("False", "PodMissing")
    assert condition(plan, "Reconciling") == ("True", "PodMissing")


def test_converged_bot_has_nothing_left_to_do() -> None:
    seen, _ = converge(observed())
    again = decide_plan(seen, now=NOW)
    assert all(find_drift(item, seen.children[KINDS[item["kind"]]]) is None for item in again.children)
    assert (again.restart, again.retune, again.requeue_after) == (None, None, None)
    assert dump_status(again.status) == seen.bot.status
    assert condition(again, "Ready") == ("True", "Running")
    assert condition(again, "ConfigInSync") == ("True", "InSync")


def test_what_was_applied_can_be_read_back_whole() -> None:
    plan = decide_plan(observed(), now=NOW)
    applied = read_applied(children(plan)[CONFIG_MAP])
    assert applied is not None
    assert applied.config.intact
    assert applied.pod.image == "aviary.local/bot:1"


def test_config_map_edited_by_hand_is_not_believed() -> None:
    record = children(decide_plan(observed(), now=NOW))[CONFIG_MAP]
    data = {**record.body["data"], "bot.json": record.body["data"]["bot.json"].replace('"250"', '"9999"')}
    assert read_applied(replace(record, body={**record.body, "data": data})) is None


def test_new_pod_template_of_a_new_operator_restarts_nothing() -> None:
    seen, _ = converge(observed())
    item = seen.children[STATEFUL_SET]
    newer = replace(seen, children={**seen.children, STATEFUL_SET: replace(item, status={"updateRevision": "alpha-2"})})
    plan = decide_plan(newer, now=NOW)
    assert plan.restart is None
    found = find_condition(plan.status.conditions, "ConfigInSync")
    assert found is not None
    assert (found.status, found.message.partition("; ")[2]) == ("True", "pod template newer, taken at the next restart")


def test_pod_is_deleted_only_after_the_new_template_is_taken_over() -> None:
    seen, _ = converge(observed())
    changed = bot_record(image="aviary.local/bot:2")
    seen = replace(seen, bot=changed, spec=bot_spec(image="aviary.local/bot:2"))
    plan = decide_plan(seen, now=NOW)
    assert plan.restart is None, "the StatefulSet would make the old pod again"
    assert plan.requeue_after is not None
    made = children(plan)
    not_seen = replace(made[STATEFUL_SET], generation=2)
    assert decide_plan(replace(seen, children={**made, STATEFUL_SET: not_seen}), now=NOW).restart is None
    applied = read_applied(made[CONFIG_MAP])
    plan = decide_plan(replace(seen, children=made, applied=applied), now=NOW)
    assert plan.restart is not None
    assert plan.restart.uid == "pod-1"
    assert condition(plan, "Ready") == ("False", "Restarting")


def test_hot_change_is_pushed() -> None:
    seen, _ = converge(observed())
    change: dict[str, Any] = {"strategy": {"parameters": {"refresh_seconds": 5}}}
    seen = replace(seen, bot=bot_record(**change), spec=bot_spec(**change))
    plan = decide_plan(seen, now=NOW)
    assert plan.retune is not None
    assert plan.restart is None
    assert condition(plan, "ConfigInSync") == ("False", "RetunePending")


def test_refused_change_is_not_pushed_again() -> None:
    seen, _ = converge(observed())
    change: dict[str, Any] = {"strategy": {"parameters": {"refresh_seconds": 5}}}
    seen = replace(seen, bot=bot_record(**change), spec=bot_spec(**change))
    retune = decide_plan(seen, now=NOW).retune
    assert retune is not None
    refusal = RetuneRefusal(retune.revision, not_hot=False, message="must be above 4")
    plan = decide_plan(replace(seen, refusal=refusal), now=NOW)
    assert plan.retune is None
    assert condition(plan, "ConfigInSync") == ("False", "RetuneRefused")
    assert condition(plan, "Stalled") == ("True", "RetuneRefused")


@pytest.mark.parametrize(
    ("changes", "facts", "reason"),
    [
        ({"surprise": 1}, {}, "InvalidSpec"),
        (DESK_REF, {"desk": MISSING_DESK, "venues": MISSING_DESK}, "DeskMissing"),
        ({}, {"code": Missing("StrategyCodeMissing", "no ConfigMap")}, "StrategyCodeMissing"),
        (DESK_REF, {"desk": desk_view(), "venues": Missing("VenueMissing", "no Service")}, "VenueMissing"),
        (DESK_REF, {"desk": desk_view(tradingPairs=["ETH-USDT"])}, "PairNotAllowed"),
        (
            DESK_REF,
            {"desk": desk_view(claims=FULL)},
            "DeskTotalExceeded",
        ),
    ],
)
def test_bot_that_cannot_be_acted_on_is_not_started(
    changes: dict[str, Any], facts: dict[str, Any], reason: str
) -> None:
    plan = decide_plan(observed(bot_record(**changes), **facts), now=NOW)
    assert plan.children == ()
    assert plan.status.granted_mode is Mode.DISABLED
    assert condition(plan, "Ready") == ("False", reason)
    assert condition(plan, "Stalled") == ("True", reason)


def test_bot_that_its_desk_disables_waits_for_a_person() -> None:
    plan = decide_plan(observed(bot_record(**DESK_REF), desk=desk_view(modes=["Disabled"])), now=NOW)
    assert condition(plan, "Ready") == ("False", "Disabled")
    assert condition(plan, "Stalled") == ("True", "DeskCeiling")


def test_bot_that_is_disabled_as_asked_is_not_stalled() -> None:
    plan = decide_plan(observed(bot_record(mode="Disabled")), now=NOW)
    assert condition(plan, "Ready") == ("True", "Disabled")
    assert {item.type for item in plan.status.conditions}.isdisjoint({"Reconciling", "Stalled"})


def test_invalid_spec_leaves_a_running_bot_as_it_is() -> None:
    seen = running(bot_spec(), bot_record(surprise=1))
    plan = decide_plan(seen, now=NOW)
    assert plan.status.granted_mode is Mode.PAPER
    assert (plan.restart, plan.retune) == (None, None)
    assert condition(plan, "Stalled") == ("True", "InvalidSpec")
    assert condition(plan, "ConfigInSync") == ("False", "LastGood")
    assert condition(plan, "EnvelopeValid") == ("False", "InvalidSpec")


def test_invalid_spec_that_asks_for_disabled_stops_the_bot() -> None:
    seen = running(bot_spec(), bot_record(surprise=1, mode="Disabled"))
    assert decide_plan(seen, now=NOW).status.granted_mode is Mode.DISABLED


@pytest.mark.parametrize(
    ("facts", "granted"),
    [
        ({"desk": MISSING_DESK, "venues": MISSING_DESK}, Mode.NO_TRADE),
        ({"desk": desk_view(tradingPairs=["ETH-USDT"])}, Mode.NO_TRADE),
        ({"desk": desk_view(connectors=["binance"])}, Mode.NO_TRADE),
        ({"desk": desk_view(connectors=["binance"], modes=["Paper"])}, Mode.DISABLED),
        ({"desk": desk_view(claims=FULL)}, Mode.NO_TRADE),
        ({"desk": desk_view(claims=FULL, modes=["Paper"])}, Mode.DISABLED),
    ],
)
def test_running_bot_that_its_desk_no_longer_allows_places_no_orders(facts: dict[str, Any], granted: Mode) -> None:
    seen = running(bot_spec(), bot_record(**DESK_REF), **facts)
    assert decide_plan(seen, now=NOW).status.granted_mode is granted


def test_last_good_configuration_goes_on_when_only_the_new_market_is_not_allowed() -> None:
    changes: dict[str, Any] = {**DESK_REF, "market": {"tradingPairs": ["DOGE-USDT"]}}
    seen = running(bot_spec(), bot_record(**changes), desk=desk_view(maxOrderNotionalQuote="20"))
    plan = decide_plan(seen, now=NOW)
    assert plan.status.granted_mode is Mode.PAPER
    assert plan.retune is not None
    assert plan.retune.limits.max_order_notional_quote == Decimal(20)
    assert plan.retune.market.trading_pairs == ("BTC-USDT",)


def test_suspended_bot_is_only_looked_at() -> None:
    seen = running(bot_spec(), bot_record(suspend=True, image="aviary.local/bot:2"))
    plan = decide_plan(seen, now=NOW)
    assert (plan.children, plan.restart, plan.retune) == ((), None, None)
    assert condition(plan, "ConfigInSync") == ("Unknown", "Suspended")


def test_stopped_bot_keeps_its_children_and_has_no_replica() -> None:
    seen, _ = converge(observed())
    seen = replace(seen, bot=bot_record(mode="Disabled"), spec=bot_spec(mode="Disabled"))
    plan = decide_plan(seen, now=NOW)
    (item,) = [manifest for manifest in plan.children if manifest["kind"] == "StatefulSet"]
    assert item["spec"]["replicas"] == 0
    assert condition(plan, "Ready") == ("False", "Stopping")


def test_venue_that_is_unknown_leaves_the_network_policy_as_it_is() -> None:
    seen = running(bot_spec(), bot_record(**DESK_REF), desk=MISSING_DESK, venues=MISSING_DESK)
    assert "NetworkPolicy" not in [manifest["kind"] for manifest in decide_plan(seen, now=NOW).children]


def test_keys_of_the_venue_are_never_mounted() -> None:
    changes: dict[str, Any] = {
        "mode": "Live",
        "gateRef": {"name": "gate"},
        "credentialsRef": {"name": "venue-keys"},
        "safety": {"maxNotionalQuote": "10"},
        **DESK_REF,
    }
    desk = desk_view(modes=["Live", "Paper"])
    plan = decide_plan(observed(bot_record(**changes), desk=desk), now=NOW)
    assert "venue-keys" not in str(plan.children)
    assert "secret" not in str([item for item in plan.children if item["kind"] == "StatefulSet"]).lower()
    assert plan.status.granted_mode is Mode.PAPER
    assert condition(plan, "ModeGranted") == ("False", "GateMissing")


@given(
    mode=st.sampled_from(Mode),
    was=st.sampled_from([None, Mode.NO_TRADE, Mode.PAPER]),
    desk=st.sampled_from(
        [None, MISSING_DESK, desk_view(), desk_view(modes=["NoTrade"]), desk_view(connectors=["binance"])]
    ),
    valid=st.booleans(),
    manual=st.booleans(),
)
def test_nothing_ever_runs_above_paper_or_above_what_is_granted(
    *, mode: Mode, was: Mode | None, desk: Any, valid: bool, manual: bool
) -> None:
    changes: dict[str, Any] = {"mode": mode.value, "updatePolicy": "Manual" if manual else "Auto"}
    if mode.needs_grant or desk is not None:
        changes |= DESK_REF
    if mode.needs_grant:
        changes |= {"gateRef": {"name": "gate"}, "safety": {"maxNotionalQuote": "10"}}
    if not valid:
        changes |= {"surprise": 1}
    facts = {"desk": desk} if desk is not None or not mode.needs_grant else {"desk": MISSING_DESK}
    bot = bot_record(**changes)
    before: TradingBotSpec = bot_spec()
    seen = observed(bot, **facts) if was is None else running(before, bot, mode=was, **facts)
    plan = decide_plan(seen, now=NOW)
    granted = plan.status.granted_mode
    assert granted is not None
    assert granted.rank <= min(Mode.PAPER.rank, mode.rank)
    for manifest in plan.children:
        if manifest["kind"] == "StatefulSet" and manifest["spec"]["replicas"]:
            label = manifest["spec"]["template"]["metadata"]["labels"]["aviary.trading/mode"]
            assert Mode(label).rank <= granted.rank


def test_bot_that_falls_silent_is_looked_at_again_when_it_counts_as_unreachable() -> None:
    seen, _ = converge(observed())
    state = seen.report.state
    quiet = BotReport(state=state, seen=NOW, silent_since=NOW, error="refused")
    plan = decide_plan(replace(seen, report=quiet), now=NOW)
    assert condition(plan, "Ready") == ("True", "Running")
    assert plan.requeue_after is not None
    later = NOW + timedelta(seconds=plan.requeue_after)
    plan = decide_plan(replace(seen, report=quiet), now=later.replace(microsecond=0))
    assert condition(plan, "Ready") == ("False", "StateUnreachable")
    assert plan.requeue_after is None
