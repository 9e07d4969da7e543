"""Modes: what is asked for and what is granted."""

from collections.abc import Callable

import pytest
from aviary_e2e.bots import Bot
from aviary_e2e.venue import Venue
from aviary_e2e.waiting import throughout, until

pytestmark = pytest.mark.e2e


def test_live_stays_on_paper_and_says_why(
    make_bot: Callable[..., Bot], venue: Venue, saw: Callable[[str], None]
) -> None:
    """Scenario 9: Live is a request; without a grant the bot trades on paper, and no Secret is in its pod."""
    orders_before = venue.private_calls()
    bot = make_bot(
        "eager",
        mode="Live",
        gateRef={"name": "to-live"},
        credentialsRef={"name": "keys"},
        safety={"maxOrderNotionalQuote": "600", "maxNotionalQuote": "1000"},
    )
    bot.wait_ready()
    denied = bot.wait_condition("ModeGranted", "False", seconds=20, reason="GateMissing")
    state = bot.wait_fills()
    assert bot.granted() == "Paper"
    assert state.mode == "Paper"
    pod = bot.pod()
    assert pod is not None
    assert [volume["name"] for volume in pod["spec"]["volumes"] if "secret" in volume or "projected" in volume] == []
    sources = [
        env
        for container in pod["spec"]["containers"]
        for env in container.get("env", []) + container.get("envFrom", [])
    ]
    assert not any("secret" in str(source).lower() for source in sources)
    assert venue.private_calls() == orders_before
    saw(f"granted Paper, {state.figures.fills} paper fills, no Secret in the pod; {denied.reason}: {denied.message}")


def test_no_trade_runs_and_places_nothing(make_bot: Callable[..., Bot], saw: Callable[[str], None]) -> None:
    """NoTrade: the pod is Ready and ticks on the venue's data; no order is ever made."""
    bot = make_bot("watcher", mode="NoTrade")
    bot.wait_ready()

    def idle_but_awake() -> bool:
        state = bot.state()
        age = state.tick_age_seconds
        return (
            state.ready and age is not None and age < 20 and not state.figures.open_orders and not state.figures.fills
        )

    looks = throughout("awake without orders or fills", idle_but_awake, seconds=20)
    assert looks > 5
    saw(f"Ready and ticking, 0 orders and 0 fills at {looks} looks in 20 s")


def test_a_disabled_bot_has_no_pod_and_wakes_when_asked(
    make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Disabled: no pod; Paper: a pod; Disabled again: gone."""
    bot = make_bot("sleeper", mode="Disabled")
    until("the status", lambda: bot.granted() == "Disabled", seconds=30)
    assert bot.pod() is None
    bot.kubectl.patch("tradingbot", bot.name, bot.namespace, {"spec": {"mode": "Paper"}})
    bot.wait_ready()
    bot.kubectl.patch("tradingbot", bot.name, bot.namespace, {"spec": {"mode": "Disabled"}})
    until("the pod to be gone", lambda: bot.pod() is None, seconds=60)
    saw("no pod, then a Ready pod, then none")
