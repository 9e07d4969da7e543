"""Changes of a running bot: taken while it runs, by a restart, or held back for a person."""

from decimal import Decimal
from typing import Any

from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_operator.runtime.kinds import POD, STATEFUL_SET, TRADING_BOT
from aviary_operator_simulation.cluster import summarize
from aviary_operator_simulation.world import World, find_condition

FASTER = {"parameters": {"refresh_seconds": 5}}


async def run_bot(world: World, **changes: Any) -> str:
    await world.apply_bot("alpha", **changes)
    await world.until_condition("alpha", "Ready", status="True")
    await world.until_condition("alpha", "ConfigInSync", status="True")
    uid = await world.pod_uid("alpha")
    assert uid is not None
    return uid


async def annotate(world: World, revision: str) -> None:
    bot = await world.bot("alpha")
    bot["metadata"].pop("managedFields")
    bot["metadata"].setdefault("annotations", {})["aviary.trading/approve-restart"] = revision
    await world.kube.replace(TRADING_BOT, bot, manager="kubectl-annotate")


async def test_hot_change_reaches_the_running_bot_without_a_restart(world: World) -> None:
    uid = await run_bot(world)
    await world.apply_bot("alpha", strategy=FASTER)
    await world.until_condition("alpha", "ConfigInSync", status="True", reason="InSync")
    (pushed,) = world.node.bots["alpha"].retunes
    assert pushed.controllers[0].config["refresh_seconds"] == 5
    assert await world.pod_uid("alpha") == uid


async def test_cold_change_restarts_the_bot_once(world: World) -> None:
    uid = await run_bot(world)
    await world.apply_bot("alpha", market={"tradingPairs": ["BTC-USDT", "ETH-USDT"]})
    await world.until_condition("alpha", "ConfigInSync", status="True", reason="InSync")
    assert await world.pod_uid("alpha") != uid
    assert len(world.node.bots["alpha"].config.controllers) == 2
    await world.until_quiet()
    assert summarize(world.writes())["delete pods"] == 1


async def test_new_image_restarts_the_bot(world: World) -> None:
    uid = await run_bot(world)
    await world.apply_bot("alpha", image="aviary.local/bot:2")

    async def runs_new_image() -> bool:
        pod = await world.kube.get(POD, world.namespace, "alpha-0")
        return pod is not None and pod["spec"]["containers"][0]["image"] == "aviary.local/bot:2"

    await world.until(runs_new_image)
    assert await world.pod_uid("alpha") != uid


async def test_manual_policy_holds_a_cold_change_back_until_its_revision_is_approved(world: World) -> None:
    uid = await run_bot(world, updatePolicy="Manual")
    await world.apply_bot("alpha", updatePolicy="Manual", image="aviary.local/bot:2")
    held = await world.until_condition("alpha", "ConfigInSync", status="False", reason="RestartRequired")
    head = f"kubectl -n {world.namespace} annotate tbot/alpha aviary.trading/approve-restart="
    assert head in held["message"]
    first = held["message"].partition(head)[2].split()[0]
    await world.until_quiet()
    assert await world.pod_uid("alpha") == uid

    await world.apply_bot("alpha", updatePolicy="Manual", image="aviary.local/bot:3")
    await world.until_condition("alpha", "ConfigInSync", status="False", reason="RestartRequired")
    await annotate(world, first)
    await world.until_quiet()
    assert await world.pod_uid("alpha") == uid, "an approval of an older revision has no effect"

    held = await world.until_condition("alpha", "ConfigInSync", status="False", reason="RestartRequired")
    await annotate(world, held["message"].partition(head)[2].split()[0])
    await world.until_condition("alpha", "ConfigInSync", status="True", reason="InSync")
    assert await world.pod_uid("alpha") != uid


async def test_change_held_back_survives_a_restart_of_the_operator(world: World) -> None:
    uid = await run_bot(world, updatePolicy="Manual")
    await world.apply_bot("alpha", updatePolicy="Manual", market={"tradingPairs": ["ETH-USDT"]})
    await world.until_condition("alpha", "ConfigInSync", reason="RestartRequired")
    await world.stop_operator()
    await world.start_operator()
    await world.until_quiet()
    assert await world.pod_uid("alpha") == uid
    assert world.node.bots["alpha"].config.market.trading_pairs == ("BTC-USDT",)


async def test_lower_mode_does_not_wait_for_approval(world: World) -> None:
    uid = await run_bot(world, updatePolicy="Manual")
    await world.apply_bot("alpha", updatePolicy="Manual", mode="NoTrade")
    ready = await world.until_condition("alpha", "Ready", status="True")
    assert ready["message"] == "running without orders"
    assert await world.pod_uid("alpha") != uid
    assert world.node.bots["alpha"].config.mode is Mode.NO_TRADE


