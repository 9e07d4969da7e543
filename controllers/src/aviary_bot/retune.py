"""Whether a new configuration may come into force without a restart.

Which changes are hot is the rule that operator and bot share (`aviary_crds.botconfig.restart_paths`); the bot adds
that the configuration must be meant for this very pod.
"""

from collections.abc import Collection

from aviary_crds.botconfig import BotConfig, changed_paths, restart_paths


def cold_paths(old: BotConfig, new: BotConfig, updatable: Collection[str]) -> tuple[str, ...]:
    """Return the changed paths that need a restart, sorted; empty when the change is hot.

    Args:
        old: the configuration in force.
        new: the one asked for.
        updatable: controller fields that may change, as `/state` tells them.
    """
    cold = set(restart_paths(changed_paths(old, new), updatable=updatable))
    if old.boot_revision != new.boot_revision:
        cold.add("bootRevision")
    return tuple(sorted(cold))
