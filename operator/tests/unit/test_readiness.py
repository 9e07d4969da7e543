"""The one cause that keeps a bot from being ready."""

from datetime import timedelta
from typing import Any

import pytest
from aviary_crds.botstate import BotState, ConnectorReadiness, FailureReason, GuardView, Phase
from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_operator.bots.decide.readiness import SILENCE_LIMIT, PodView, Readiness, decide_readiness
from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.records import PodRecord, read_child
from aviary_operator.runtime.kinds import VOLUME_CLAIM

from .builders import NOW, UID, applied, bot_spec, bot_state, container, pod_record

CONFIG = applied(bot_spec()).config
SPEAKING = bot_state(CONFIG)
LONG_AGO = NOW - SILENCE_LIMIT
JUST_NOW = NOW - timedelta(seconds=1)
PENDING = {"phase": "Pending"}
UNSCHEDULABLE: dict[str, Any] = {
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: PersistentVolume"}
    ],
    **PENDING,
}


def look(pod: PodRecord | None, report: BotReport | None = None, **changes: Any) -> Readiness:
    view: dict[str, Any] = {
        "mode": Mode.PAPER,
        "image": "registry/bot:1",
        "uid": UID,
        "pod": pod,
        "claim": None,
        "report": report or BotReport(state=SPEAKING, seen=NOW),
        "restarting": False,
        "previous_message": "",
        "now": NOW,
        **changes,
    }
    return decide_readiness(PodView(**view))


def says(state: BotState) -> BotReport:
    return BotReport(state=state, seen=NOW)


def waits(reason: str, message: str = "") -> list[dict[str, Any]]:
    return container({"waiting": {"reason": reason, "message": message}})


def test_bot_is_ready_when_pod_and_bot_say_so() -> None:
    found = look(pod_record())
    assert (found.ready, found.message, found.trend) == (True, "trading on paper", "Steady")


def test_bot_without_orders_says_so() -> None:
    assert look(pod_record(), mode=Mode.NO_TRADE).message == "running without orders"


