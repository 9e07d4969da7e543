"""Things die: the bot's process, the operator, children of a bot, the venue."""

import time
from collections.abc import Callable

import pytest
from aviary_crds.conditions import Condition
from aviary_e2e.bots import Bot
from aviary_e2e.kubectl import Manifest
from aviary_e2e.node import kill_container
from aviary_e2e.release import Release
from aviary_e2e.venue import Venue
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e

CHILD_KINDS = ("configmap", "service", "serviceaccount", "networkpolicy", "statefulset")
QUIET_SECONDS = 60.0


def _restarts(bot: Bot) -> int:
    pod = bot.pod()
    return -1 if pod is None else int(pod["status"]["containerStatuses"][0]["restartCount"])


def _last_words(bot: Bot) -> str:
    """Return how the process before this one ended, for the message of a failed assertion."""
    pod = bot.pod()
    if pod is None:
        return "no pod"
    state = pod["status"]["containerStatuses"][0].get("lastState")
    log = bot.kubectl.logs(bot.pod_name, bot.namespace, previous=True) if state else []
    return f"{state} {log[-12:]}"


def test_a_killed_bot_comes_back_and_owns_all_its_orders(
    make_bot: Callable[..., Bot], saw: Callable[[str], None]
) -> None:
    """Scenario 5: SIGKILL; the same pod trades again; orders of before are cancelled before the first tick."""
    bot = make_bot("killed")
    bot.wait_ready()
    before = until(
        "resting orders", lambda: s if ((s := bot.state()).figures.open_orders or 0) > 0 else None, seconds=60
    )
    pod = bot.pod()
    assert pod is not None
    begin = time.monotonic()
    kill_container(pod["metadata"]["uid"], "aviary_bot")
    until("a restart", lambda: _restarts(bot) == 1, seconds=30)
    bot.wait_ready()
    ready_after = time.monotonic() - begin
    after = until(
        "resting orders again", lambda: s if ((s := bot.state()).figures.open_orders or 0) > 0 else None, seconds=60
    )
    assert after.figures.fills >= before.figures.fills, "fills were forgotten"
    expected = bot.expected_orders()
    assert (after.figures.open_orders or 0) <= expected, f"more orders rest than the strategy's {expected}"
    events = [str(line.get("event")) for line in bot.log_lines()]
    cancelled = [number for number, event in enumerate(events) if "orders of an earlier process" in event]
    started = [number for number, event in enumerate(events) if event.startswith("the strategy runs")]
    assert cancelled, "the launcher did not say what it did with the orders of before"
    assert cancelled[0] < started[0], "the strategy ran before the orders of before were off"
    saw(
        f"Ready again after {ready_after:.1f} s; {events[cancelled[0]]}, before the first tick; "
        f"{after.figures.open_orders} rest now, fills {before.figures.fills} → {after.figures.fills}"
    )


def test_bots_do_not_notice_the_operators_death(
    make_bot: Callable[..., Bot], release: Release, saw: Callable[[str], None]
) -> None:
    """Scenario 6: operator killed and restarted; pods untouched; then no write for 60 s but the figures."""
    bot = make_bot("calm")
    bot.wait_ready()
    pod = bot.pod()
    assert pod is not None
    children = bot.child_versions()
    release.kill_operator()
    release.wait_operator(seconds=60)
    bot.wait_ready()
    writes = release.writes_during(QUIET_SECONDS)
    now = bot.pod()
    assert now is not None
    assert now["metadata"]["uid"] == pod["metadata"]["uid"]
    assert _restarts(bot) == 0
    assert bot.child_versions() == children, "a child was written"
    figures = sum(count for what, count in writes.items() if what == "figures")
    others = {what: count for what, count in writes.items() if what != "figures" and count}
    assert others == {}, others
    saw(f"same pod, 0 restarts, children untouched; in {QUIET_SECONDS:.0f} s: {figures} writes of figures, 0 others")


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_children_are_repaired(
    how: str, make_bot: Callable[..., Bot], release: Release, saw: Callable[[str], None]
) -> None:
    """Scenario 7: each kind of child, deleted or edited, is as it was within 30 s, and the bot is Ready again."""
    bot = make_bot(f"repair-{how}")
    bot.wait_ready()
    took: dict[str, float] = {}
    for kind in CHILD_KINDS:
        name = bot.children()[kind][0]
        before = release.kubectl.get(kind, name, bot.namespace)
        assert before is not None
        begin = time.monotonic()
        if how == "deleted":
            bot.kubectl.delete(kind, name, bot.namespace)
        else:
            release.kubectl.patch(kind, name, bot.namespace, _vandalism(kind, before))
        until(
            f"{kind} repaired",
            lambda kind=kind, name=name, before=before: _same(
                release.kubectl.get(kind, name, bot.namespace), before, how
            ),  # type: ignore[misc]  # bound per turn
            seconds=30,
        )
        took[kind] = time.monotonic() - begin
    bot.wait_ready(seconds=120)
    saw(f"{how}: " + ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in took.items()))


def _vandalism(kind: str, manifest: Manifest) -> Manifest:
    match kind:
        case "configmap":
            return {"data": {"bot.json": "{}"}}
        case "service":
            return {"spec": {"selector": {"vandal": "yes"}}}
        case "serviceaccount":
            return {"automountServiceAccountToken": True}
        case "networkpolicy":
            return {"spec": {"egress": [{}]}}
        case "statefulset":
            return {"spec": {"replicas": 2 if manifest["spec"]["replicas"] == 1 else 1}}
        case _:
            raise ValueError(kind)


def _same(now: Manifest | None, before: Manifest, how: str) -> bool:
    if now is None or now["metadata"].get("deletionTimestamp"):
        return False
    if how == "deleted" and now["metadata"]["uid"] == before["metadata"]["uid"]:
        return False
    body = {key: value for key, value in now.items() if key in {"spec", "data", "automountServiceAccountToken"}}
    then = {key: value for key, value in before.items() if key in {"spec", "data", "automountServiceAccountToken"}}
    for manifest in (body, then):
        for changing in ("clusterIP", "clusterIPs"):
            manifest.get("spec", {}).pop(changing, None)
    return body == then


def test_a_bot_is_not_ready_while_its_venue_is_down(
    make_bot: Callable[..., Bot], venue: Venue, saw: Callable[[str], None]
) -> None:
    """Scenario 12: venue down, bot not Ready and says why; venue back, bot Ready; no restart."""
    bot = make_bot("patient")
    bot.wait_ready()
    begin = time.monotonic()
    venue.control("outage", mode="Refused")
    try:
        bot.wait_condition("Ready", "False", seconds=90)
        noticed = time.monotonic() - begin

        def cause() -> Condition | None:
            found = bot.condition("Ready")
            return found if found and found.status == "False" and "bitget" in found.message else None

        down = until("Ready=False to name the venue", cause, seconds=60)
    finally:
        venue.control("heal")
    back = time.monotonic()
    bot.wait_ready(seconds=120)
    assert _restarts(bot) == 0, _last_words(bot)
    returned = time.monotonic() - back
    saw(
        f"not Ready after {noticed:.1f} s ({down.reason}: {down.message}); "
        f"Ready {returned:.1f} s after its return, 0 restarts"
    )
