"""Whether a new configuration may come into force without a restart.

Hot are the limits, the log level and the controller fields that Hummingbot declares updatable (the contract's list).
The digest follows the content: it names what runs, and a hot change of parameters or limits changes it.
"""

from collections.abc import Callable
from typing import Final

from aviary_crds.botconfig import BotConfig, changed_paths

HOT: Final = frozenset({"digest", "telemetry.logLevel", "client.log_level"})
HOT_PREFIX: Final = "limits."


def cold_paths(old: BotConfig, new: BotConfig, updatable_of: Callable[[str], frozenset[str]]) -> tuple[str, ...]:
    """Return the changed paths that need a restart, sorted; empty when the change is hot.

    Args:
        old: the configuration in force.
        new: the one asked for.
        updatable_of: fields of a controller file that may change.
    """
    cold = {path for path in changed_paths(old, new) if not _is_hot(path, old, updatable_of)}
    if old.boot_revision != new.boot_revision:
        cold.add("bootRevision")
    return tuple(sorted(cold))


def _is_hot(path: str, old: BotConfig, updatable_of: Callable[[str], frozenset[str]]) -> bool:
    if path in HOT or path.startswith(HOT_PREFIX):
        return True
    for controller in old.controllers:
        # A file name has dots of its own, hence no splitting.
        prefix = f"controllers.{controller.file}."
        if path.startswith(prefix):
            return path.removeprefix(prefix) in updatable_of(controller.file)
    return False
