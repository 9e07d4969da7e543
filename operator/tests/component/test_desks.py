"""A desk's ceilings reach the bots that run."""

from decimal import Decimal
from typing import Any

from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_operator.runtime.kinds import CONFIG_MAP, SERVICE, STATEFUL_SET, TRADING_DESK
from aviary_operator_simulation.world import CEILINGS, World

DESK = {"deskRef": {"name": "desk"}}


async def test_tightened_ceiling_reaches_the_running_bot_without_a_restart(world: World) -> None:
    await world.apply_desk("desk")
    await world.apply_bot("alpha", **DESK, updatePolicy="Manual")
    await world.until_condition("alpha", "Ready", status="True")
    uid = await world.pod_uid("alpha")
    assert world.node.bots["alpha"].config.limits.max_order_notional_quote == Decimal(200)
    await world.apply_desk("desk", maxOrderNotionalQuote="50")

    async def is_tighter() -> bool:
        return world.node.bots["alpha"].config.limits.max_order_notional_quote == Decimal(50)

    await world.until(is_tighter, seconds=10)
    await world.until_condition("alpha", "ConfigInSync", status="True", reason="InSync")
    assert await world.pod_uid("alpha") == uid


async def test_tightened_ceiling_does_not_wait_behind_a_change_that_is_held_back(world: World) -> None:
    await world.apply_desk("desk")
    await world.apply_bot("alpha", **DESK, updatePolicy="Manual")
    await world.until_condition("alpha", "Ready", status="True")
    await world.apply_bot("alpha", **DESK, updatePolicy="Manual", image="aviary.local/bot:2")
    await world.until_condition("alpha", "ConfigInSync", reason="RestartRequired")
    await world.apply_desk("desk", maxOrderNotionalQuote="50")

    async def is_tighter() -> bool:
        return world.node.bots["alpha"].config.limits.max_order_notional_quote == Decimal(50)

    await world.until(is_tighter, seconds=10)
    await world.until_condition("alpha", "ConfigInSync", reason="RestartRequired")


async def test_running_bot_whose_pair_is_no_longer_allowed_places_no_orders(world: World) -> None:
    await world.apply_desk("desk")
    await world.apply_bot("alpha", **DESK, updatePolicy="Manual")
    await world.until_condition("alpha", "Ready", status="True")
    await world.apply_desk("desk", tradingPairs=["ETH-USDT"])
    told = await world.until_condition("alpha", "Ready", status="False", reason="PairNotAllowed")
    assert "does not allow BTC-USDT" in told["message"]
    await world.until_condition("alpha", "EnvelopeValid", status="False", reason="PairNotAllowed")

    async def is_demoted() -> bool:
        bot = world.node.bots.get("alpha")
        return bot is not None and bot.config.mode is Mode.NO_TRADE

    await world.until(is_demoted)
    assert (await world.bot("alpha"))["status"]["grantedMode"] == "NoTrade"
    await world.apply_desk("desk")
    await world.apply_bot("alpha", **DESK, updatePolicy="Auto")
    await world.until_condition("alpha", "Ready", status="True", message="trading on paper")


async def test_bot_without_its_desk_is_not_started_and_a_running_one_stops_trading(world: World) -> None:
    await world.apply_bot("alpha", **DESK)
    missing = await world.until_condition("alpha", "Ready", status="False", reason="DeskMissing")
    assert missing["message"].startswith("not started")
    assert await world.kube.get(STATEFUL_SET, world.namespace, "alpha") is None
    desk = await world.apply_desk("desk")
    await world.until_condition("alpha", "Ready", status="True")
    await world.kube.delete(TRADING_DESK, world.namespace, "desk", uid=desk["metadata"]["uid"])
    await world.until_condition("alpha", "Ready", status="False", reason="DeskMissing")

    async def is_demoted() -> bool:
        bot = world.node.bots.get("alpha")
        return bot is not None and bot.config.mode is Mode.NO_TRADE

    await world.until(is_demoted)


async def test_youngest_bot_is_refused_when_the_total_is_used_up(world: World) -> None:
    await world.apply_desk("desk")
    for name in ("alpha", "beta", "gamma"):
        await world.apply_bot(name, **DESK)
    await world.until_condition("alpha", "Ready", status="True")
    await world.until_condition("beta", "Ready", status="True")
    refused = await world.until_condition("gamma", "EnvelopeValid", status="False", reason="DeskTotalExceeded")
    assert "older bots leave 500" in refused["message"]
    assert await world.kube.get(STATEFUL_SET, world.namespace, "gamma") is None
    await world.apply_bot("alpha", **DESK, mode="Disabled")
    await world.until_condition("gamma", "Ready", status="True")


async def test_desk_counts_its_bots(world: World) -> None:
    await world.apply_desk("desk")
    await world.apply_bot("alpha", **DESK)
    await world.apply_bot("beta", **DESK, mode="Disabled")

    async def counts_two() -> bool:
        desk = await world.kube.get(TRADING_DESK, world.namespace, "desk")
        return desk is not None and desk.get("status", {}).get("bots") == 2

    await world.until(counts_two)


async def make_venue(world: World) -> dict[str, Any]:
    port = {"name": "https", "port": 443, "targetPort": 8443}
    service = await world.kube.apply(
        SERVICE,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "venue", "namespace": world.namespace},
            "spec": {"selector": {"app": "venue"}, "ports": [port]},
        },
        manager="test",
    )
    await world.kube.apply(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "venue-ca", "namespace": world.namespace},
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
        },
        manager="test",
    )
    return service


async def test_venue_override_is_awaited_and_then_wired_into_the_pod(world: World) -> None:
    override = {
        "hosts": ["api.bitget.com", "ws.bitget.com"],
        "service": {"name": "venue", "namespace": world.namespace},
        "ca": {"name": "venue-ca", "namespace": world.namespace},
    }
    await world.kube.apply(
        TRADING_DESK,
        {
            "apiVersion": TRADING_DESK.api_version,
            "kind": TRADING_DESK.kind,
            "metadata": {"name": "desk", "namespace": world.namespace},
            "spec": {"ceilings": dict(CEILINGS), "venueOverrides": [override]},
        },
        manager="desk",
    )
    await world.apply_bot("alpha", **DESK)
    missing = await world.until_condition("alpha", "Ready", status="False", reason="VenueMissing")
    assert f"Service {world.namespace}/venue does not exist" in missing["message"]
    service = await make_venue(world)
    await world.until_condition("alpha", "Ready", status="True")
    item = await world.kube.get(STATEFUL_SET, world.namespace, "alpha")
    assert item is not None
    (alias,) = item["spec"]["template"]["spec"]["hostAliases"]
    assert alias == {"ip": service["spec"]["clusterIP"], "hostnames": ["api.bitget.com", "ws.bitget.com"]}
