"""The mounted `bot.json`: which one a process may start from.

The kubelet may mount a ConfigMap of an older revision than the pod was made for, so the launcher waits until the
boot revision is the one its pod template names. A document that was edited by hand is refused: its revision is not
the hash of its content.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aviary_crds.botconfig import BOT_JSON, CODE_FILE, BotConfig
from aviary_crds.botstate import FailureReason
from pydantic import ValidationError


class BotFailed(Exception):  # noqa: N818  a state of the bot, told to the operator; not an error of the code
    """The bot cannot trade, and a restart would not mend it: it becomes phase Failed and says why."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class NotYet:
    """The mounted document is missing or not the one this pod was made for; the kubelet may bring it soon."""

    message: str


@dataclass(frozen=True, slots=True)
class MountedFiles:
    """What was read from the ConfigMap's folder; None for a file that is not there."""

    document: str | None
    code: bytes | None


def read_mounted(folder: Path) -> MountedFiles:
    """Read `bot.json` and `strategy.py`. A file that cannot be read counts as missing."""
    return MountedFiles(document=_text(folder / BOT_JSON), code=_bytes(folder / CODE_FILE))


def decide_boot(files: MountedFiles, *, boot_revision: str) -> BotConfig | NotYet:
    """Return the configuration to start with, or why to wait.

    Args:
        files: what is mounted.
        boot_revision: the revision the pod template names; empty accepts any (a bot started by hand).

    Raises:
        BotFailed: the document is the right one and cannot be used (ConfigCorrupt).
    """
    if files.document is None:
        return NotYet("bot.json is not mounted yet")
    try:
        config = BotConfig.model_validate_json(files.document)
    except ValidationError as error:
        raise BotFailed(FailureReason.CONFIG_CORRUPT, f"bot.json does not fit this bot: {first_error(error)}") from None
    if boot_revision and config.boot_revision != boot_revision:
        return NotYet(f"bot.json is of boot revision {config.boot_revision!r}, this pod was made for {boot_revision!r}")
    if not config.intact:
        raise BotFailed(
            FailureReason.CONFIG_CORRUPT,
            f"bot.json was edited by hand: its revision {config.revision!r} is not the hash of its content "
            f"{config.content_revision()!r}; delete the ConfigMap, the operator makes it anew",
        )
    fault = code_fault(config, files.code)
    if fault is not None:
        raise BotFailed(FailureReason.CONFIG_CORRUPT, fault)
    return config


def code_fault(config: BotConfig, code: bytes | None) -> str | None:
    """Return what is wrong between the configuration and the mounted strategy code, or None."""
    if config.code_sha256 is None:
        return None
    if code is None:
        return "bot.json names strategy code, but strategy.py is not mounted"
    digest = hashlib.sha256(code).hexdigest()
    if digest != config.code_sha256.removeprefix("sha256:"):
        return f"strategy.py has SHA-256 {digest}, bot.json names {config.code_sha256}"
    return None


def first_error(error: ValidationError) -> str:
    """Say the first fault of a pydantic model in one line: where, what, and the value."""
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"]) or "document"
    return f"{place}: {fault['msg']} (got {str(fault['input'])[:80]!r})"


def _text(path: Path) -> str | None:
    data = _bytes(path)
    return None if data is None else data.decode("utf-8", errors="replace")


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
