"""Deleting a bot closes what it had open and leaves nothing."""

import time
from collections.abc import Callable

import pytest
from aviary_e2e.bots import Bot
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e


def test_deleting_a_bot_cancels_its_orders_and_removes_its_children(
    make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Scenario 4: the bot says in its last words that nothing is open; every child is gone."""
    bot = make_bot("gone")
    bot.wait_ready()
    until("resting orders", lambda: (bot.state().figures.open_orders or 0) > 0, seconds=60)
    children = bot.children()
    begin = time.monotonic()
    with bot.kubectl.follow_logs(bot.pod_name, bot.namespace) as logs:
        bot.kubectl.delete("tradingbot", bot.name, bot.namespace, wait=True)
        assert bot.kubectl.get("tradingbot", bot.name, bot.namespace) is None
        until("all children to be gone", lambda: not bot.children(), seconds=60)
        words = logs.wait_end(seconds=20)
    last = [str(line.get("event")) for line in words if str(line.get("event")).startswith("stopped after")]
    assert last, words[-5:]
    assert last[-1].endswith("nothing is open")
    saw(
        f"{sum(len(names) for names in children.values())} children gone after {time.monotonic() - begin:.1f} s; "
        f"last words: {last[-1]}"
    )
