"""The tables under ``cases/``, for unit tests (the models) and component tests (the API server) alike."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

_CASES = Path(__file__).parent / "cases"


def _load(name: str) -> dict[str, Any]:
    tables: dict[str, Any] = yaml.safe_load((_CASES / name).read_text(encoding="utf-8"))
    return tables


def _merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that asks for ``refused_manifest`` every row of ``cases/refused.yaml``."""
    if "refused_manifest" not in metafunc.fixturenames:
        return
    words = "model_says" if "model_says" in metafunc.fixturenames else "server_says"
    rows = [
        pytest.param(
            manifest,
            row.get("model", row["says"]) if words == "model_says" else row["says"],
            id=f"{kind}: {row['name']}",
        )
        for kind, row, manifest in _refused()
    ]
    metafunc.parametrize(("refused_manifest", words), rows)


def _refused() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield kind, row and manifest of each row."""
    minimal = _load("minimal_objects.yaml")
    for kind, table in _load("refused.yaml").items():
        for row in table:
            yield kind, row, _merged(minimal[kind], row["patch"])


@pytest.fixture
def refused_manifests() -> list[dict[str, Any]]:
    """Give the manifests of all rows."""
    return [manifest for _, _, manifest in _refused()]


@pytest.fixture
def minimal_bot() -> dict[str, Any]:
    """Give the least TradingBot, to be changed at will."""
    bot: dict[str, Any] = copy.deepcopy(_load("minimal_objects.yaml")["TradingBot"])
    return bot


@pytest.fixture
def minimal_desk() -> dict[str, Any]:
    """Give the least TradingDesk, to be changed at will."""
    desk: dict[str, Any] = copy.deepcopy(_load("minimal_objects.yaml")["TradingDesk"])
    return desk


@pytest.fixture
def minimal_gate() -> dict[str, Any]:
    """Give the least PromotionGate, to be changed at will."""
    gate: dict[str, Any] = copy.deepcopy(_load("minimal_objects.yaml")["PromotionGate"])
    return gate


@pytest.fixture
def minimal_approval() -> dict[str, Any]:
    """Give the least PromotionApproval, to be changed at will."""
    approval: dict[str, Any] = copy.deepcopy(_load("minimal_objects.yaml")["PromotionApproval"])
    return approval
