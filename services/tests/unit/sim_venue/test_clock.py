"""The venue's clock."""

import time

import pytest
from aviary_services.sim_venue.clock import VenueClock


def test_time_stands_still_when_the_machine_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([100, 200, 150, 199, 201])
    monkeypatch.setattr(time, "time_ns", lambda: next(readings))
    clock = VenueClock()
    assert [clock.now_ns() for _ in range(5)] == [100, 200, 200, 200, 201]
