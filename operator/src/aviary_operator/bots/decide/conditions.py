"""The conditions of a TradingBot, each a pure reading of what was decided and observed."""

from collections.abc import Iterator
from dataclasses import dataclass

from aviary_crds.conditions import ConditionStatus, ConditionType
from aviary_crds.labels import APPROVE_RESTART_ANNOTATION
from aviary_crds.v1alpha1.tradingbot import Mode, Safety

from aviary_operator.bots.decide.readiness import Readiness
from aviary_operator.bots.decide.target import Aim
from aviary_operator.bots.decide.update import Step
from aviary_operator.bots.observed import Observed
from aviary_operator.runtime.kinds import STATEFUL_SET

type Statement = tuple[str, ConditionStatus, str, str]
"""type, status, reason, message"""

_DEAD_ENDS = frozenset({"PartlyEnforced", "RetuneRefused"})
"""Reasons with which a bot that runs stays as it is until a person changes something."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the conditions are read from."""

    observed: Observed
    aim: Aim
    readiness: Readiness
    unreachable: bool
    """The bot's ``/state`` has failed for longer than a moment."""
    in_transit: str | None
    """What the operator is doing right now, in words; None when it is done."""


def state_conditions(findings: Findings) -> Iterator[Statement]:
    """Return every condition that holds now."""
    yield _ready(findings)
    yield _envelope_valid(findings.aim)
    yield _envelope_enforced(findings)
    yield _mode_granted(findings.aim)
    yield from _mode_in_force(findings.aim)
    yield _config_in_sync(findings)
    yield from _halted(findings.observed, findings.aim)
    yield from _progress(findings)


def _ready(findings: Findings) -> Statement:
    aim, readiness = findings.aim, findings.readiness
    if findings.observed.squatter is not None:
        return (ConditionType.READY, "False", "NameTaken", findings.observed.squatter)
    if aim.obstacle is not None:
        return (ConditionType.READY, "False", aim.obstacle.reason, _tell(aim))
    if aim.over_total is not None:
        return (ConditionType.READY, "False", aim.over_total.reason, aim.grant.message)
    message = readiness.message
    if readiness.reason == "Disabled" and not aim.grant.full:
        return (ConditionType.READY, "False", readiness.reason, f"disabled: {aim.grant.message}")
    if readiness.ready and not aim.grant.full:
        message = f"{message}; {aim.grant.reason}"
    return (ConditionType.READY, "True" if readiness.ready else "False", readiness.reason, message)


def _tell(aim: Aim) -> str:
    obstacle = aim.obstacle.message if aim.obstacle else ""
    return f"not started: {obstacle}" if aim.update is None else f"{obstacle}; goes on in {aim.grant.mode.value}"


def _envelope_valid(aim: Aim) -> Statement:
    if aim.over_total is not None:
        return (ConditionType.ENVELOPE_VALID, "False", aim.over_total.reason, aim.over_total.message)
    if aim.obstacle is None:
        return (ConditionType.ENVELOPE_VALID, "True", "Accepted", "within its own limits and the desk's ceilings")
    if aim.obstacle.about_envelope:
        return (ConditionType.ENVELOPE_VALID, "False", aim.obstacle.reason, aim.obstacle.message)
    return (ConditionType.ENVELOPE_VALID, "Unknown", aim.obstacle.reason, aim.obstacle.message)


def _envelope_enforced(findings: Findings) -> Statement:
    state = findings.observed.report.state
    type_ = ConditionType.ENVELOPE_ENFORCED
    if findings.aim.update is None:
        return (type_, "Unknown", "NotRunning", "no pod, no orders")
    if state is None or findings.unreachable:
        return (type_, "Unknown", "NoState", "the bot has not said which limits it enforces")
    wanted = [field.alias or name for name, field in Safety.model_fields.items()]
    lacking = [name for name in wanted if name not in state.guard.enforced]
    if lacking:
        return (type_, "False", "PartlyEnforced", f"the bot's guard does not enforce {', '.join(lacking)}")
    return (type_, "True", "Enforced", "the bot's guard enforces every field of spec.safety")


def _mode_granted(aim: Aim) -> Statement:
    status: ConditionStatus = "True" if aim.grant.full else "False"
    return (ConditionType.MODE_GRANTED, status, aim.grant.reason, aim.grant.message)


def _mode_in_force(aim: Aim) -> Iterator[Statement]:
    """Present only while what is granted cannot be run."""
    if aim.runs_lower:
        granted = aim.grant.mode.value
        message = f"{granted} is granted; this release has no path to it, so the bot trades on paper and holds no keys"
        yield (ConditionType.MODE_IN_FORCE, "False", f"No{granted}Path", message)