async def test_disabled_bot_has_no_pod_and_comes_back(world: World) -> None:
    await run_bot(world)
    await world.apply_bot("alpha", mode="Disabled")
    disabled = await world.until_condition("alpha", "Ready", status="True", reason="Disabled")
    assert disabled["message"] == "disabled"
    assert await world.pod_uid("alpha") is None
    before = await world.until_quiet()
    assert await world.until_quiet() == before
    await world.apply_bot("alpha", mode="Paper")
    await world.until_condition("alpha", "Ready", status="True")


async def test_bot_that_was_never_enabled_has_no_children(world: World) -> None:
    await world.apply_bot("alpha", mode="Disabled")
    await world.until_condition("alpha", "Ready", status="True", reason="Disabled")
    await world.until_quiet()
    assert await world.kube.get(STATEFUL_SET, world.namespace, "alpha") is None


async def test_refused_value_is_told_and_not_pushed_again(world: World) -> None:
    await run_bot(world)
    world.node.bots["alpha"].refuse_retunes = (422, "refresh_seconds: must be above 4")
    await world.apply_bot("alpha", strategy=FASTER)
    told = await world.until_condition("alpha", "ConfigInSync", status="False", reason="RetuneRefused")
    assert "must be above 4" in told["message"]


async def test_field_the_bot_does_not_take_while_running_restarts_it(world: World) -> None:
    uid = await run_bot(world)
    world.node.bots["alpha"].refuse_retunes = (409, "refresh_seconds is not hot in this image")
    await world.apply_bot("alpha", strategy=FASTER)
    await world.until_condition("alpha", "ConfigInSync", status="True", reason="InSync")
    assert await world.pod_uid("alpha") != uid


async def test_suspended_bot_is_left_alone(world: World) -> None:
    uid = await run_bot(world)
    boot = await world.boot_revision("alpha")
    await world.apply_bot("alpha", suspend=True, mode="NoTrade", image="aviary.local/bot:2")
    await world.until_condition("alpha", "ConfigInSync", status="Unknown", reason="Suspended")
    await world.until_quiet()
    assert await world.pod_uid("alpha") == uid
    assert await world.boot_revision("alpha") == boot


async def test_live_request_stays_on_paper_and_mounts_no_secret(world: World) -> None:
    await world.apply_desk("desk", modes=["Paper", "Testnet", "Live"])
    await world.apply_bot(
        "alpha",
        mode="Live",
        deskRef={"name": "desk"},
        gateRef={"name": "gate"},
        credentialsRef={"name": "venue"},
        safety={"maxNotionalQuote": "1000"},
    )
    refused = await world.until_condition("alpha", "ModeGranted", status="False", reason="GateMissing")
    assert f"PromotionGate {world.namespace}/gate does not exist" in refused["message"]
    await world.until_condition("alpha", "Ready", status="True", message="trading on paper; GateMissing")
    item = await world.kube.get(STATEFUL_SET, world.namespace, "alpha")
    assert item is not None
    assert "secret" not in str(item["spec"]).lower()
    assert (await world.bot("alpha"))["status"]["grantedMode"] == "Paper"


async def test_figures_are_not_written_more_than_once_a_minute(world: World) -> None:
    await run_bot(world)
    before = await world.until_quiet()
    bot = world.node.bots["alpha"]
    polls = bot.polls

    async def is_asked_again() -> bool:
        bot.figures = bot.figures.model_copy(update={"equity_quote": Decimal(1000 + bot.polls)})
        return bot.polls >= polls + 3

    await world.until(is_asked_again)
    assert len(world.writes()) == before, (world.writes()[before:], (await world.bot("alpha"))["status"])


async def test_first_fill_is_told_at_once(world: World) -> None:
    await run_bot(world)
    await world.until_quiet()
    bot = world.node.bots["alpha"]
    bot.figures = bot.figures.model_copy(update={"fills": 1})

    async def is_told() -> bool:
        return bool((await world.bot("alpha"))["status"]["observed"]["fills"] == 1)

    await world.until(is_told, seconds=20)


async def test_halt_is_told_at_once(world: World) -> None:
    await run_bot(world)
    bot = world.node.bots["alpha"]
    bot.guard = bot.guard.model_copy(update={"state": "HardStopped", "reasons": ("daily loss",)})
    halted = await world.until_condition("alpha", "Halted", status="True")
    assert "daily loss" in halted["message"]
    await world.until_condition("alpha", "Ready", status="False", reason="Halted")
    bot.guard = bot.guard.model_copy(update={"state": "Running", "reasons": ()})
    await world.until_condition("alpha", "Ready", status="True")
    assert find_condition(await world.bot("alpha"), "Halted") is None
