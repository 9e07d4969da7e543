import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aviary_crds.botconfig import BotConfig

from .configs import bot_config
from .processes import BotProcess, Venue


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """Run the simulated venue on the port its clients expect."""
    venue = Venue(tmp_path_factory.mktemp("venue"))
    yield venue
    venue.close()


@pytest.fixture
def make_bot(venue: Venue, tmp_path: Path) -> Iterator[Callable[..., BotProcess]]:
    """Make and start bots; none of their processes outlives the test."""
    made: list[BotProcess] = []

    def make(config: BotConfig, *, code: str | None = None) -> BotProcess:
        bot = BotProcess(tmp_path / config.name, config, venue, code=code)
        made.append(bot)
        bot.start()
        return bot

    yield make
    for bot in made:
        bot.kill()


@pytest.fixture
def make_config() -> Callable[..., Any]:
    return bot_config


@pytest.fixture
def fresh_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test lay out `scripts` and `controllers` of its own, whatever an earlier one imported."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"controllers", "scripts"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_importer_cache", {})
