"""From a spec to a bot that trades on paper, and silence afterwards."""

from typing import Any

import pytest
from aviary_operator.runtime.kinds import CHILD_KINDS, CONFIG_MAP, NETWORK_POLICY, STATEFUL_SET, VOLUME_CLAIM, Kind
from aviary_operator_simulation.cluster import summarize
from aviary_operator_simulation.world import World


def name_of(kind: Kind) -> str:
    return "data-alpha" if kind == VOLUME_CLAIM else "alpha"


async def test_bot_becomes_ready_with_all_children_owned_by_it(world: World) -> None:
    bot = await world.apply_bot("alpha")
    ready = await world.until_condition("alpha", "Ready", status="True")
    assert ready["message"] == "trading on paper"
    for kind in CHILD_KINDS:
        child = await world.kube.get(kind, world.namespace, name_of(kind))
        assert child is not None, kind
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (bot["metadata"]["uid"], True)


async def test_status_tells_what_runs(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "ConfigInSync", status="True")
    await world.until_condition("alpha", "Ready", status="True")
    await world.until_quiet()
    status = (await world.bot("alpha"))["status"]
    assert status["grantedMode"] == "Paper"
    assert status["revision"] == status["runningRevision"] == world.node.bots["alpha"].config.revision
    assert status["observed"]["equityQuote"] == "1000"
    assert status["observedGeneration"] == 1
    kinds = {item["type"]: item["status"] for item in status["conditions"]}
    assert kinds == {
        "ConfigInSync": "True",
        "EnvelopeEnforced": "True",
        "EnvelopeValid": "True",
        "ModeGranted": "True",
        "Ready": "True",
    }


async def test_converged_bot_costs_no_write_and_no_call(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    before = await world.until_quiet()
    await world.kube.apply(
        STATEFUL_SET,
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "alpha", "namespace": world.namespace, "annotations": {"somebody": "else"}},
        },
        manager="somebody",
    )  # wakes the operator up, changes nothing of its own
    assert await world.until_quiet(seconds=3) == before, world.writes()[before:]


async def test_restarted_operator_writes_nothing_and_leaves_the_pod(world: World) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    before = await world.until_quiet()
    pod = await world.pod_uid("alpha")
    await world.stop_operator()
    await world.start_operator()
    assert await world.until_quiet(seconds=4) == before, summarize(world.writes()[before:])
    assert await world.pod_uid("alpha") == pod


@pytest.mark.parametrize("kind", CHILD_KINDS, ids=lambda kind: kind.kind)
async def test_deleted_child_is_made_anew(world: World, kind: Kind) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    child = await world.kube.get(kind, world.namespace, name_of(kind))
    assert child is not None
    uid = child["metadata"]["uid"]
    if kind == VOLUME_CLAIM:  # its protection finalizer would keep it: nobody here takes it off
        bare = {**child, "metadata": {**child["metadata"], "finalizers": []}}
        await world.kube.replace(kind, bare, manager="test")
    await world.kube.delete(kind, world.namespace, name_of(kind), uid=uid)

    async def is_new() -> bool:
        found = await world.kube.get(kind, world.namespace, name_of(kind))
        return found is not None and found["metadata"]["uid"] != uid

    await world.until(is_new)


def _edit_config(child: dict[str, Any]) -> None:
    child["data"]["bot.json"] = child["data"]["bot.json"].replace('"1000"', '"900000"')


def _open_network(child: dict[str, Any]) -> None:
    child["spec"]["egress"].append({})


def _add_secret(child: dict[str, Any]) -> None:
    child["spec"]["template"]["spec"]["volumes"].append({"name": "keys", "secret": {"secretName": "venue"}})


def _add_variable(child: dict[str, Any]) -> None:
    child["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "EVIL", "value": "1"})


def _scale_up(child: dict[str, Any]) -> None:
    child["spec"]["replicas"] = 3


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        (CONFIG_MAP, _edit_config),
        (NETWORK_POLICY, _open_network),
        (STATEFUL_SET, _add_secret),
        (STATEFUL_SET, _add_variable),
        (STATEFUL_SET, _scale_up),
    ],
)
async def test_edited_child_is_put_right_and_what_was_added_is_removed(world: World, kind: Kind, edit: Any) -> None:
    await world.apply_bot("alpha")
    await world.until_condition("alpha", "Ready", status="True")
    await world.until_quiet()
    before = await world.kube.get(kind, world.namespace, "alpha")
    assert before is not None
    edited = {key: value for key, value in before.items() if key != "status"}
    edited = {**edited, "metadata": {**edited["metadata"], "managedFields": None}}
    content = "data" if kind == CONFIG_MAP else "spec"
    import copy

    edited[content] = copy.deepcopy(before[content])
    edit(edited)
    await world.kube.replace(kind, edited, manager="kubectl-edit")

    async def is_as_before() -> bool:
        found = await world.kube.get(kind, world.namespace, "alpha")
        return found is not None and found[content] == before[content]

    await world.until(is_as_before)
    quiet = await world.until_quiet()
    assert await world.until_quiet() == quiet
