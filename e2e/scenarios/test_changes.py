"""Changes of a running bot: what Hummingbot can take live goes live, the rest restarts it when its desk says so."""

import time
from collections.abc import Callable

import pytest
from aviary_crds.labels import APPROVE_RESTART_ANNOTATION
from aviary_e2e.bots import Bot
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e

RETUNED = {"controller": "simple_market_maker", "parameters": {"spreads_bps": [20], "refresh_seconds": 10}}
LEVERED = {"connector": "bitget_perpetual", "tradingPairs": ["BTC-USDT"], "leverage": 3}


def _pod_identity(bot: Bot) -> tuple[str, int]:
    pod = bot.pod()
    assert pod is not None
    return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]


def _change(bot: Bot, spec: dict[str, object]) -> None:
    bot.kubectl.patch("tradingbot", bot.name, bot.namespace, {"spec": spec})


def test_a_hot_change_reaches_the_bot_without_a_restart(
    make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Scenario 2: new spreads and a tighter limit are in force within 10 s; pod and process are the same."""
    bot = make_bot("hot")
    bot.wait_ready()
    before = _pod_identity(bot)
    old = bot.state().config.revision
    begin = time.monotonic()
    _change(bot, {"strategy": RETUNED, "safety": {"maxOrderNotionalQuote": "550"}})
    state = until(
        "the new revision in the bot", lambda: s if (s := bot.state()).config.revision != old else None, seconds=10
    )
    in_force = time.monotonic() - begin
    bot.wait_condition("ConfigInSync", "True", seconds=10)
    status = until(
        "the status to say so", lambda: s if (s := bot.status()).running_revision == s.revision else None, seconds=10
    )
    said = time.monotonic() - begin
    assert status.running_revision == state.config.revision
    assert _pod_identity(bot) == before
    saw(f"in force after {in_force:.1f} s, in the status after {said:.1f} s, same pod, 0 restarts")


def test_a_change_that_is_not_hot_restarts_an_auto_bot(
    make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Scenario 3, Auto: another leverage needs a new process; the operator makes it, once."""
    bot = make_bot("auto", connector="bitget_perpetual")
    bot.wait_ready()
    before = _pod_identity(bot)
    begin = time.monotonic()
    _change(bot, {"market": LEVERED})
    until("a new pod", lambda: (pod := bot.pod()) is not None and pod["metadata"]["uid"] != before[0], seconds=60)
    bot.wait_ready()
    bot.wait_condition("ConfigInSync", "True", seconds=20)
    assert _pod_identity(bot)[1] == 0
    saw(f"new pod, Ready and in sync after {time.monotonic() - begin:.1f} s")


def test_a_manual_bot_waits_for_a_person(make_bot: Callable[..., Bot], saw: Callable[[str], None]) -> None:
    """Scenario 3, Manual: the change is held back, the status has the command, the command makes it."""
    bot = make_bot("manual", connector="bitget_perpetual", updatePolicy="Manual")
    bot.wait_ready()
    before = _pod_identity(bot)
    _change(bot, {"market": LEVERED})
    waiting = bot.wait_condition("ConfigInSync", "False", seconds=20, reason="RestartRequired")
    pending = bot.status().revision
    words = waiting.message
    command = words[words.index("kubectl ") : words.index(" --overwrite")] + " --overwrite"
    assert APPROVE_RESTART_ANNOTATION in command
    assert pending is not None
    assert _pod_identity(bot) == before

    bot.kubectl.run(*command.removeprefix("kubectl ").split())
    until("a new pod", lambda: (pod := bot.pod()) is not None and pod["metadata"]["uid"] != before[0], seconds=60)
    bot.wait_ready()
    bot.wait_condition("ConfigInSync", "True", seconds=20)
    saw(f"held back with: {command}; after it a new pod runs the revision")