@pytest.mark.parametrize(
    ("pod", "reason", "trend", "says_what"),
    [
        (None, "PodMissing", "Moving", "waiting for the StatefulSet"),
        (pod_record(ready=False, **UNSCHEDULABLE), "Unschedulable", "Stuck", "no node takes the pod: 0/1 nodes"),
        (pod_record(ready=False, phase="Failed", message="evicted"), "PodFailed", "Stuck", "evicted"),
        (
            pod_record(ready=False, containerStatuses=waits("ErrImagePull", "not found")),
            "ImagePullFailed",
            "Stuck",
            "image registry/bot:1 cannot be pulled: not found",
        ),
        (
            pod_record(
                ready=False,
                containerStatuses=waits("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: no such host'),
            ),
            "ImagePullFailed",
            "Stuck",
            "image registry/bot:1 cannot be pulled: no such host",
        ),
        (pod_record(containerStatuses=waits("ErrImageNeverPull")), "ImagePullFailed", "Stuck", "cannot be pulled"),
        (pod_record(containerStatuses=waits("InvalidImageName", "bad")), "ImagePullFailed", "Stuck", "bad"),
        (
            pod_record(containerStatuses=waits("CreateContainerConfigError", "configmap not found")),
            "ContainerCannotStart",
            "Stuck",
            "configmap not found",
        ),
        (
            pod_record(
                ready=False,
                containerStatuses=container(
                    {"waiting": {"reason": "CrashLoopBackOff"}},
                    lastState={"terminated": {"exitCode": 3, "reason": "Error", "message": "2 orders open"}},
                ),
            ),
            "CrashLoop",
            "Stuck",
            "the bot exits with code 3: 2 orders open",
        ),
        (
            pod_record(
                ready=False, containerStatuses=container({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
            ),
            "CrashLoop",
            "Stuck",
            "code 137: OOMKilled",
        ),
    ],
)
def test_pod_that_does_not_run(pod: PodRecord | None, reason: str, trend: str, says_what: str) -> None:
    found = look(pod)
    assert (found.ready, found.reason, found.trend) == (False, reason, trend)
    assert says_what in found.message


def test_volume_that_is_not_bound_is_named() -> None:
    claim = read_child(VOLUME_CLAIM, {"metadata": {"name": "data-alpha"}, "status": {"phase": "Pending"}})
    found = look(pod_record(ready=False, **UNSCHEDULABLE), claim=claim)
    assert found.reason == "VolumeUnbound"
    assert found.message.startswith("volume data-alpha (StorageClass of the cluster's default) is not bound: ")


def test_back_off_without_detail_keeps_the_error_said_before() -> None:
    pod = pod_record(ready=False, containerStatuses=waits("ImagePullBackOff", 'Back-off pulling image "x"'))
    before = "image registry/bot:1 cannot be pulled: not found"
    assert look(pod, previous_message=before).message == before


def test_bot_that_crashed_once_and_speaks_again_is_ready() -> None:
    pod = pod_record(
        containerStatuses=container(
            {"running": {}}, ready=True, lastState={"terminated": {"exitCode": 1}}, restartCount=1
        )
    )
    assert look(pod).ready


@pytest.mark.parametrize(
    ("report", "ready_pod", "reason"),
    [
        (BotReport(), False, "Starting"),
        (BotReport(silent_since=JUST_NOW, error="refused"), False, "Starting"),
        (BotReport(silent_since=LONG_AGO, error="refused"), False, "Starting"),
        (BotReport(silent_since=LONG_AGO, error="refused"), True, "StateUnreachable"),
        (BotReport(state=SPEAKING, silent_since=LONG_AGO, error="refused"), False, "StateUnreachable"),
    ],
)
def test_silent_bot(report: BotReport, ready_pod: bool, reason: str) -> None:  # noqa: FBT001  a table's column
    assert look(pod_record(ready=ready_pod), report).reason == reason


def test_short_silence_of_a_ready_bot_changes_nothing() -> None:
    assert look(pod_record(), BotReport(state=SPEAKING, silent_since=JUST_NOW, error="refused")).ready


@pytest.mark.parametrize(
    ("changes", "reason", "trend", "says_what"),
    [
        ({"phase": Phase.STARTING, "message": "cancelling orders"}, "Starting", "Moving", "cancelling orders"),
        ({"phase": Phase.STOPPING}, "Stopping", "Moving", ""),
        (
            {"phase": Phase.FAILED, "reason": FailureReason.STRATEGY_INVALID, "message": "no such field"},
            "StrategyInvalid",
            "Stuck",
            "no such field",
        ),
        ({"phase": Phase.FAILED}, "Failed", "Stuck", "the bot failed"),
        ({"uid": "another"}, "WrongBot", "Stuck", "another TradingBot"),
        ({"guard": GuardView(state="HardStopped", reasons=("daily loss",))}, "Halted", "Stuck", "daily loss"),
        ({"guard": GuardView(state="SoftPaused", reasons=("by hand",))}, "Paused", "Moving", "by hand"),
        (
            {
                "ready": False,
                "connectors": (ConnectorReadiness(name="bitget", ready=False, flags={"b": False, "a": True}),),
            },
            "NotReady",
            "Moving",
            "venue bitget is not ready: b",
        ),
        ({"ready": False, "message": "book is old"}, "NotReady", "Moving", "book is old"),
    ],
)
def test_bot_that_says_why_it_does_not_trade(changes: dict[str, Any], reason: str, trend: str, says_what: str) -> None:
    found = look(pod_record(), says(bot_state(CONFIG, **changes)))
    assert (found.ready, found.reason, found.trend) == (False, reason, trend)
    assert says_what in found.message


def test_bot_is_not_ready_before_the_kubelet_agrees() -> None:
    assert look(pod_record(ready=False)).reason == "NotReady"


def test_disabled_bot() -> None:
    assert look(None, mode=Mode.DISABLED).reason == "Disabled"
    assert look(pod_record(), mode=Mode.DISABLED).reason == "Stopping"


def test_pod_of_the_wrong_revision_is_restarting() -> None:
    assert look(pod_record(), restarting=True).reason == "Restarting"


def test_long_messages_keep_their_end() -> None:
    pod = pod_record(containerStatuses=container({"terminated": {"exitCode": 1, "message": "x\n" * 900 + "the cause"}}))
    message = look(pod).message
    assert message.endswith("the cause")
    assert len(message) < 400
