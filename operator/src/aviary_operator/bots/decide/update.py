"""What to do about a change: push it, restart for it, or hold it back.

A restart of a bot is a trading action (Hummingbot closes positions at market when it stops), so one is made only for
a change of what the bot was asked to be, never for a new operator version. ``boot revision`` is the hash of all that
a restart would change; it comes from spec, desk and code, not from the pod template.

Two things never wait, whatever ``updatePolicy`` says: limits that get tighter and a mode that goes down.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from aviary_crds.botconfig import BotConfig, OrderLimits, changed_paths, restart_paths
from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.tradingbot import Mode, UpdatePolicy

from aviary_operator.bots.decide.envelope import tighten_limits
from aviary_operator.bots.podinputs import Applied, PodInputs


@dataclass(frozen=True)
class Target:
    """What the spec asks for. Its hashes are computed once."""

    config: BotConfig
    """Not yet sealed with a boot revision."""
    pod: PodInputs

    @cached_property
    def revision(self) -> str:
        """Revision of the configuration."""
        return self.config.content_revision()

    @cached_property
    def boot_revision(self) -> str:
        """Revision of a pod that starts with this target."""
        return boot_revision(self.config, self.pod)


class Step(StrEnum):
    """What is done about the difference between applied and target."""

    START = "Start"
    """Nothing runs: the target is taken as it is."""
    KEEP = "Keep"
    """No difference."""
    RETUNE = "Retune"
    """Only hot fields differ: the running bot takes them."""
    RESTART = "Restart"
    """The target is taken and the pod restarted."""
    HOLD = "Hold"
    """A restart is needed and a person has to say when; tighter limits are taken at once."""
    WAIT = "Wait"
    """The bot trades and has not yet said which fields it takes without a restart; tighter limits are taken at once."""
    LOWER = "Lower"
    """As HOLD, but the mode goes down at once, with a restart and otherwise the old configuration."""


@dataclass(frozen=True, slots=True)
class Update:
    """The decision: the configuration that the ConfigMap shall hold, and what waits."""

    step: Step
    config: BotConfig
    pod: PodInputs
    waiting: str | None = None
    """Boot revision that needs approval."""
    cold: tuple[str, ...] = ()
    """What needs the restart, for people."""


def boot_revision(config: BotConfig, pod: PodInputs) -> str:
    """Return the revision of a pod started with ``config`` and ``pod``."""
    return sha256_hex(canonical_json({"config": config.content_revision(), "pod": pod.digest()}))


def decide_update(
    target: Target,
    applied: Applied | None,
    *,
    running: bool,
    trading: bool,
    updatable: Collection[str] | None,
    not_hot: str | None,
    policy: UpdatePolicy,
    approved: str | None,
) -> Update:
    """Return what to do about the difference.

    Args:
        target: what the spec asks for.
        applied: what was let through last; None when nothing was or it cannot be read.
        running: whether a pod exists or is wanted now; a stopped bot starts with the target, no question asked.
        trading: whether the kubelet sees the pod ready, so that a restart would disturb it.
        updatable: controller fields the running bot takes without a restart; None when it never said.
        not_hot: revision the running bot refused as needing a restart.
        policy: the bot's ``updatePolicy``.
        approved: the revision a person approved, or None.
    """
    if applied is None or not running:
        return Update(Step.START, target.config.sealed(boot_revision=target.boot_revision), target.pod)
    refused = target.revision == not_hot and applied.config.boot_revision != target.boot_revision
    if target.revision == applied.config.revision and target.pod == applied.pod and not refused:
        return Update(Step.KEEP, applied.config, applied.pod)
    cold = _cold_changes(target, applied, updatable or ())
    if updatable is None and trading and cold and not _cold_changes(target, applied, None):
        return replace(_hold_back(target, applied, cold), step=Step.WAIT, waiting=None)
    if not cold and not refused:
        hot = target.config.sealed(boot_revision=applied.config.boot_revision)
        return Update(Step.RETUNE, hot, applied.pod)
    cold = cold or ("a field the bot does not take while it runs",)
    if policy is UpdatePolicy.AUTO or approved == target.boot_revision:
        wanted = target.config.sealed(boot_revision=target.boot_revision)
        return Update(Step.RESTART, wanted, target.pod, cold=cold)
    return _hold_back(target, applied, cold)


def decide_last_good(applied: Applied, *, limits: OrderLimits | None, ceiling: Mode) -> Update:
    """Return what goes on while the spec cannot be acted on: the applied configuration, never looser.

    Args:
        applied: the last configuration that was let through.
        limits: limits that bound it, when there are any.
        ceiling: the highest mode it may go on in; NoTrade or above.
    """
    config = applied.config
    if limits is not None:
        config = config.model_copy(update={"limits": tighten_limits(config.limits, limits)})
    if ceiling.rank < config.mode.rank:
        config = config.model_copy(update={"mode": ceiling})
        boot = boot_revision(config, applied.pod)
        return Update(Step.LOWER, config.sealed(boot_revision=boot), applied.pod)
    step = Step.KEEP if config.content_revision() == applied.config.revision else Step.RETUNE
    return Update(step, config.sealed(boot_revision=applied.config.boot_revision), applied.pod)


def _hold_back(target: Target, applied: Applied, cold: tuple[str, ...]) -> Update:
    limits = tighten_limits(applied.config.limits, target.config.limits)
    config = applied.config.model_copy(update={"limits": limits})
    boot = applied.config.boot_revision
    step = Step.HOLD
    if target.config.mode.rank < applied.config.mode.rank:
        config = config.model_copy(update={"mode": target.config.mode})
        boot = boot_revision(config, applied.pod)
        step = Step.LOWER
        cold = tuple(path for path in cold if path != "mode")
    waiting = target.boot_revision if cold else None
    return Update(step, config.sealed(boot_revision=boot), applied.pod, waiting=waiting, cold=cold)


def _cold_changes(target: Target, applied: Applied, updatable: Collection[str] | None) -> tuple[str, ...]:
    """Return what needs a restart; with ``updatable`` None, what needs one whichever fields the bot can take."""
    changed = changed_paths(applied.config, target.config)
    if updatable is None:
        updatable = {path.rpartition(".")[2] for path in changed}
    cold = set(restart_paths(changed, updatable=updatable))
    if target.pod != applied.pod:
        cold |= {name for name, value in target.pod.summary().items() if value != applied.pod.summary()[name]}
        cold |= {"venue authority"} if target.pod.authorities != applied.pod.authorities else set()
    return tuple(sorted(cold))
