"""Where attempts are made: bots that lack nothing for Live but what the attempt tries to do without."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, override

import pytest
from aviary_cluster.controlplane import run_control_plane
from aviary_crds.botconfig import BOT_JSON
from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.measuring import Pace
from aviary_operator.runtime.kinds import (
    CONFIG_MAP,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    Kind,
    Manifest,
)
from aviary_operator.runtime.kube import connect
from aviary_operator.runtime.metrics import Metrics
from aviary_operator_simulation.cluster import free_port
from aviary_operator_simulation.node import SimulatedNode
from aviary_operator_simulation.world import World, find_condition

from .manifests import DESK, OPEN, OTHER, build_approval, build_bot, build_gate
from .people import Person, introduce
from .release import OPERATOR, PEOPLE, RELEASE_NAMESPACE, install, until_in_force
from .witness import Witness, watching

PACE: Final = Pace(sample=1.0, tick=0.1, retry=0.5, calm=2.0, period_share=0.2)
"""As often as a floor of ten seconds needs, and not more: there are two dozen gates."""

FLOOR_SECONDS: Final = 10
BEACON: Final = "beacon"
_SUBNETS: Final = {DESK: 201, OTHER: 202, OPEN: 203}


@dataclass(frozen=True)
class Victim:
    """A bot that is to reach Live, and its gate."""

    namespace: str
    bot: str

    @property
    def gate(self) -> str:
        """Name of the gate it names."""
        return f"{self.bot}-to-live"

    @override
    def __str__(self) -> str:
        return f"{self.namespace}/{self.bot}"


@dataclass
class Stage:
    """Everything an attempt works with."""

    worlds: dict[str, World]
    people: dict[str, Person]
    witness: Witness
    evidence: Path
    kept: dict[str, Any] = field(default_factory=dict)
    """What an attempt keeps for a later one, such as a status that was once true."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def world(self) -> World:
        """The world whose operator it is."""
        return self.worlds[DESK]

    def person(self, name: str) -> Person:
        """Return somebody."""
        return self.people[name]

    async def read(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """Return an object that is there."""
        found = await self.person("carla").get(kind, namespace, name)
        assert found is not None, f"there is no {kind.kind} {namespace}/{name}"
        return found

    async def bot(self, victim: Victim) -> Manifest:
        return await self.read(TRADING_BOT, victim.namespace, victim.bot)

    async def gate(self, victim: Victim) -> Manifest:
        return await self.read(PROMOTION_GATE, victim.namespace, victim.gate)

    async def digest(self, victim: Victim) -> str:
        """Return the present digest, as a person reads it off the gate."""
        return str((await self.gate(victim))["status"]["subject"]["digest"])

    async def until(self, check: Callable[[], Awaitable[Any]], *, seconds: float = 60, tell: str = "") -> Any:
        """Wait until ``check`` gives something true, and return it."""

        async def told() -> str:
            return tell

        return await self.world.until(check, seconds=seconds, tell=told)

    async def until_gate(self, victim: Victim, *, seconds: float = 60, **wanted: str) -> Manifest:
        """Wait for the condition Passed of a victim's gate to be as wanted; return its status."""

        async def holds() -> Manifest | None:
            status: Manifest = (await self.gate(victim)).get("status") or {}
            passed = find_condition({"status": status}, "Passed") or {}
            return status if all(passed.get(key) == value for key, value in wanted.items()) else None

        try:
            found: Manifest = await self.until(holds, seconds=seconds)
        except AssertionError as error:
            said = (await self.gate(victim)).get("status") or {}
            shown = {key: said.get(key) for key in ("conditions", "soak", "approvals", "grant")}
            raise AssertionError(f"gate of {victim} is not {wanted}: {json.dumps(shown)}") from error
        return found

    async def until_live(self, victim: Victim, *, seconds: float = 60) -> None:
        """Wait until a bot is granted Live and its configuration says so."""

        async def is_live() -> bool:
            return set(await self.modes(victim)) == {Mode.LIVE, Mode.PAPER}  # no path to Live yet: it runs on paper

        try:
            await self.until(is_live, seconds=seconds)
        except AssertionError as error:
            status = (await self.gate(victim)).get("status") or {}
            said = [item for item in status.get("conditions") or [] if item["type"] in {"Passed", "Ready"}]
            why = f"{await self.told(victim)}; its gate: {said}, {status.get('history')}"
            raise AssertionError(f"{victim} is not Live: {why}") from error

    async def modes(self, victim: Victim) -> list[Mode]:
        """Return every mode that the operator gives the bot: in its status, its configuration and its process."""
        bot = await self.person("carla").get(TRADING_BOT, victim.namespace, victim.bot)
        granted = ((bot or {}).get("status") or {}).get("grantedMode", Mode.DISABLED)
        child = await self.person("carla").get(CONFIG_MAP, victim.namespace, victim.bot)
        document = json.loads(((child or {}).get("data") or {}).get(BOT_JSON) or "{}")
        told = [document[name] for name in ("mode", "grantedMode") if name in document]
        process = self.worlds[victim.namespace].node.bots.get(victim.bot)
        runs = [process.config.mode, process.config.granted_mode] if process is not None else []
        return [Mode(mode) for mode in (granted, *told, *runs) if mode is not None]

    async def capital(self, victim: Victim) -> list[Decimal]:
        """Return every amount that the bot may work with: in its status and its configuration."""
        status = (await self.bot(victim)).get("status") or {}
        document = json.loads((await self.read(CONFIG_MAP, victim.namespace, victim.bot))["data"][BOT_JSON])
        amounts = [document["totalAmountQuote"], document["limits"]["maxNotionalQuote"]]
        return [Decimal(amount) for amount in (*amounts, status.get("grantedCapitalQuote", "0"))]

    async def approve(self, victim: Victim, approver: str, name: str = "yes", **changes: Any) -> None:
        """Approve honestly: what is there to be seen now, in the own name, after it was there to be seen."""
        subject = (await self.gate(victim))["status"]["subject"]
        await self.until_after(subject["since"])
        approval = build_approval(
            victim.namespace,
            f"{victim.bot}-{name}",
            gate=victim.gate,
            digest=subject["digest"],
            approver=approver,
            **changes,
        )
        await self.person(approver).create(PROMOTION_APPROVAL, approval)

    async def until_after(self, moment: str) -> None:
        """The API server's times are whole seconds: an approval of the same second as its subject is not after it."""

        async def is_later() -> bool:
            return datetime.now(UTC) - datetime.fromisoformat(moment) > timedelta(seconds=1.1)

        await self.until(is_later)

    async def settle(self, namespace: str) -> None:
        """Wait until the operator has worked off what was written before: beacons go the same way, twice.

        Watches keep the order in which things of a kind were written, and the queue the order in which they came. The
        first round shows that the writes before were seen and queued, the second that they were taken from the queue.
        An approval needs no beacon: that it was judged is seen at itself.
        """
        for _ in range(2):
            await asyncio.gather(
                self._beacon(TRADING_BOT, namespace, lambda number: {"capital": {"totalAmountQuote": str(number)}}),
                self._beacon(PROMOTION_GATE, namespace, lambda number: {"graceSeconds": number % 3_600}),
            )

    async def _beacon(self, kind: Kind, namespace: str, change: Callable[[int], dict[str, Any]]) -> None:
        spec = change(next(self._numbers))
        marks = {CHANGED_BY_ANNOTATION: "carla"} if kind == TRADING_BOT else {}
        made = await self.person("carla").merge(
            kind, namespace, BEACON, {"metadata": {"annotations": marks}, "spec": spec}
        )
        generation = made["metadata"]["generation"]

        async def is_seen() -> bool:
            found = await self.read(kind, namespace, BEACON)
            return bool((found.get("status") or {}).get("observedGeneration") == generation)

        await self.until(is_seen, seconds=20, tell=f"the operator does not see {kind.kind} {namespace}/{BEACON}")

    async def until_judged(self, namespace: str, name: str) -> str:
        """Wait until the operator has said what it makes of an approval; return what it said."""

        async def judged() -> str | None:
            found = find_condition(await self.read(PROMOTION_APPROVAL, namespace, name), "Ready")
            return f"{found['reason']}: {found['message']}" if found else None

        said: str = await self.until(judged, seconds=20, tell=f"approval {namespace}/{name} is not judged")
        return said

    async def told(self, victim: Victim) -> str:
        """Return why the bot is not granted what it asks for."""
        found = find_condition(await self.bot(victim), "ModeGranted")
        return f"{found['reason']}: {found['message']}" if found else "nothing was said"

    async def restart_operator(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        """Stop the operator, do something, and start it."""
        await self.world.stop_operator()
        await meanwhile()
        await self.world.start_operator()


async def make_beacons(stage: Stage, namespace: str) -> None:
    """Make what tells that the operator has come so far."""
    carla = stage.person("carla")
    bot = build_bot(namespace, BEACON, gate=None, author="carla", deskRef=None, mode="Disabled")
    await carla.create(TRADING_BOT, bot)
    await carla.create(PROMOTION_GATE, build_gate(namespace, BEACON, bot=BEACON))


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Give a cluster with the charts, three namespaces with their nodes, people, and an operator that has started."""
    async with AsyncExitStack() as stack:
        plane = stack.enter_context(run_control_plane(folder))
        names = (*PEOPLE, "carla", "mallory", "ann", "ben")
        people = {name: await stack.enter_async_context(introduce(plane, name)) for name in names}
        master = await stack.enter_async_context(introduce(plane, "kubernetes-admin", ["system:masters"]))
        await install(plane, master)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        accounts = ["system:serviceaccounts", f"system:serviceaccounts:{RELEASE_NAMESPACE}"]
        patch.setenv("KUBECONFIG", str(plane.kubeconfig_for(OPERATOR, accounts)))
        port, evidence = free_port(), folder / "evidence"
        kube = await connect(Metrics(), kubeconfig=str(plane.kubeconfig_for("node", ["system:nodes"])))
        stack.push_async_callback(kube.close)
        worlds = {}
        for namespace, subnet in _SUBNETS.items():
            node = await stack.enter_async_context(
                SimulatedNode(kube, namespace, port=port, subnet=subnet, period=0.3).run()
            )
            world = World(kube, namespace, node, OPERATOR, plane.audit_log, port, floor_seconds=FLOOR_SECONDS)
            world.pace, world.evidence_dir = PACE, evidence
            worlds[namespace] = world
        main = worlds[DESK]
        main.home, main.beside = RELEASE_NAMESPACE, (OTHER, OPEN)
        await until_in_force(people["carla"], main.until)
        witness = await stack.enter_async_context(watching(people["carla"]))
        await main.start_operator()
        stack.push_async_callback(main.close)
        stage = Stage(worlds, people, witness, evidence)
        for namespace in _SUBNETS:
            await make_beacons(stage, namespace)
        trading = asyncio.create_task(_keep_trading(worlds), name="trading")
        stack.callback(trading.cancel)
        yield stage


async def _keep_trading(worlds: dict[str, World]) -> None:
    """Fill an order of every bot five times a second: the floor wants a fill in every window of ten seconds."""
    while True:
        for world in worlds.values():
            for bot in world.node.bots.values():
                bot.figures = bot.figures.model_copy(update={"fills": bot.figures.fills + 1})
        await asyncio.sleep(0.2)
