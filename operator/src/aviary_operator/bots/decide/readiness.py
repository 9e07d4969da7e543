"""Ready, and when not: the one cause a person has to know, in one line.

Causes are tried from the outside in: what keeps the pod from being made, scheduled and started, what its process says
of itself, what its guard says. The first that applies is the answer. Messages hold no figures that change by
themselves, or every look would be a write.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from aviary_crds.botstate import BotState, Phase
from aviary_crds.v1alpha1.tradingbot import Mode

from aviary_operator.bots.observed import BotReport
from aviary_operator.bots.records import ChildRecord, ContainerRecord, PodRecord

SILENCE_LIMIT: Final = timedelta(seconds=20)
"""How long ``/state`` may fail before the bot counts as unreachable."""

_IMAGE_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
_CONTAINER_REASONS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"}
)
_NAMES: Final = {Mode.NO_TRADE: "running without orders", Mode.PAPER: "trading on paper"}
_LONGEST_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer. ``trend``: Steady, Moving (it will change by itself) or Stuck (a person has to do something)."""

    ready: bool
    reason: str
    message: str
    trend: Literal["Steady", "Moving", "Stuck"]


@dataclass(frozen=True, slots=True)
class PodView:
    """What readiness looks at."""

    mode: Mode
    image: str
    uid: str
    pod: PodRecord | None
    claim: ChildRecord | None
    report: BotReport
    restarting: bool
    """The pod is of another boot revision than wanted, or is about to be deleted."""
    previous_message: str
    now: datetime


def is_unreachable(report: BotReport, *, now: datetime) -> bool:
    """Whether the bot has been silent for so long that it is more than a hiccup."""
    return report.silent_since is not None and now - report.silent_since >= SILENCE_LIMIT


def silence_wait(report: BotReport, *, now: datetime) -> float | None:
    """Return the seconds until a bot that has just fallen silent counts as unreachable; None when it speaks or does."""
    if report.silent_since is None or is_unreachable(report, now=now):
        return None
    return max(1.0, (report.silent_since + SILENCE_LIMIT - now).total_seconds() + 1.0)


def decide_readiness(view: PodView) -> Readiness:
    """Return whether the bot is ready and the one cause if not."""
    if view.mode is Mode.DISABLED:
        if view.pod is not None:
            return _moving("Stopping", "stopping: the pod cancels its orders and ends")
        # off is what was granted; to kstatus and kubectl wait, a bot that is never Ready would never have settled
        return Readiness(ready=True, reason="Disabled", message="disabled", trend="Steady")
    return next(_causes(view), None) or Readiness(
        ready=True, reason="Running", message=_NAMES.get(view.mode, view.mode.value), trend="Steady"
    )


def _causes(view: PodView) -> Iterator[Readiness]:
    pod = view.pod
    if pod is None:
        yield _moving("PodMissing", "waiting for the StatefulSet to make the pod")
        return
    if pod.deleting or view.restarting:
        yield _moving("Restarting", "restarting: the old pod cancels its orders and ends")
    yield from _pod_causes(view, pod)
    if pod.container is not None:
        yield from _container_causes(view, pod.container)
    yield from _state_causes(view, pod)


def _pod_causes(view: PodView, pod: PodRecord) -> Iterator[Readiness]:
    if pod.unschedulable is not None:
        claim = view.claim
        if claim is not None and claim.status.get("phase") == "Pending" and "PersistentVolume" in pod.unschedulable:
            wanted = claim.body.get("spec", {}).get("storageClassName", "of the cluster's default")
            why = _clip(pod.unschedulable)
            yield _stuck("VolumeUnbound", f"volume {claim.name} (StorageClass {wanted}) is not bound: {why}")
        yield _stuck("Unschedulable", f"no node takes the pod: {_clip(pod.unschedulable)}")
    if pod.phase == "Failed":
        yield _stuck("PodFailed", f"the pod failed: {_clip(pod.message or pod.reason or 'no reason given')}")


def _container_causes(view: PodView, container: ContainerRecord) -> Iterator[Readiness]:
    waiting = container.waiting_reason
    if waiting in _IMAGE_REASONS:
        yield _stuck("ImagePullFailed", _explain_image(view, waiting, container.waiting_message or ""))
    if waiting in _CONTAINER_REASONS:
        yield _stuck("ContainerCannotStart", f"{waiting}: {_clip(container.waiting_message or 'no detail')}")
    spoke = view.report.state is not None and view.report.silent_since is None
    if container.exit_code is not None and not (container.running and spoke):
        detail = _clip(container.exit_message or container.exit_reason or "no message")
        yield _stuck("CrashLoop", f"the bot exits with code {container.exit_code}: {detail}")


def _state_causes(view: PodView, pod: PodRecord) -> Iterator[Readiness]:
    report, state = view.report, view.report.state
    if is_unreachable(report, now=view.now):
        if state is not None or pod.ready:
            yield _stuck("StateUnreachable", f"the bot does not answer: {_clip(report.error)}")
        yield _moving("Starting", "starting: the bot does not answer yet")
    if state is None:
        yield _moving("Starting", "starting")
        return
    if state.uid != view.uid:
        yield _stuck("WrongBot", "the pod answers for another TradingBot of this name")
    if state.phase is not Phase.RUNNING:
        yield _phase_cause(state)
    if state.guard.state != "Running":
        yield _guard_cause(state)
    if not state.ready:
        yield _moving("NotReady", _explain_not_ready(state))
    if not pod.ready:
        yield _moving("NotReady", "the bot says it is ready; the kubelet's probe has not seen it yet")


def _phase_cause(state: BotState) -> Readiness:
    match state.phase:
        case Phase.FAILED:
            return _stuck(state.reason.value if state.reason else "Failed", _clip(state.message) or "the bot failed")
        case Phase.STOPPING:
            return _moving("Stopping", "stopping")
        case Phase.STARTING | Phase.RUNNING:
            return _moving("Starting", f"starting: {_clip(state.message)}" if state.message else "starting")


def _guard_cause(state: BotState) -> Readiness:
    why = _clip(", ".join(state.guard.reasons)) or "no reason given"
    if state.guard.state == "HardStopped":
        return _stuck("Halted", f"halted by the order guard: {why}")
    return _moving("Paused", f"paused by the order guard: {why}")


def _explain_not_ready(state: BotState) -> str:
    for connector in state.connectors:
        missing = sorted(flag for flag, is_set in connector.flags.items() if not is_set)
        if not connector.ready:
            return f"venue {connector.name} is not ready" + (f": {', '.join(missing)}" if missing else "")
    return _clip(state.message) or "the bot is not ready to trade"


def _explain_image(view: PodView, reason: str, message: str) -> str:
    """Say why the image cannot be had. The kubelet alternates between the error and "backing off": keep the error."""
    head = f"image {view.image} cannot be pulled"
    detail = message.rpartition("ErrImagePull: ")[2] if "ErrImagePull: " in message else message
    if reason == "ImagePullBackOff" and detail == message:
        return view.previous_message if view.previous_message.startswith(head) else head
    return f"{head}: {_clip(detail)}" if detail else head


def _moving(reason: str, message: str) -> Readiness:
    return Readiness(ready=False, reason=reason, message=message, trend="Moving")


def _stuck(reason: str, message: str) -> Readiness:
    return Readiness(ready=False, reason=reason, message=message, trend="Stuck")


def _clip(text: str) -> str:
    """Return ``text`` on one line, its end kept when it is long: the end of a log says why."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_DETAIL else "…" + line[-_LONGEST_DETAIL:]
