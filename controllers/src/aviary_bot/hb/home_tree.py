"""The folders Hummingbot expects: configuration files, the script and the controllers.

The image is read-only but for `conf`, `data`, `logs` and the temporary folder. Hummingbot finds scripts and
controllers as top-level packages, so they are laid out in a folder of their own which comes first on `sys.path`.
"""

import shutil
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_crds.botconfig import BotConfig

from aviary_bot.bot_paths import BotPaths
from aviary_bot.durable_file import write_durably

SCRIPT: Final = "aviary"
SCRIPT_CONFIG: Final = f"{SCRIPT}.yml"
CONTROLLER_TYPES: Final = ("market_making", "directional_trading", "generic")

_SCRIPT_SOURCE = (
    '"""Hummingbot looks for its script strategy here."""\n\n'
    "from aviary_bot.hb.trading_script import AviaryStrategy, AviaryStrategyConfig\n\n"
    '__all__ = ["AviaryStrategy", "AviaryStrategyConfig"]\n'
)

_LOGGING = {"version": 1, "template_version": 12, "disable_existing_loggers": False}
"""Hummingbot configures logging from a file at boot; this one leaves the process's own handlers as they are."""


def lay_out(paths: BotPaths, config: BotConfig, code: bytes | None) -> None:
    """Write everything but the controller configurations, and put the packages first on `sys.path`.

    `code` is the strategy source that was checked against the configuration; None when the image's are used.
    """
    for folder in ("connectors", "controllers", "scripts", "strategies"):
        (paths.conf / folder).mkdir(parents=True, exist_ok=True)
    for stale in (paths.conf / "controllers").glob("*.yml"):
        stale.unlink()
    _write_yaml(paths.conf / "conf_client.yml", config.client)
    _write_yaml(paths.conf / "hummingbot_logs.yml", _LOGGING)
    _write_yaml(paths.conf / "scripts" / SCRIPT_CONFIG, config.script)
    _lay_out_packages(paths, config, code)
    if str(paths.packages) not in sys.path:
        sys.path.insert(0, str(paths.packages))


def write_controller(paths: BotPaths, file: str, config: Mapping[str, Any]) -> None:
    """Write one controller configuration; Hummingbot reads it anew every ten seconds, so never half of it."""
    _write_yaml(paths.conf / "controllers" / file, config)


def _lay_out_packages(paths: BotPaths, config: BotConfig, code: bytes | None) -> None:
    shutil.rmtree(paths.packages, ignore_errors=True)
    _package(paths.packages / "scripts")
    (paths.packages / "scripts" / f"{SCRIPT}.py").write_text(_SCRIPT_SOURCE)
    _package(paths.packages / "controllers")
    for kind in CONTROLLER_TYPES:
        _package(paths.packages / "controllers" / kind)
    shipped = resources.files("aviary_bot.strategies")
    for kind in CONTROLLER_TYPES:
        for source in _modules(shipped / kind):
            (paths.packages / "controllers" / kind / source.name).write_bytes(source.read_bytes())
    if code is not None:
        target = paths.packages / "controllers" / config.controller_type.value / f"{config.controller}.py"
        target.write_bytes(code)


def _modules(folder: Any) -> list[Any]:
    if not folder.is_dir():
        return []
    return [entry for entry in folder.iterdir() if entry.name.endswith(".py") and entry.name != "__init__.py"]


def _package(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()


def _write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    write_durably(path, yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True).encode())
