"""What is wrong is said where one looks first: the Ready condition names the cause."""

from collections.abc import Callable
from typing import Any

import pytest
from aviary_e2e.bots import Bot
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e

CAUSES: list[tuple[str, dict[str, Any], str, str]] = [
    ("bad-image", {"image": "aviary.local/no-such-bot:9.9.9"}, "ImagePullFailed", "aviary.local/no-such-bot:9.9.9"),
    ("no-class", {"storage": {"size": "1Gi", "storageClassName": "no-such-class"}}, "VolumeUnbound", "no-such-class"),
    (
        "no-code",
        {
            "strategy": {
                "controller": "mine",
                "type": "generic",
                "code": {"configMapRef": {"name": "absent", "key": "mine.py"}},
            }
        },
        "StrategyCodeMissing",
        "absent",
    ),
    ("no-desk", {"desk": "nobody"}, "DeskMissing", "nobody"),
]


@pytest.mark.parametrize(("name", "spec", "reason", "word"), CAUSES, ids=[cause[0] for cause in CAUSES])
def test_a_bot_that_cannot_run_says_why(
    name: str, spec: dict[str, Any], reason: str, word: str, make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Scenario 8: Ready=False with a reason, and a message that names the cause."""
    bot = make_bot(name, **spec)
    found = bot.wait_condition("Ready", "False", seconds=60, reason=reason)
    assert word in found.message
    saw(f"{name}: {found.reason}: {found.message}")


def test_a_crash_loop_is_reported_with_its_last_words(make_bot: Callable[..., Bot], saw: Callable[[str], None]) -> None:
    """Scenario 8: a process that is killed for its memory again and again is a crash loop with the cause."""
    bot = make_bot("crashes", resources={"requests": {"cpu": "100m", "memory": "40Mi"}, "limits": {"memory": "60Mi"}})
    found = bot.wait_condition("Ready", "False", seconds=120, reason="CrashLoop")
    assert "OOMKilled" in found.message
    until(
        "restarts",
        lambda: (pod := bot.pod()) is not None and pod["status"]["containerStatuses"][0]["restartCount"] > 0,
        seconds=60,
    )
    saw(f"{found.reason}: {found.message}")
