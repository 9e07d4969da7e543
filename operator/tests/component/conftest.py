"""A real API server per session, a namespace, a simulated node and an operator per test."""

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aviary_cluster.controlplane import ControlPlane
from aviary_cluster.pytest_controlplane import kube_apiserver
from aviary_operator.runtime.kinds import TRADING_BOT
from aviary_operator.runtime.kube import ApiError, connect
from aviary_operator.runtime.metrics import Metrics
from aviary_operator_simulation.cluster import free_port, grant_rights, install_kinds, make_namespace
from aviary_operator_simulation.node import SimulatedNode
from aviary_operator_simulation.world import World

__all__ = ["kube_apiserver"]

CRDS = Path(__file__).parents[3] / "crds" / "generated" / "crds"
_numbers = itertools.count(1)


@pytest.fixture
def prepare() -> Callable[[World], None]:
    """Give what is done to a world before its operator starts: nothing, unless a module says otherwise."""
    return lambda _: None


@pytest_asyncio.fixture
async def world(
    kube_apiserver: ControlPlane, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[World], None]
) -> AsyncIterator[World]:
    """Give a namespace of its own with a node and an operator that has just started."""
    number = next(_numbers)
    namespace, user = f"desk-{number}", f"operator-{number}"
    kube = await connect(Metrics(), kubeconfig=str(kube_apiserver.kubeconfig))
    try:
        await install_kinds(kube, CRDS)
        await make_namespace(kube, namespace)
        await grant_rights(kube, user)
        monkeypatch.setenv("KUBECONFIG", str(kube_apiserver.kubeconfig_for(user)))
        port = free_port()
        async with SimulatedNode(kube, namespace, port=port, subnet=100 + number % 100).run() as node:
            world = World(kube, namespace, node, user, kube_apiserver.audit_log, port)

            async def served() -> bool:
                try:
                    await kube.list(TRADING_BOT, namespace)
                except ApiError:
                    return False
                return True

            await world.until(served)
            prepare(world)
            await world.start_operator()
            try:
                yield world
            finally:
                await world.close()
    finally:
        await kube.close()