def _config_in_sync(findings: Findings) -> Statement:
    status, reason, message = next(_sync_findings(findings))
    return (ConditionType.CONFIG_IN_SYNC, status, reason, message)


def _sync_findings(findings: Findings) -> Iterator[tuple[ConditionStatus, str, str]]:
    """Yield what is to be said, the most important first."""
    observed, aim = findings.observed, findings.aim
    update, state, pod, refusal = aim.update, observed.report.state, observed.pod, observed.refusal
    if update is None:
        yield ("Unknown", "NotRunning", "no pod, no configuration in force")
        return
    if update.waiting is not None:
        yield ("False", "RestartRequired", _approval_message(observed, update.waiting, update.cold))
    if update.step is Step.WAIT:
        yield ("False", "RetunePending", "waiting for the bot to say which changes it takes without a restart")
    if aim.target is None or update.config.revision != aim.target.revision:
        why = aim.obstacle.reason if aim.obstacle else aim.grant.reason
        yield ("False", "LastGood", f"the last good configuration is in force ({why})")
    if pod is None or pod.boot_revision != update.config.boot_revision or pod.deleting:
        yield ("False", "RolloutPending", "the pod with this configuration is on its way")
    if state is None:
        yield ("Unknown", "NoState", "the bot has not said which configuration it runs")
    elif state.config.revision == update.config.revision:
        yield ("True", "InSync", _in_sync_message(observed))
    elif refusal is not None and refusal.revision == update.config.revision:
        yield ("False", "RetuneRefused", f"the bot keeps its old configuration: {refusal.message}")
    yield ("False", "RetunePending", "the change is being pushed to the running bot")


def _in_sync_message(observed: Observed) -> str:
    message = "the bot runs what the spec asks for"
    pod, child = observed.pod, observed.children.get(STATEFUL_SET)
    newest = child.status.get("updateRevision") if child else None
    if pod is not None and newest and pod.template_revision and pod.template_revision != newest:
        message += "; pod template newer, taken at the next restart"
    return message


def _approval_message(observed: Observed, revision: str, cold: tuple[str, ...]) -> str:
    bot = observed.bot
    shown = ", ".join(cold[:4]) + (f" and {len(cold) - 4} more" if len(cold) > 4 else "")  # noqa: PLR2004  a line
    return (
        f"{shown} changed: a restart is needed and updatePolicy is Manual; "
        f"kubectl -n {bot.namespace} annotate tbot/{bot.name} {APPROVE_RESTART_ANNOTATION}={revision} --overwrite"
    )


def _halted(observed: Observed, aim: Aim) -> Iterator[Statement]:
    state = observed.report.state
    if aim.promotion.lost is not None:
        yield (ConditionType.HALTED, "True", "GrantLost", aim.promotion.lost)
    elif state is not None and state.guard.state == "HardStopped":
        reasons = ", ".join(state.guard.reasons) or "the guard gives no reason"
        yield (ConditionType.HALTED, "True", "HardStopped", f"the order guard stopped the bot: {reasons}")


def _progress(findings: Findings) -> Iterator[Statement]:
    stuck, readiness = next(_stuck_causes(findings), None), findings.readiness
    if stuck is not None:
        yield (ConditionType.STALLED, "True", *stuck)
    elif findings.in_transit is not None:
        yield (ConditionType.RECONCILING, "True", "Progressing", findings.in_transit)
    elif readiness.trend == "Moving" and findings.aim.grant.mode is not Mode.DISABLED:
        yield (ConditionType.RECONCILING, "True", readiness.reason, readiness.message)


def _stuck_causes(findings: Findings) -> Iterator[tuple[str, str]]:
    """Yield reason and message of what only a person can change, the most telling first."""
    aim, readiness = findings.aim, findings.readiness
    if findings.observed.squatter is not None:
        yield "NameTaken", findings.observed.squatter
    for refusal in (aim.obstacle, aim.over_total):
        if refusal is not None:
            yield refusal.reason, refusal.message
    if aim.promotion.lost is not None:
        yield "GrantLost", aim.promotion.lost
    if readiness.trend == "Stuck":
        yield readiness.reason, readiness.message
    if readiness.reason == "Disabled" and not aim.grant.full:
        yield aim.grant.reason, aim.grant.message
    for _, _, reason, message in (_config_in_sync(findings), _envelope_enforced(findings)):
        if reason in _DEAD_ENDS:
            yield reason, message
