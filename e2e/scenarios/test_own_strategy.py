"""A strategy of one's own comes as a ConfigMap; a broken one trades nothing and says what is broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_e2e.bots import Bot
from aviary_e2e.commands import REPOSITORY
from aviary_e2e.release import Release

pytestmark = pytest.mark.e2e

SAMPLE = REPOSITORY / "manifests" / "samples" / "own-strategy.yaml"


def _sample(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    documents = list(yaml.safe_load_all(path.read_text()))
    config_map = next(document for document in documents if document["kind"] == "ConfigMap")
    bot = next(document for document in documents if document["kind"] == "TradingBot")
    return config_map, bot


def _in_namespace(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def test_a_strategy_from_a_config_map_trades(release: Release, namespace: str, saw: Callable[[str], None]) -> None:
    """Scenario 10: the sample's own controller gets Ready and has fills; its code is part of the digest."""
    config_map, manifest = _sample(SAMPLE)
    release.kubectl.apply([_in_namespace(config_map, namespace), _in_namespace(manifest, namespace)])
    bot = Bot(release.kubectl, manifest["metadata"]["name"], namespace)
    bot.wait_ready()
    state = bot.wait_fills()
    digest = bot.status().digest
    assert digest == state.digest
    saw(f"{manifest['spec']['strategy']['controller']}: {state.figures.fills} fills, digest {digest}")


BROKEN = {
    "syntax": ("def broken(:\n", "strategy"),
    "no-controller": ("ANSWER = 42\n", "configuration class"),
    "bad-field": (None, "no_such_field"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_strategy_trades_nothing_and_says_so(
    name: str, release: Release, namespace: str, saw: Callable[[str], None]
) -> None:
    """Scenario 10: code that cannot be loaded, or parameters it does not know, is Ready=False StrategyInvalid."""
    config_map, manifest = _sample(SAMPLE)
    source, word = BROKEN[name]
    if source is None:
        manifest["spec"]["strategy"].setdefault("parameters", {})["no_such_field"] = 1
    else:
        config_map["data"] = dict.fromkeys(config_map["data"], source)
    release.kubectl.apply([_in_namespace(config_map, namespace), _in_namespace(manifest, namespace)])
    bot = Bot(release.kubectl, manifest["metadata"]["name"], namespace)
    found = bot.wait_condition("Ready", "False", seconds=60, reason="StrategyInvalid")
    assert word in found.message.lower()
    state = bot.state()
    assert state.figures.fills == 0
    assert not state.figures.open_orders
    saw(f"{name}: {found.message}")
