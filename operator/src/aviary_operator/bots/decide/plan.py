"""The plan: everything to be done about one bot now, from everything that is true about it.

``decide_plan`` has no I/O. Doing what it says and deciding again gives a plan with nothing to do: that is what
converged means. Closing a live bot's exposure before it may go (a finalizer) will be a step of its own here; a bot
that can be granted at most Paper has nothing to close that its own SIGTERM does not close (docs/adr/0012).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import Phase
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotSpec, TradingBotStatus

from aviary_operator.bots.decide.conditions import Findings, state_conditions
from aviary_operator.bots.decide.readiness import PodView, decide_readiness, is_unreachable, silence_wait
from aviary_operator.bots.decide.status import build_status, figures_wait
from aviary_operator.bots.decide.target import Aim, decide_aim
from aviary_operator.bots.decide.update import Step
from aviary_operator.bots.observed import Observed
from aviary_operator.bots.podinputs import Applied
from aviary_operator.bots.records import PodRecord
from aviary_operator.bots.render.family import render_family
from aviary_operator.runtime.kinds import STATEFUL_SET, VOLUME_CLAIM, Manifest

RESTART_WAIT_SECONDS = 2.0
"""How soon to look again while the StatefulSet controller has not taken over a new template."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. Empty but for ``status`` when all is as it should be and the status says so."""

    children: tuple[Manifest, ...]
    """All children as they should be, in the order in which they are made; apply compares."""
    restart: PodRecord | None
    """Pod to delete, so that one with the new configuration takes its place."""
    retune: BotConfig | None
    """Configuration to push to the running bot."""
    status: TradingBotStatus
    poll: bool
    """Whether there is a pod worth asking for its state."""
    starting: bool
    """Whether the bot is on its way somewhere and should be asked often."""
    requeue_after: float | None


def decide_plan(observed: Observed, *, now: datetime) -> Plan:
    """Return what to do about the bot."""
    aim = decide_aim(observed, now=now)
    suspended = _is_suspended(observed, aim)
    hands_off = suspended or observed.squatter is not None
    children = () if hands_off else _wanted_children(observed, aim)
    wrong_boot = _boots_wrong(observed, aim)
    restart = observed.pod if wrong_boot and not hands_off and _template_taken(observed, aim) else None
    retune = None if hands_off else _find_retune(observed, aim)
    readiness = decide_readiness(_pod_view(observed, aim, restarting=wrong_boot, now=now))
    in_transit = None
    if not hands_off and wrong_boot:
        in_transit = "restarting the bot with the new configuration"
    elif retune is not None:
        in_transit = "pushing the new configuration to the running bot"
    findings = Findings(observed, aim, readiness, is_unreachable(observed.report, now=now), in_transit)
    status = build_status(observed, aim, tuple(state_conditions(findings)), suspended=suspended, now=now)
    pod = observed.pod
    later = (figures_wait(status.observed, observed.report, now=now), silence_wait(observed.report, now=now))
    waits = [wait for wait in later if wait is not None]
    if aim.promotion.expires is not None:
        waits.append(max(0.5, (aim.promotion.expires - now).total_seconds()))
    if wrong_boot and restart is None and not hands_off:
        waits.append(RESTART_WAIT_SECONDS)
    return Plan(
        children=children,
        restart=restart,
        retune=retune,
        status=status,
        poll=pod is not None and pod.address is not None and not pod.deleting and aim.grant.mode is not Mode.DISABLED,
        starting=readiness.trend == "Moving" or in_transit is not None,
        requeue_after=min(waits, default=None),
    )


def _is_suspended(observed: Observed, aim: Aim) -> bool:
    """Whether the bot is left alone. One that runs under a grant that is gone is not: it is brought down first."""
    spec = observed.spec
    wished = spec.suspend if isinstance(spec, TradingBotSpec) else observed.bot.spec.get("suspend") is True
    return wished and not any(mode.needs_grant and aim.grant.mode.rank < mode.rank for mode in _granted_modes(observed))


def _granted_modes(observed: Observed) -> Iterator[Mode]:
    """Yield the modes that the bot's configuration and its process were granted."""
    applied, state = observed.applied, observed.report.state
    if applied is not None:
        yield applied.config.granted_mode or applied.config.mode
    if state is not None and observed.pod is not None:
        yield state.granted_mode or state.mode


def _wanted_children(observed: Observed, aim: Aim) -> tuple[Manifest, ...]:
    """Return the children. A bot that never ran and shall not run has none; one that is stopped keeps its own."""
    update, target = aim.update, aim.target
    if update is not None:
        return render_family(observed, Applied(update.config, update.pod), replicas=1)
    if STATEFUL_SET not in observed.children:
        return ()
    if observed.applied is not None:
        return render_family(observed, observed.applied, replicas=0)
    if target is not None:
        stopped = Applied(target.config.sealed(boot_revision=target.boot_revision), target.pod)
        return render_family(observed, stopped, replicas=0)
    return ()


def _boots_wrong(observed: Observed, aim: Aim) -> bool:
    pod, update = observed.pod, aim.update
    return (
        pod is not None and update is not None and not pod.deleting and pod.boot_revision != update.config.boot_revision
    )


def _template_taken(observed: Observed, aim: Aim) -> bool:
    """Whether a pod made now would be of the wanted revision: else it would be deleted twice."""
    child = observed.children.get(STATEFUL_SET)
    if child is None or aim.update is None:
        return False
    template = child.body.get("spec", {}).get("template", {}).get("metadata", {}).get("annotations") or {}
    observed_generation = child.status.get("observedGeneration", 0)
    return aim.update.config.boot_revision in template.values() and observed_generation >= child.generation


def _find_retune(observed: Observed, aim: Aim) -> BotConfig | None:
    update, pod, state = aim.update, observed.pod, observed.report.state
    if update is None or update.step is Step.RESTART or pod is None or pod.deleting or state is None:
        return None
    config = update.config
    if observed.report.silent_since is not None or state.phase is not Phase.RUNNING:
        return None
    if pod.boot_revision != config.boot_revision or state.config.boot_revision != config.boot_revision:
        return None
    refusal = observed.refusal
    if state.config.revision == config.revision or (refusal is not None and refusal.revision == config.revision):
        return None
    return config


def _pod_view(observed: Observed, aim: Aim, *, restarting: bool, now: datetime) -> PodView:
    ready = next((item for item in _conditions(observed) if item.get("type") == "Ready"), {})
    return PodView(
        mode=aim.grant.mode,
        image=str(observed.bot.spec.get("image", "")),
        uid=observed.bot.uid,
        pod=observed.pod,
        claim=observed.children.get(VOLUME_CLAIM),
        report=observed.report,
        restarting=restarting,
        previous_message=str(ready.get("message", "")),
        now=now,
    )


def _conditions(observed: Observed) -> Sequence[Manifest]:
    found = observed.bot.status.get("conditions") or []
    return [item for item in found if isinstance(item, dict)]
