from collections.abc import Callable
from typing import Any

import pytest
from aviary_bot.retune import cold_paths
from aviary_crds.botconfig import BotConfig

FILE = "alpha-btc-usdt.yml"


UPDATABLE = ("spreads_bps",)


def _controllers(**config: Any) -> list[dict[str, Any]]:
    return [{"file": FILE, "config": {"id": "alpha-btc-usdt", "spreads_bps": [10]} | config}]


LIMITS = {"allowedPairs": ["BTC-USDT"], "maxOrderNotionalQuote": "1", "maxNotionalQuote": "1000", "maxLeverage": 5}


@pytest.mark.parametrize(
    ("changes", "cold"),
    [
        ({}, ()),
        ({"limits": LIMITS}, ()),
        ({"telemetry": {"logLevel": "Debug"}}, ()),
        ({"telemetry": {"logLevel": "Debug"}, "client": {"instance_id": "alpha", "log_level": "DEBUG"}}, ()),
        ({"controllers": _controllers(spreads_bps=[20])}, ()),
        ({"controllers": _controllers(spreads_bps=[20]), "digest": "sha256:two"}, ()),
        ({"telemetry": {"csvBufferRows": 99}}, ("telemetry.csvBufferRows",)),
        ({"client": {"instance_id": "beta", "log_level": "INFO"}}, ("client.instance_id",)),
        ({"controllers": _controllers(trading_pair="ETH-USDT")}, (f"controllers.{FILE}.trading_pair",)),
        ({"totalAmountQuote": "2000"}, ("totalAmountQuote",)),
        ({"mode": "NoTrade", "stopBudgetSeconds": 9}, ("mode", "stopBudgetSeconds")),
        (
            {"controllers": [*_controllers(), {"file": "b.yml", "config": {}}]},
            ("controllers.b.yml",),
        ),
    ],
)
def test_only_hot_fields_come_into_force_without_a_restart(
    make_config: Callable[..., BotConfig], changes: dict[str, Any], cold: tuple[str, ...]
) -> None:
    old = make_config()
    new = make_config(**changes).sealed(boot_revision=old.boot_revision)
    assert cold_paths(old, new, UPDATABLE) == cold


def test_a_configuration_for_another_pod_is_cold(make_config: Callable[..., BotConfig]) -> None:
    old = make_config()
    assert cold_paths(old, old.sealed(boot_revision="sha256:other"), UPDATABLE) == ("bootRevision",)
