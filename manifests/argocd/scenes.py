"""The states that the health scripts are tested with, each reached by what a person, a bot or a node does.

A scene yields shots: an object as the API server holds it, the name of its test file, which begins with the health that
it must have, and the words that Argo CD must pass on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aviary_operator.runtime.kinds import (
    CONFIG_MAP,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    TRADING_DESK,
    Kind,
    Manifest,
)
from aviary_operator.runtime.kube import ApiError
from aviary_operator_simulation.world import CEILINGS, find_condition

from manifests.argocd.stage import DESK, FILLS, GATE, GATED, Stage

UNSEEN: Final = "the operator has not looked at this generation yet"
DELETED: Final = "is being deleted"
_OURS: Final = ((TRADING_DESK, DESK), (TRADING_BOT, "alpha"), (PROMOTION_GATE, GATE), (PROMOTION_APPROVAL, "yes"))
_REVIEW: Final[Mapping[str, Any]] = {
    "name": "review",
    "manual": {"question": "Is the desk staffed when this bot goes Live?"},
    "threshold": {"comparison": "AtLeast", "value": "1"},
}


@dataclass(frozen=True, slots=True)
class Shot:
    """An object in a state: ``name`` such as ``healthy_paper``, ``message`` as Argo CD must show it."""

    name: str
    obj: Manifest
    message: str


type Scene = Callable[[Stage], AsyncIterator[Shot]]


def _shot(name: str, obj: Manifest, type_: str) -> Shot:
    """Return a shot whose message is that of the condition."""
    condition = find_condition(obj, type_)
    if condition is None:
        raise AssertionError(f"{name}: no condition {type_}")
    return Shot(name, obj, condition["message"])


async def _make_all(stage: Stage, *, hold: bool = False) -> None:
    await stage.apply(TRADING_DESK, DESK, {"ceilings": dict(CEILINGS)}, hold=hold)
    bot = await stage.bot(**GATED, mode="Disabled")
    gate, approval = await stage.gate(), await stage.approval("yes")
    for kind, found in ((TRADING_BOT, bot), (PROMOTION_GATE, gate), (PROMOTION_APPROVAL, approval)):
        await stage.apply(kind, found["metadata"]["name"], found["spec"], hold=hold)


async def play_unseen(stage: Stage) -> AsyncIterator[Shot]:
    """Show objects that nobody has looked at yet."""
    await _make_all(stage)
    for kind, name in _OURS:
        yield Shot("progressing_no_status", await stage.read(kind, name), UNSEEN)


async def play_deletion(stage: Stage) -> AsyncIterator[Shot]:
    """Show objects that are being deleted."""
    await stage.world.start_operator()
    await _make_all(stage, hold=True)
    await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Disabled")
    await stage.until(TRADING_DESK, DESK, "Ready", "True", "Accepted")
    for kind, name in reversed(_OURS):
        await stage.delete(kind, name)
        yield Shot("progressing_deleting", await stage.read(kind, name), DELETED)


async def play_paper(stage: Stage) -> AsyncIterator[Shot]:
    """Show a bot that starts, trades, is changed, suspended and stopped."""
    world = stage.world
    await world.start_operator()
    await stage.desk()
    yield _shot("healthy_accepted", await stage.until(TRADING_DESK, DESK, "Ready", "True", "Accepted"), "Ready")
    world.node.makes_pods = False
    await stage.bot(deskRef={"name": DESK})
    starting = await stage.until(TRADING_BOT, "alpha", "Reconciling", "True", "PodMissing")
    yield _shot("progressing_starting", starting, "Reconciling")
    world.node.makes_pods = True
    await stage.until(TRADING_BOT, "alpha", "ConfigInSync", "True", "InSync")
    yield _shot("healthy_paper", await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Running"), "Ready")
    await stage.bot(deskRef={"name": DESK}, updatePolicy="Manual", image="aviary.local/bot:2")
    held = await stage.until(TRADING_BOT, "alpha", "ConfigInSync", "False", "RestartRequired")
    yield _shot("healthy_restart_required", held, "ConfigInSync")
    await stage.bot(deskRef={"name": DESK}, suspend=True)
    alone = await stage.until(TRADING_BOT, "alpha", "ConfigInSync", "Unknown", "Suspended")
    yield _shot("suspended_by_spec", alone, "ConfigInSync")
    await stage.bot(deskRef={"name": DESK}, mode="NoTrade")
    await stage.until(TRADING_BOT, "alpha", "ConfigInSync", "True", "InSync")
    yield _shot("healthy_no_trade", await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Running"), "Ready")
    await stage.bot(deskRef={"name": DESK}, mode="Disabled")
    yield _shot("healthy_disabled", await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Disabled"), "Ready")
    await world.stop_operator()
    changed = await stage.bot(deskRef={"name": DESK}, mode="Paper")
    yield Shot("progressing_new_generation", changed, UNSEEN)
    yield Shot("progressing_new_generation", await stage.desk(maxOrderNotionalQuote="20"), UNSEEN)


async def play_guard(stage: Stage) -> AsyncIterator[Shot]:
    """Show a bot that its guard pauses and stops, that enforces only a part of its envelope, and refuses a change."""
    world = stage.world
    await world.start_operator()
    await stage.bot()
    await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Running")
    bot = world.node.bots["alpha"]
    running = bot.guard
    bot.guard = running.model_copy(update={"state": "SoftPaused", "reasons": ("StaleBook: BTC-USDT",)})
    paused = await stage.until(TRADING_BOT, "alpha", "Reconciling", "True", "Paused")
    yield _shot("progressing_paused", paused, "Reconciling")
    bot.guard = running.model_copy(update={"state": "HardStopped", "reasons": ("DailyLoss: 5.1 % of 1000",)})
    stopped = await stage.until(TRADING_BOT, "alpha", "Halted", "True", "HardStopped")
    yield _shot("degraded_hard_stopped", stopped, "Halted")
    bot.guard = running.model_copy(update={"enforced": running.enforced[1:]})
    partly = await stage.until(TRADING_BOT, "alpha", "EnvelopeEnforced", "False", "PartlyEnforced")
    yield _shot("degraded_envelope_not_enforced", partly, "EnvelopeEnforced")
    bot.guard, bot.refuse_retunes = running, (422, "refresh_seconds: must be above 4")
    await stage.bot(strategy={"parameters": {"refresh_seconds": 3}})
    refused = await stage.until(TRADING_BOT, "alpha", "ConfigInSync", "False", "RetuneRefused")
    yield _shot("degraded_retune_refused", refused, "ConfigInSync")


async def play_causes(stage: Stage) -> AsyncIterator[Shot]:
    """Show what keeps a bot from starting and does not go by itself."""
    world = stage.world
    own = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"mine": "precious"}}
    place = {"name": "beta", "namespace": world.namespace}
    await world.kube.apply(CONFIG_MAP, {**own, "metadata": place}, manager="desk")
    world.node.waiting["alpha"] = ("ErrImagePull", 'failed to pull image "aviary.local/bot:1": not found')
    await world.start_operator()
    await stage.bot()
    pull = await stage.until(TRADING_BOT, "alpha", "Stalled", "True", "ImagePullFailed")
    yield _shot("degraded_image_pull", pull, "Stalled")
    world.node.crashed["alpha"] = (3, "2 orders could not be verified as cancelled")
    del world.node.waiting["alpha"]
    crash = await stage.until(TRADING_BOT, "alpha", "Stalled", "True", "CrashLoop")
    yield _shot("degraded_crash_loop", crash, "Stalled")
    await stage.bot(strategy={"parameters": {"leverage": 20}})
    spec = await stage.until(TRADING_BOT, "alpha", "Stalled", "True", "ReservedParameter")
    yield _shot("degraded_reserved_parameter", spec, "Stalled")
    await world.apply_bot("beta")
    taken = await stage.until(TRADING_BOT, "beta", "Stalled", "True", "NameTaken")
    yield _shot("degraded_name_taken", taken, "Stalled")


async def play_desk(stage: Stage) -> AsyncIterator[Shot]:
    """Show a bot whose desk is missing, says no, or has nothing left."""
    await stage.world.start_operator()
    reference = {"deskRef": {"name": DESK}}
    await stage.bot(**reference)
    missing = await stage.until(TRADING_BOT, "alpha", "Stalled", "True", "DeskMissing")
    yield _shot("degraded_desk_missing", missing, "Stalled")
    await stage.desk(modes=["Disabled"])
    off = await stage.until(TRADING_BOT, "alpha", "Stalled", "True", "DeskCeiling")
    yield _shot("degraded_disabled_by_desk", off, "Stalled")
    await stage.desk(maxTotalNotionalQuote="1500")
    await stage.until(TRADING_BOT, "alpha", "Ready", "True", "Running")
    await stage.world.apply_bot("beta", **reference)
    over = await stage.until(TRADING_BOT, "beta", "Stalled", "True", "DeskTotalExceeded")
    yield _shot("degraded_desk_total_exceeded", over, "EnvelopeValid")


async def play_promotion(stage: Stage) -> AsyncIterator[Shot]:
    """Show a gate that waits for its bot, for evidence and for people, grants, and loses its grant."""
    world = stage.world
    await world.start_operator()
    await stage.desk()
    await stage.gate(soak={"minSeconds": 15, "minFills": 1, "maxGapSeconds": 30})
    missing = await stage.until(PROMOTION_GATE, GATE, "Reconciling", "True", "BotMissing")
    yield _shot("progressing_bot_missing", missing, "Reconciling")
    await stage.bot(**GATED, mode="Live")
    async with stage.trading():
        early = await stage.until(PROMOTION_GATE, GATE, "Passed", "False", "ChecksPending")
        yield _shot("healthy_waiting_for_evidence", early, "Passed")
        asks = await stage.until(TRADING_BOT, "alpha", "ModeGranted", "False", "GatePending")
        yield _shot("healthy_gate_pending", await _settled(stage, asks), "Ready")
        soaking = await stage.until(PROMOTION_GATE, GATE, "Passed", "False", "Soaking")
        yield _shot("healthy_soaking", soaking, "Passed")
        waiting = await stage.until(PROMOTION_GATE, GATE, "Passed", "False", "AwaitingApproval")
        yield _shot("healthy_waiting_for_people", waiting, "Passed")
        await stage.approval("replayed")
        other = await stage.until(PROMOTION_APPROVAL, "replayed", "Ready", "False", "DoesNotCount")
        yield _shot("degraded_another_digest", other, "Ready")
        await _after(stage, waiting)
        await stage.approval("yes", digest=waiting["status"]["subject"]["digest"])
        granted = await stage.until(PROMOTION_GATE, GATE, "Passed", "True", "GatePassed")
        yield _shot("healthy_granted", granted, "Passed")
        yield _shot("healthy_counts", await stage.until(PROMOTION_APPROVAL, "yes", "Ready", "True", "Counts"), "Ready")
        live = await stage.until(TRADING_BOT, "alpha", "ModeGranted", "True", "Granted")
        yield _shot("healthy_live_granted", await _settled(stage, live), "Ready")
        await stage.delete(PROMOTION_APPROVAL, "yes")
        lost = await stage.until(PROMOTION_GATE, GATE, "Approved", "False", "AwaitingApproval")
        yield Shot("degraded_grant_lost", lost, lost["status"]["history"][-1]["message"])
        halted = await stage.until(TRADING_BOT, "alpha", "Halted", "True", "GrantLost")
        yield _shot("degraded_grant_lost", halted, "Halted")
        await stage.bot(**GATED, mode="Paper", strategy={"parameters": {"refresh_seconds": 5}})
        anew = await stage.until(PROMOTION_GATE, GATE, "ChecksPassed", "False", "ChecksPending")
        yield _shot("healthy_new_subject", anew, "Passed")
        await stage.gate(suspend=True)
        yield _shot(
            "suspended_by_spec", await stage.until(PROMOTION_GATE, GATE, "Ready", "False", "Suspended"), "Ready"
        )
        await world.stop_operator()
        yield Shot("progressing_new_generation", await stage.gate(suspend=False), UNSEEN)


async def _after(stage: Stage, gate: Manifest) -> None:
    """Wait until an approval is younger than the gate's subject: the API server's times are whole seconds."""
    seen = datetime.fromisoformat(gate["status"]["subject"]["since"])

    async def is_later() -> bool:
        return datetime.now(UTC) - seen > timedelta(seconds=1.1)

    await stage.world.until(is_later)


async def _settled(stage: Stage, bot: Manifest) -> Manifest:
    """Return the bot once it runs what was granted."""
    name = bot["metadata"]["name"]
    await stage.until(TRADING_BOT, name, "ConfigInSync", "True", "InSync")
    return await stage.until(TRADING_BOT, name, "Ready", "True", "Running")


async def play_refusal(stage: Stage) -> AsyncIterator[Shot]:
    """Show a gate that says no, and one whose glass is broken."""
    world = stage.world
    await world.start_operator()
    await stage.desk()
    await stage.bot(**GATED)
    async with stage.trading():
        await stage.gate(checks=[FILLS, _REVIEW])
        await stage.until(PROMOTION_GATE, GATE, "Soaked", "True", "Soaked")

        async def is_ready_but_for_the_review() -> Manifest | None:
            found = await stage.read(PROMOTION_GATE, GATE)
            return found if found["status"]["level"] >= 3 else None  # noqa: PLR2004  the floor for Live

        found = await world.until(is_ready_but_for_the_review)
        await _after(stage, found)
        await stage.approval("glass", type="BreakGlass", digest=found["status"]["subject"]["digest"])
        broken = await stage.until(PROMOTION_GATE, GATE, "BreakGlass", "True", "BreakGlass")
        yield _shot("healthy_break_glass", broken, "BreakGlass")
        await stage.delete(PROMOTION_GATE, GATE)
        orphan = await stage.until(PROMOTION_APPROVAL, "glass", "Ready", "False", "GateMissing")
        yield _shot("degraded_gate_missing", orphan, "Ready")
        bot = world.node.bots["alpha"]
        bot.risk = bot.risk.model_copy(update={"day_loss_bps": Decimal(180)})
        await stage.gate()
        failed = await stage.until(PROMOTION_GATE, GATE, "Passed", "False", "ChecksFailed")
        yield _shot("healthy_check_failed", failed, "Passed")
    await stage.desk(modes=["NoTrade", "Paper"])
    ceiling = await stage.until(PROMOTION_GATE, GATE, "Stalled", "True", "DeskCeiling")
    yield _shot("degraded_desk_ceiling", ceiling, "Stalled")
    await world.stop_operator()
    world.evidence_dir = None
    await world.start_operator()
    volume = await stage.until(PROMOTION_GATE, GATE, "Stalled", "True", "EvidenceUnwritable")
    yield _shot("degraded_no_evidence_volume", volume, "Stalled")


async def play_invalid(stage: Stage) -> AsyncIterator[Shot]:
    """Show objects that are older than a rule of the API."""
    await stage.world.start_operator()
    ceilings = ("properties", "ceilings", "properties", "modes", "minItems")
    async with stage.lenient(TRADING_DESK.plural, ceilings):
        await _until_taken(stage, TRADING_DESK, DESK, {"ceilings": {**CEILINGS, "modes": []}})
        desk = await stage.until(TRADING_DESK, DESK, "Stalled", "True", "InvalidSpec")
        yield _shot("degraded_invalid", desk, "Stalled")
    async with stage.lenient(PROMOTION_GATE.plural, ("x-kubernetes-validations",)):
        loose = {"botRef": {"name": "alpha"}, "from": "Paper", "to": "Live", "checks": [FILLS], "minLevel": 0}
        await _until_taken(stage, PROMOTION_GATE, GATE, {**loose, "grant": {"capitalQuote": "100"}})
        gate = await stage.until(PROMOTION_GATE, GATE, "Stalled", "True", "InvalidSpec")
        yield _shot("degraded_invalid", gate, "Stalled")


async def _until_taken(stage: Stage, kind: Kind, name: str, spec: Mapping[str, Any]) -> None:
    """Apply an object as soon as the API server goes by the changed CRD."""

    async def is_taken() -> bool:
        try:
            await stage.apply(kind, name, spec)
        except ApiError:
            await asyncio.sleep(0)
            return False
        return True

    await stage.world.until(is_taken)


SCENES: Final[Mapping[str, Scene]] = {
    "unseen": play_unseen,
    "deletion": play_deletion,
    "paper": play_paper,
    "guard": play_guard,
    "causes": play_causes,
    "desk": play_desk,
    "promotion": play_promotion,
    "refusal": play_refusal,
    "invalid": play_invalid,
}
