"""What the bot image can do beyond the others: boot Hummingbot, load its connectors, compute indicators."""

from typing import Any

import pytest

from images.tests.component.built_image import BuiltImage, probe, run_inside

DATA = "/home/hummingbot/data"
LEFT_OUT = {"lighter_perpetual", "decibel_perpetual", "pacifica_perpetual"}
"""Their libraries (95 MB) are not in the image: images/bot/prune.sh."""
BROKEN_UPSTREAM = {"dydx_v4_perpetual"}
"""Fails in an unpruned installation of this release, too (its v4_proto package is not published with it)."""


@pytest.fixture(scope="module")
def connectors(bot_image: BuiltImage) -> dict[str, Any]:
    return probe(bot_image, "connectors", writable=(DATA, "/home/hummingbot/logs"))


def test_hummingbot_runs_from_its_home(connectors: dict[str, Any]) -> None:
    assert connectors["runner"] == "/home/hummingbot/hummingbot/client/runner.py"


def test_connectors_that_paper_trading_supports_load(connectors: dict[str, Any]) -> None:
    assert {"bitget", "bitget_perpetual", "binance", "binance_perpetual"} <= set(connectors["loaded"])


def test_all_connectors_load_but_those_left_out_on_purpose(connectors: dict[str, Any]) -> None:
    broken = {name.removesuffix("_testnet") for name in connectors["broken"]}
    assert broken == LEFT_OUT | BROKEN_UPSTREAM, connectors["broken"]
    assert len(connectors["loaded"]) >= 56


def test_indicators_compute_with_a_writable_data_folder_only(bot_image: BuiltImage) -> None:
    code = (
        "import pandas as pd, pandas_ta; prices = pd.DataFrame({'close': range(1, 61)});"
        "print(round(float(prices.ta.sma(length=5).iloc[-1]), 3))"
    )
    run = run_inside(bot_image, "python3", "-c", code, writable=(DATA,))
    assert run.stdout.strip() == "58.0", run.stderr


@pytest.mark.parametrize("folder", ["conf", "data", "logs", "scripts", "controllers"])
def test_mount_points_of_the_pod_exist(bot_image: BuiltImage, folder: str) -> None:
    assert run_inside(bot_image, "test", "-d", f"/home/hummingbot/{folder}").returncode == 0
