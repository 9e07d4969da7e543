"""A gate on a real API server: a bot soaks, passes, is approved; and what takes its grant away at once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.evidence_chain import follow_chain
from aviary_operator.gates.measuring import Pace
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_DESK, Manifest
from aviary_operator_simulation.world import CEILINGS, World, find_condition, merged

PACE = Pace(sample=0.5, tick=0.05, retry=0.5, calm=0.2, period_share=0.1)
BOT = {
    "deskRef": {"name": "desk"},
    "gateRef": {"name": "to-live"},
    "safety": {"maxNotionalQuote": "500"},
}
FILLS = {
    "name": "fills",
    "bot": {"field": "Fills"},
    "threshold": {"comparison": "AtLeast", "value": "1"},
    "periodSeconds": 5,
}


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[[World], None]:
    """Let the operator keep evidence, sample twice a second and ask ten seconds of the floor."""

    def change(world: World) -> None:
        world.evidence_dir, world.pace, world.floor_seconds = tmp_path / "evidence", PACE, 10

    return change


@pytest_asyncio.fixture
async def desk(world: World) -> AsyncIterator[World]:
    """Give a desk that allows Live, and a bot that trades all the time."""
    ceilings = merged(CEILINGS, {"modes": list(Mode), "maxLiveBots": 1})
    await apply(world, TRADING_DESK, "desk", {"ceilings": ceilings})
    await world.apply_bot("alpha", **BOT)
    await world.until_condition("alpha", "Ready", status="True")
    await world.until_condition("alpha", "EnvelopeEnforced", status="True")
    trading = asyncio.create_task(keep_trading(world), name="trading")
    try:
        yield world
    finally:
        trading.cancel()


async def apply(world: World, kind: Any, name: str, spec: dict[str, Any]) -> Manifest:
    manifest = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": world.namespace},
        "spec": spec,
    }
    return await world.kube.apply(kind, manifest, manager="desk")


async def apply_gate(world: World, **changes: Any) -> Manifest:
    spec = {
        "botRef": {"name": "alpha"},
        "from": "Paper",
        "to": "Live",
        "soak": {"minSeconds": 3, "minFills": 1, "maxGapSeconds": 30},
        "checks": [FILLS],
        "grant": {"capitalQuote": "100"},
    }
    return await apply(world, PROMOTION_GATE, "to-live", {**spec, **changes})


async def approve(world: World, digest: str, name: str = "yes") -> Manifest:
    spec = {
        "gateRef": {"name": "to-live"},
        "digest": digest,
        "approver": "ann",
        "reason": "looked at the soak and at every check",
    }
    return await apply(world, PROMOTION_APPROVAL, name, spec)


async def gate(world: World) -> Manifest:
    found = await world.kube.get(PROMOTION_GATE, world.namespace, "to-live")
    assert found is not None
    return found


async def until_gate(world: World, *, seconds: float = 60.0, **wanted: Any) -> dict[str, Any]:
    """Wait for the condition Passed to be as wanted, and return the gate's status."""

    async def holds() -> dict[str, Any] | None:
        status: dict[str, Any] = (await gate(world)).get("status") or {}
        passed = find_condition({"status": status}, "Passed") or {}
        return status if all(passed.get(key) == value for key, value in wanted.items()) else None

    return await world.until(holds, seconds=seconds, tell=lambda: tell(world))


async def tell(world: World) -> str:
    """Return the gate's whole status."""
    return json.dumps((await gate(world)).get("status"), indent=1)


async def keep_trading(world: World) -> None:
    """Fill an order of every bot five times a second: the floor wants a fill in every window of ten seconds."""
    while True:
        for bot in world.node.bots.values():
            bot.figures = bot.figures.model_copy(update={"fills": bot.figures.fills + 1})
        await asyncio.sleep(0.2)


async def until_a_second_after(world: World, moment: str) -> None:
    """The API server's times are whole seconds: an approval of the same second as its subject is not after it."""

    async def is_later() -> bool:
        return datetime.now(UTC) - datetime.fromisoformat(moment) > timedelta(seconds=1.1)

    await world.until(is_later)


async def pass_gate(world: World) -> dict[str, Any]:
    """Bring the gate to where it grants Live, and return its status."""
    await apply_gate(world)
    waiting = await until_gate(world, status="False", reason="AwaitingApproval")
    await until_a_second_after(world, waiting["subject"]["since"])
    await approve(world, waiting["subject"]["digest"])
    return await until_gate(world, status="True")


async def until_lost(world: World, since: float) -> dict[str, Any]:
    async def is_lost() -> dict[str, Any] | None:
        status: dict[str, Any] = (await gate(world)).get("status") or {}
        return None if "grant" in status else status

    status = await world.until(is_lost, seconds=20, tell=lambda: tell(world))
    took = time.monotonic() - since
    assert took < 5, f"the grant stood for {took:.1f} s"
    return status


async def test_bot_soaks_is_approved_and_granted_live(desk: World) -> None:
    status = await pass_gate(desk)
    bot = await desk.bot("alpha")
    grant = status["grant"]
    assert (grant["mode"], grant["capitalQuote"]) == ("Live", "100")
    assert (grant["digest"], grant["botUid"]) == (bot["status"]["digest"], bot["metadata"]["uid"])
    assert status["level"] >= 3
    assert {item["state"] for item in status["checks"]} == {"Passed"}
    await desk.apply_bot("alpha", **BOT, mode="Live")
    await desk.until_condition("alpha", "ModeGranted", status="True", reason="Granted")
    assert (await desk.bot("alpha"))["status"]["grantedMode"] == "Live"
    approval = await desk.kube.get(PROMOTION_APPROVAL, desk.namespace, "yes")
    assert approval is not None
    ready = find_condition(approval, "Ready")
    assert ready is not None
    assert ready["status"] == "True"
    assert approval["status"]["expiresTime"]


