"""The chart is upgraded while bots run."""

from collections.abc import Callable

import pytest
from aviary_e2e.bots import Bot
from aviary_e2e.release import Release

pytestmark = pytest.mark.e2e


def test_an_upgrade_of_the_chart_keeps_bots_running(
    make_bot: Callable[..., Bot], release: Release, saw: Callable[[str], None]
) -> None:
    """Scenario 13: helm upgrade with another operator pod template: operator replaced, bots untouched, clean diff."""
    bot = make_bot("steady")
    bot.wait_ready()
    fills = bot.wait_fills().figures.fills
    pod = bot.pod()
    assert pod is not None
    operator_before = release.operator_pod()
    release.upgrade(changed=True)
    release.wait_operator(seconds=90)
    assert release.operator_pod() != operator_before
    bot.wait_ready()
    now = bot.pod()
    assert now is not None
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    assert now["status"]["containerStatuses"][0]["restartCount"] == 0
    more = bot.wait_fills(at_least=fills + 1).figures.fills
    saw(f"operator replaced, same bot pod, 0 restarts, fills {fills} → {more}")
