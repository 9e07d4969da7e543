"""Benchmarks: each program of a part runs once, and what is measured can exist at once."""

from decimal import Decimal

import pytest
from aviary_e2e.bench import BENCHMARKS, idle, parts
from aviary_e2e.bots import Bot
from aviary_e2e.commands import REPOSITORY
from aviary_e2e.kubectl import Kubectl
from aviary_e2e.release import desk_manifests


def test_the_gates_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(parts, "run", lambda *command: ran.append(command[1].name))
    figures = [*BENCHMARKS["operator"](), *BENCHMARKS["gates"]()]
    assert sorted(ran) == sorted(set(ran))
    assert set(ran) >= {"fleet.py", "gates.py"}
    assert [figure.what for figure in figures] == [f"operator/bench/{name}" for name in ran]


def test_all_idle_bots_fit_under_their_desk() -> None:
    desk = next(item for item in desk_manifests(idle.NAMESPACE) if item["kind"] == "TradingDesk")
    kubectl = Kubectl(REPOSITORY / "kubectl", REPOSITORY / "kubeconfig")
    manifest = idle.build_bot(Bot(kubectl, "idle-0", idle.NAMESPACE))
    notional = Decimal(manifest["spec"]["safety"]["maxNotionalQuote"])
    assert notional * idle.BOTS <= Decimal(desk["spec"]["ceilings"]["maxTotalNotionalQuote"])
    assert notional <= Decimal(desk["spec"]["ceilings"]["maxBotNotionalQuote"])
