"""Node readiness as the API reports it: anything unknown is not ready."""

import datetime as dt
from typing import Any

import pytest
from aviary_cluster.local_readiness import read_node_health

BEAT = "2026-01-02T03:04:05Z"


def node(*conditions: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "node1"}, "status": {"conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("document", "ready"),
    [
        (node({"type": "Ready", "status": "True", "lastHeartbeatTime": BEAT}), True),
        (node({"type": "Ready", "status": "False", "lastHeartbeatTime": BEAT}), False),
        (node({"type": "Ready", "status": "Unknown", "lastHeartbeatTime": BEAT}), False),
        (node({"type": "MemoryPressure", "status": "True", "lastHeartbeatTime": BEAT}), False),
        (node(), False),
        ({"metadata": {"name": "node1"}}, False),
    ],
)
def test_ready_only_by_a_true_ready_condition(document: dict[str, Any], *, ready: bool) -> None:
    assert read_node_health(document).ready == ready


def test_heartbeat_is_read_with_its_zone() -> None:
    health = read_node_health(node({"type": "Ready", "status": "True", "lastHeartbeatTime": BEAT}))
    assert health.heartbeat == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert read_node_health(node()).heartbeat is None
