"""What bots name and do not own is read rarely and noticed when it changes."""

import asyncio
from typing import Any

import pytest
from aviary_crds.v1alpha1.references import ConfigMapKeyRef
from aviary_crds.v1alpha1.tradingdesk import VenueOverride
from aviary_operator.bots.names import Key, bot_key
from aviary_operator.bots.observed import Missing
from aviary_operator.bots.references import Reader, References, fetch_code, fetch_venue
from aviary_operator.bots.render.venue import Venue
from aviary_operator.runtime.kinds import CONFIG_MAP, SERVICE
from aviary_operator.runtime.kube import ApiError

from .memory_api import MemoryApi

pytestmark = pytest.mark.looptime
ALPHA, BETA = bot_key("desk", "alpha"), bot_key("desk", "beta")
CODE = ConfigMapKeyRef(name="mine", key="mine.py")
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
OVERRIDE = VenueOverride.model_validate(
    {
        "hosts": ["api.bitget.com"],
        "service": {"name": "venue", "namespace": "sim"},
        "ca": {"name": "venue-ca", "namespace": "sim"},
    }
)
PORTS = [{"port": 80, "targetPort": 1}, {"port": 443, "targetPort": "https"}]


def set_up() -> tuple[MemoryApi, References, list[Key]]:
    queued: list[Key] = []
    kube = MemoryApi()
    return kube, References(kube, enqueue=queued.append), queued


async def test_object_named_by_many_bots_is_read_once() -> None:
    kube, references, _ = set_up()
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "x"})
    for key in (ALPHA, BETA, ALPHA):
        assert await fetch_code(Reader(references, key), CODE, namespace="desk") == "x"
    assert kube.calls == ["get ConfigMap mine"]


async def test_change_queues_whoever_names_the_object() -> None:
    kube, references, queued = set_up()
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "x"})
    for key in (ALPHA, BETA):
        await fetch_code(Reader(references, key), CODE, namespace="desk")
    await asyncio.sleep(31)
    await references.refresh()
    assert queued == []
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "y"})
    await asyncio.sleep(31)
    await references.refresh()
    assert queued == [ALPHA, BETA]


async def test_missing_object_is_looked_for_every_five_seconds() -> None:
    kube, references, queued = set_up()
    assert isinstance(await fetch_code(Reader(references, ALPHA), CODE, namespace="desk"), Missing)
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "x"})
    await references.refresh()
    assert queued == []
    await asyncio.sleep(6)
    await references.refresh()
    assert queued == [ALPHA]


async def test_api_server_that_is_away_changes_nothing() -> None:
    kube, references, queued = set_up()
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "x"})
    await fetch_code(Reader(references, ALPHA), CODE, namespace="desk")
    kube.error = ApiError(0, "no answer")
    await asyncio.sleep(31)
    await references.refresh()
    assert queued == []
    assert await fetch_code(Reader(references, ALPHA), CODE, namespace="desk") == "x"


async def test_object_nobody_names_any_more_is_read_no_more() -> None:
    kube, references, _ = set_up()
    kube.put(CONFIG_MAP, "desk", "mine", data={"mine.py": "x"})
    reader = Reader(references, ALPHA)
    await fetch_code(reader, CODE, namespace="desk")
    reader.done()
    Reader(references, ALPHA).done()
    await asyncio.sleep(31)
    await references.refresh()
    assert kube.calls == ["get ConfigMap mine"]


@pytest.mark.parametrize("data", [{}, {"other.py": "x"}, {"mine.py": "  "}])
async def test_code_that_is_not_under_its_key_is_missing(data: dict[str, str]) -> None:
    kube, references, _ = set_up()
    kube.put(CONFIG_MAP, "desk", "mine", data=data)
    found = await fetch_code(Reader(references, ALPHA), CODE, namespace="desk")
    assert isinstance(found, Missing)
    assert "no text under key 'mine.py'" in found.message


async def test_venue_is_resolved_to_address_pods_and_authority() -> None:
    kube, references, _ = set_up()
    kube.put(SERVICE, "sim", "venue", spec={"clusterIP": "10.0.0.9", "selector": {"app": "sim"}, "ports": PORTS})
    kube.put(CONFIG_MAP, "sim", "venue-ca", data={"ca.crt": PEM})
    found = await fetch_venue(Reader(references, ALPHA), OVERRIDE)
    assert found == Venue(("api.bitget.com",), "10.0.0.9", "sim", (("app", "sim"),), "https", PEM)


@pytest.mark.parametrize(
    ("service", "authority", "says"),
    [
        (None, PEM, "Service sim/venue does not exist"),
        ({"clusterIP": "None"}, PEM, "has no ClusterIP"),
        ({"clusterIP": "10.0.0.9"}, None, "has no certificate"),
        ({"clusterIP": "10.0.0.9"}, "rubbish", "has no certificate"),
    ],
)
async def test_venue_that_cannot_be_used_is_named(service: Any, authority: str | None, says: str) -> None:
    kube, references, _ = set_up()
    if service is not None:
        kube.put(SERVICE, "sim", "venue", spec=service)
    if authority is not None:
        kube.put(CONFIG_MAP, "sim", "venue-ca", data={"ca.crt": authority})
    found = await fetch_venue(Reader(references, ALPHA), OVERRIDE)
    assert isinstance(found, Missing)
    assert says in found.message