async def test_changed_parameter_voids_the_grant_within_five_seconds(desk: World) -> None:
    before = await pass_gate(desk)
    await desk.apply_bot("alpha", **BOT, mode="Live", capital={"totalAmountQuote": "900"})
    await desk.until_condition("alpha", "ModeGranted", status="True", reason="Granted")
    granted = await until_gate(desk, status="True")
    assert granted["history"] == before["history"], "asking for the mode, and for less capital, changes no subject"
    since = time.monotonic()
    await desk.apply_bot("alpha", **BOT, strategy={"parameters": {"refresh_seconds": 5}})
    after = await until_lost(desk, since)
    assert after["subject"]["digest"] != before["subject"]["digest"]
    assert [item["event"] for item in after["history"]][-1] in {"Lost", "RunEnded"}


async def test_withdrawn_approval_voids_the_grant_within_five_seconds(desk: World) -> None:
    await pass_gate(desk)
    approval = await desk.kube.get(PROMOTION_APPROVAL, desk.namespace, "yes")
    assert approval is not None
    since = time.monotonic()
    await desk.kube.delete(PROMOTION_APPROVAL, desk.namespace, "yes", uid=approval["metadata"]["uid"])
    await until_lost(desk, since)
    await until_gate(desk, status="False", reason="AwaitingApproval")


async def test_deleted_gate_takes_a_live_bots_orders_away(desk: World) -> None:
    await pass_gate(desk)
    await desk.apply_bot("alpha", **BOT, mode="Live")
    await desk.until_condition("alpha", "ModeGranted", status="True")
    uid = (await gate(desk))["metadata"]["uid"]
    await desk.kube.delete(PROMOTION_GATE, desk.namespace, "to-live", uid=uid)

    async def is_halted() -> bool:
        return bool((await desk.bot("alpha"))["status"]["grantedMode"] == "NoTrade")

    await desk.until(is_halted, seconds=5)
    approval = await desk.kube.get(PROMOTION_APPROVAL, desk.namespace, "yes")

    async def says_so() -> bool:
        found = await desk.kube.get(PROMOTION_APPROVAL, desk.namespace, "yes")
        ready = find_condition(found or {}, "Ready")
        return ready is not None and ready["reason"] == "GateMissing"

    assert approval is not None
    await desk.until(says_so)


async def test_restarted_operator_goes_on_with_run_and_grant(desk: World) -> None:
    before = await pass_gate(desk)
    await desk.stop_operator()
    await desk.start_operator()
    await desk.until_quiet(seconds=3)
    after = (await gate(desk))["status"]
    assert after["grant"] == before["grant"]
    assert after["soak"]["since"] == before["soak"]["since"]
    assert after["history"] == before["history"]


async def test_evidence_on_the_volume_is_a_whole_chain_that_the_status_knows(desk: World) -> None:
    await pass_gate(desk)
    await desk.stop_operator()
    assert desk.evidence_dir is not None
    found = await gate(desk)
    path = desk.evidence_dir / f"{found['metadata']['uid']}.jsonl"
    heads: list[str] = []
    with path.open("rb") as file:
        chain = follow_chain(file, each=lambda head, _: heads.append(head))
    assert chain.entries > 5
    assert found["status"]["evidenceHead"] in heads


async def test_converged_gate_writes_figures_at_most_once_a_minute(desk: World) -> None:
    await pass_gate(desk)
    await desk.until_quiet(seconds=3)
    before, polls = len(desk.writes()), desk.node.bots["alpha"].polls

    async def was_asked_often() -> bool:
        return desk.node.bots["alpha"].polls > polls + 3

    await desk.until(was_asked_often)
    written = [item for item in desk.writes()[before:] if item.resource == PROMOTION_GATE.plural]
    assert len(written) <= 1, written


async def test_operator_without_an_evidence_volume_grants_nothing(desk: World) -> None:
    await pass_gate(desk)
    await desk.stop_operator()
    desk.evidence_dir = None
    await desk.start_operator()
    status = await until_gate(desk, status="False", seconds=90)
    assert "grant" not in status
    ready = find_condition({"status": status}, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "EvidenceUnwritable")
    assert "AVIARY_EVIDENCE_DIR" in ready["message"]


async def test_silent_bot_ends_the_run_and_with_it_the_grant(desk: World) -> None:
    await pass_gate(desk)
    await desk.node.bots["alpha"].stop()
    status = await until_gate(desk, status="False", seconds=120)
    assert "grant" not in status


async def test_failed_check_ends_grant_and_run_and_the_next_run_waits_for_it(desk: World) -> None:
    loss = {
        "name": "loss",
        "bot": {"field": "DayLossBps"},
        "threshold": {"comparison": "LessThan", "value": "100"},
        "periodSeconds": 5,
    }
    before = await pass_gate(desk)
    await apply_gate(desk, checks=[FILLS, loss])
    bot = desk.node.bots["alpha"]
    good, bad = bot.risk, bot.risk.model_copy(update={"day_loss_bps": Decimal(120)})
    bot.risk = bad

    async def waits() -> bool:
        soak = ((await gate(desk)).get("status") or {}).get("soak") or {}
        return "since" not in soak and soak.get("restartReason") == "CheckFailed"

    await desk.until(waits, tell=lambda: tell(desk))
    assert "grant" not in (await gate(desk))["status"]
    bot.risk = good

    async def runs_again() -> bool:
        since = ((await gate(desk)).get("status") or {}).get("soak", {}).get("since")
        return since is not None and since != before["soak"]["since"]

    await desk.until(runs_again, tell=lambda: tell(desk))
