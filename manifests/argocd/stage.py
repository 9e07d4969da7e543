"""A real operator on a real API server, in which objects come into the states that the health scripts are tested with.

Bots and their node are simulated (``aviary_operator_simulation``); everything in a status is written by the operator.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from aviary_cluster.controlplane import ControlPlane
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.measuring import Pace
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT, TRADING_DESK, Kind, Manifest
from aviary_operator.runtime.kube import ApiError, connect
from aviary_operator.runtime.metrics import Metrics
from aviary_operator_simulation.cluster import CRDS, free_port, grant_rights, install_kinds, make_namespace
from aviary_operator_simulation.node import SimulatedNode
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS, World, merged

DEFINITIONS: Final = Path(__file__).resolve().parents[2] / "crds" / "generated" / "crds"
DESK: Final = "desk"
GATE: Final = "to-live"
APPROVER: Final = "ann"
HOLD: Final = "example.org/hold"
"""A finalizer of somebody else's, with which a deleted object can be looked at."""

LIVE_CEILINGS: Final = merged(CEILINGS, {"modes": list(Mode), "maxLiveBots": 1})
GATED: Final[Mapping[str, Any]] = {
    "deskRef": {"name": DESK},
    "gateRef": {"name": GATE},
    "safety": {"maxNotionalQuote": "500"},
}
FILLS: Final[Mapping[str, Any]] = {
    "name": "fills",
    "bot": {"field": "Fills"},
    "threshold": {"comparison": "AtLeast", "value": "1"},
    "periodSeconds": 5,
}
GATE_SPEC: Final[Mapping[str, Any]] = {
    "botRef": {"name": "alpha"},
    "from": "Paper",
    "to": "Live",
    "soak": {"minSeconds": 3, "minFills": 1, "maxGapSeconds": 30},
    "checks": [FILLS],
    "grant": {"capitalQuote": "100"},
}
APPROVAL_SPEC: Final[Mapping[str, Any]] = {
    "gateRef": {"name": GATE},
    "digest": f"sha256:{'0' * 64}",
    "approver": APPROVER,
    "reason": "looked at the soak and at every check",
}
_PACE: Final = Pace(sample=0.5, tick=0.05, retry=0.5, calm=0.2, period_share=0.1)
_FLOOR_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Stage:
    """A namespace, its node, and an operator that a scene starts when it wants it."""

    world: World

    async def apply(self, kind: Kind, name: str, spec: Mapping[str, Any], *, hold: bool = False) -> Manifest:
        """Apply an object as a person would; ``hold`` keeps it when it is deleted."""
        metadata: dict[str, Any] = {"name": name, "namespace": self.world.namespace}
        if hold:
            metadata["finalizers"] = [HOLD]
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": dict(spec)}
        return await self.world.kube.apply(kind, body, manager="desk")

    async def bot(self, **changes: Any) -> Manifest:
        """Apply the bot ``alpha``."""
        return await self.apply(TRADING_BOT, "alpha", merged(BOT_SPEC, changes))

    async def desk(self, **ceilings: Any) -> Manifest:
        """Apply the desk, which allows every mode."""
        return await self.apply(TRADING_DESK, DESK, {"ceilings": merged(LIVE_CEILINGS, ceilings)})

    async def gate(self, **changes: Any) -> Manifest:
        """Apply the gate from Paper to Live."""
        return await self.apply(PROMOTION_GATE, GATE, {**GATE_SPEC, **changes})

    async def approval(self, name: str, **changes: Any) -> Manifest:
        """Apply an approval of the gate; for another digest unless told otherwise."""
        return await self.apply(PROMOTION_APPROVAL, name, {**APPROVAL_SPEC, **changes})

    async def read(self, kind: Kind, name: str) -> Manifest:
        """Return an object as it is now."""
        found = await self.world.kube.get(kind, self.world.namespace, name)
        if found is None:
            raise AssertionError(f"{kind.kind} {name} is gone")
        return found

    async def until(self, kind: Kind, name: str, type_: str, status: str, reason: str) -> Manifest:
        """Return the object once it has the condition, for its present generation and with nothing left to write."""

        async def holds() -> Manifest | None:
            found = await self.read(kind, name)
            conditions = found.get("status", {}).get("conditions", [])
            wanted = (type_, status, reason, found["metadata"]["generation"])
            shown = [
                tuple(item[key] for key in ("type", "status", "reason", "observedGeneration")) for item in conditions
            ]
            return found if wanted in shown else None

        async def tell() -> str:
            return yaml.safe_dump((await self.read(kind, name)).get("status"))

        return await self.world.until(holds, tell=tell)

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete an object."""
        found = await self.read(kind, name)
        await self.world.kube.delete(kind, self.world.namespace, name, uid=found["metadata"]["uid"])

    @asynccontextmanager
    async def trading(self) -> AsyncIterator[None]:
        """Fill an order of every bot five times a second until the block ends."""

        async def trade() -> None:
            while True:
                for bot in self.world.node.bots.values():
                    bot.figures = bot.figures.model_copy(update={"fills": bot.figures.fills + 1})
                await asyncio.sleep(0.2)

        task = asyncio.create_task(trade(), name="trading")
        try:
            yield
        finally:
            task.cancel()

    @asynccontextmanager
    async def lenient(self, plural: str, path: tuple[str, ...]) -> AsyncIterator[None]:
        """Leave out what the CRD says under ``path`` of the spec's schema until the block ends.

        So an object can be stored that is older than a rule.
        """
        file = next(DEFINITIONS.glob(f"*{plural}.yaml"))
        strict = yaml.safe_load(file.read_text(encoding="utf-8"))
        loose = yaml.safe_load(file.read_text(encoding="utf-8"))
        place: Any = loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]
        try:
            await self._define(loose)
            yield
        finally:
            await self._define(strict)

    async def _define(self, definition: Manifest) -> None:
        body = {**definition, "metadata": {**definition["metadata"], "namespace": ""}}
        await self.world.kube.apply(CRDS, body, manager="test")


@asynccontextmanager
async def open_stage(plane: ControlPlane, name: str, *, number: int, evidence: Path | None) -> AsyncIterator[Stage]:
    """Give the namespace ``name`` with a node and no operator yet; evidence goes to the folder, None: to no volume."""
    user = f"operator-{name}"
    kube = await connect(Metrics(), kubeconfig=str(plane.kubeconfig))
    before = os.environ.get("KUBECONFIG")
    try:
        await install_kinds(kube, DEFINITIONS)
        await make_namespace(kube, name)
        await grant_rights(kube, user)
        # the operator reads it when it starts
        os.environ["KUBECONFIG"] = str(plane.kubeconfig_for(user))
        port = free_port()
        async with SimulatedNode(kube, name, port=port, subnet=100 + number).run() as node:
            world = World(kube, name, node, user, plane.audit_log, port)
            world.pace, world.evidence_dir, world.floor_seconds = _PACE, evidence, _FLOOR_SECONDS
            await world.until(lambda: _is_served(world))
            try:
                yield Stage(world)
            finally:
                await world.close()
    finally:
        if before is None:
            os.environ.pop("KUBECONFIG", None)
        else:
            os.environ["KUBECONFIG"] = before
        await kube.close()


async def _is_served(world: World) -> bool:
    with contextlib.suppress(ApiError):
        for kind in (TRADING_BOT, TRADING_DESK, PROMOTION_GATE, PROMOTION_APPROVAL):
            await world.kube.list(kind, world.namespace)
        return True
    return False
