"""What keeps a bot from trading is named."""

from aviary_crds.botstate import FailureReason, Phase
from aviary_operator.runtime.kinds import CONFIG_MAP, TRADING_BOT
from aviary_operator_simulation.world import World

CODE = {"strategy": {"controller": "mine", "code": {"configMapRef": {"name": "mine", "key": "mine.py"}}}}


async def put_code(world: World, text: str) -> None:
    await world.kube.apply(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "mine", "namespace": world.namespace},
            "data": {"mine.py": text},
        },
        manager="desk",
    )


async def test_image_that_cannot_be_pulled(world: World) -> None:
    world.node.waiting["alpha"] = ("ErrImagePull", 'failed to pull image "aviary.local/bot:1": not found')
    await world.apply_bot("alpha")
    told = await world.until_condition("alpha", "Ready", status="False", reason="ImagePullFailed")
    assert told["message"].startswith("image aviary.local/bot:1 cannot be pulled: failed to pull")
    await world.until_condition("alpha", "Stalled", status="True")
    before = await world.until_quiet()
    world.node.waiting["alpha"] = ("ImagePullBackOff", 'Back-off pulling image "aviary.local/bot:1"')
    assert await world.until_quiet() == before, "the kubelet's back-off is no transition"
    del world.node.waiting["alpha"]
    await world.until_condition("alpha", "Ready", status="True")


async def test_crash_loop_with_exit_code_and_last_words(world: World) -> None:
    world.node.crashed["alpha"] = (3, "2 orders could not be verified as cancelled")
    await world.apply_bot("alpha")
    told = await world.until_condition("alpha", "Ready", status="False", reason="CrashLoop")
    assert told["message"] == "the bot exits with code 3: 2 orders could not be verified as cancelled"


async def test_pod_that_no_node_takes(world: World) -> None:
    world.node.unschedulable["alpha"] = "0/1 nodes are available: 1 Insufficient memory."
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="False", reason="Unschedulable", message="Insufficient memory")


async def test_volume_that_is_not_bound(world: World) -> None:
    world.node.unschedulable["alpha"] = "0/1 nodes: pod has unbound immediate PersistentVolumeClaims."
    await world.apply_bot("alpha", storage={"storageClassName": "none-such"})
    told = await world.until_condition("alpha", "Ready", status="False", reason="VolumeUnbound")
    assert told["message"].startswith("volume data-alpha (StorageClass none-such) is not bound: ")


async def test_bot_that_failed_says_why(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    bot = world.node.bots["alpha"]
    bot.phase, bot.reason, bot.message = Phase.FAILED, FailureReason.STRATEGY_INVALID, "spreads_bps: must ascend"
    await world.until_condition("alpha", "Ready", reason="StrategyInvalid", message="spreads_bps: must ascend")


async def test_venue_that_is_away_and_back(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    uid = await world.pod_uid("alpha")
    bot = world.node.bots["alpha"]
    bot.ready, bot.flags = False, {"order_books_initialized": False}
    await world.until_condition("alpha", "Ready", reason="NotReady", message="order_books_initialized")
    bot.ready, bot.flags = True, {"order_books_initialized": True}
    await world.until_condition("alpha", "Ready", status="True")
    assert await world.pod_uid("alpha") == uid


async def test_bot_that_does_not_answer_keeps_its_last_figures(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    await world.node.bots["alpha"].stop()
    told = await world.until_condition("alpha", "Ready", status="False", reason="StateUnreachable")
    assert "does not answer" in told["message"]
    assert (await world.bot("alpha"))["status"]["observed"]["equityQuote"] == "1000"
    await world.until_condition("alpha", "EnvelopeEnforced", status="Unknown")


async def test_missing_code_is_named_and_a_running_bot_goes_on(world: World) -> None:
    await world.apply_bot("alpha", **CODE)
    told = await world.until_condition("alpha", "Ready", status="False", reason="StrategyCodeMissing")
    assert f"ConfigMap {world.namespace}/mine does not exist" in told["message"]
    await put_code(world, "class Mine: ...\n")
    await world.until_condition("alpha", "Ready", status="True")
    uid = await world.pod_uid("alpha")
    own = await world.kube.get(CONFIG_MAP, world.namespace, "alpha")
    assert own is not None
    assert own["data"]["strategy.py"] == "class Mine: ...\n"
    found = await world.kube.get(CONFIG_MAP, world.namespace, "mine")
    assert found is not None
    await world.kube.delete(CONFIG_MAP, world.namespace, "mine", uid=found["metadata"]["uid"])
    await world.apply_bot("alpha", **CODE, telemetry={"logLevel": "Debug"})
    await world.until_condition("alpha", "ModeGranted", status="True")
    assert await world.pod_uid("alpha") == uid


async def test_changed_code_restarts_the_bot(world: World) -> None:
    await put_code(world, "class Mine: ...\n")
    await world.apply_bot("alpha", **CODE)
    await world.until_condition("alpha", "Ready", status="True")
    uid = await world.pod_uid("alpha")
    await put_code(world, "class Mine: x = 1\n")

    async def is_restarted() -> bool:
        return await world.pod_uid("alpha") not in {uid, None}

    await world.until(is_restarted, seconds=45)


async def test_reserved_parameter_is_refused_with_the_field_to_use(world: World) -> None:
    await world.apply_bot("alpha", strategy={"parameters": {"leverage": 20}})
    told = await world.until_condition("alpha", "Ready", status="False", reason="ReservedParameter")
    assert "use spec.market.leverage" in told["message"]


async def test_invalid_spec_neither_stops_nor_loosens_a_running_bot(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    uid, config = await world.pod_uid("alpha"), world.node.bots["alpha"].config
    changes = {"strategy": {"parameters": {"leverage": 20}}, "safety": {"maxOrderNotionalQuote": "900"}}
    await world.apply_bot("alpha", **changes)
    await world.until_condition("alpha", "Stalled", status="True", reason="ReservedParameter")
    await world.until_condition("alpha", "EnvelopeValid", status="False")
    await world.until_condition("alpha", "ConfigInSync", status="False", reason="LastGood")
    assert await world.pod_uid("alpha") == uid
    assert world.node.bots["alpha"].config == config
    assert (await world.bot("alpha"))["status"]["grantedMode"] == "Paper"


async def test_object_that_has_a_childs_name_is_left_alone(world: World) -> None:
    await world.kube.apply(
        CONFIG_MAP,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "alpha", "namespace": world.namespace},
            "data": {"mine": "precious"},
        },
        manager="desk",
    )
    await world.apply_bot("alpha")
    told = await world.until_condition("alpha", "Ready", status="False", reason="NameTaken")
    assert "ConfigMap alpha exists and does not belong to this bot" in told["message"]
    found = await world.kube.get(CONFIG_MAP, world.namespace, "alpha")
    assert found is not None
    assert found["data"] == {"mine": "precious"}
    assert "ownerReferences" not in found["metadata"]


async def test_operator_writes_neither_spec_nor_metadata_of_a_bot(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    bot = await world.bot("alpha")
    managers = {(entry["manager"], entry.get("subresource")) for entry in bot["metadata"]["managedFields"]}
    assert managers == {("desk", None), ("aviary-bot-controller", "status")}
    assert not bot["metadata"].get("finalizers")
    assert not bot["metadata"].get("annotations")
    plain = [write for write in world.writes() if write.resource == TRADING_BOT.plural and not write.subresource]
    assert plain == []
