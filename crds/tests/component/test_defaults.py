from collections.abc import Callable
from typing import Any

import pytest
from aviary_crds.digest import subject_digest
from aviary_crds.v1alpha1.base import SpecModel
from aviary_crds.v1alpha1.objects import BOT_NAME_LIMIT
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalSpec
from aviary_crds.v1alpha1.promotiongate import PromotionGateSpec
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec
from aviary_crds.v1alpha1.tradingdesk import TradingDeskSpec
from kubernetes.client import CustomObjectsApi

type Create = Callable[..., dict[str, Any]]


def _as_stored(spec: SpecModel) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


# What a person may write beside the minimal spec. A part that is there must be filled in like one that is not.
PARTS_OF_A_BOT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "empty parts": {"safety": {}, "paper": {}, "fees": {}, "telemetry": {}, "storage": {}, "resources": {}},
    "half an envelope": {"safety": {"maxLeverage": 1}},
    "an envelope with a largest exposure": {"safety": {"maxNotionalQuote": "1000.5"}},
    "half a paper model": {"paper": {"seed": 42, "startBalances": {"USDT": "500", "BTC": "0.01"}}},
    "manual fees": {"fees": {"mode": "Manual", "makerBps": 2, "takerBps": 6}},
    "half of the resources": {"resources": {"requests": {"cpu": "50m"}}},
    "empty resources": {"resources": {"requests": {}, "limits": {}}},
    "own storage": {"storage": {"storageClassName": "local-path"}},
    "own code": {"strategy": {"controller": "mine", "code": {"configMapRef": {"name": "code", "key": "mine.py"}}}},
    "nulls where defaults are": {"safety": None, "mode": None, "suspend": None, "paper": {"seed": None}},
    "nulls where nothing is": {"deskRef": None, "safety": {"maxNotionalQuote": None}},
    "references": {"deskRef": {"name": "main"}, "gateRef": {"name": "to-testnet"}},
    "live": {
        "mode": "Live",
        "deskRef": {"name": "main"},
        "gateRef": {"name": "to-live"},
        "credentialsRef": {"name": "keys"},
        "safety": {"maxNotionalQuote": "500"},
    },
    "perpetual": {
        "market": {
            "connector": "bitget_perpetual",
            "tradingPairs": ["BTC-USDT", "W-USDT"],
            "positionMode": "Hedge",
            "leverage": 5,
        }
    },
    "image by digest": {"image": f"registry.example:5000/a/bot:1.2@sha256:{'0' * 64}"},
    "parameters of every type": {
        "strategy": {
            "controller": "pmm",
            "parameters": {
                "spreads": [0.001, 0.002],
                "whole": 2.0,
                "none": None,
                "flag": True,
                "nested": {"a": {"b": [1, {"c": None}]}},
                "text": "0.10",
            },
        }
    },
}


@pytest.mark.parametrize("parts", PARTS_OF_A_BOT.values(), ids=PARTS_OF_A_BOT.keys())
def test_api_server_and_model_fill_in_the_same_bot(
    parts: dict[str, Any], minimal_bot: dict[str, Any], create: Create
) -> None:
    minimal_bot["spec"] |= parts
    # the longest name there may be, so that the limit refuses nothing too early
    minimal_bot["metadata"]["name"] = "a" * BOT_NAME_LIMIT
    by_model = TradingBotSpec.model_validate(minimal_bot["spec"])
    stored = create(minimal_bot, dry_run=True)["spec"]
    # what the model leaves out must not be there, and what it has must be there with the same value
    assert stored["strategy"].pop("parameters") == by_model.strategy.parameters
    expected = _as_stored(by_model)
    expected["strategy"].pop("parameters")
    assert stored == expected


@pytest.mark.parametrize("parts", PARTS_OF_A_BOT.values(), ids=PARTS_OF_A_BOT.keys())
def test_digest_is_the_same_before_and_behind_the_api_server(
    parts: dict[str, Any], minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    minimal_bot["spec"] |= parts
    written = TradingBotSpec.model_validate(minimal_bot["spec"])
    create(minimal_bot)
    read: Any = custom_objects.get_namespaced_custom_object(
        "aviary.trading", "v1alpha1", namespace, "tradingbots", "btc-maker"
    )
    stored = TradingBotSpec.model_validate(read["spec"])
    code = None if written.strategy.code is None else "pass\n"
    assert stored == written
    assert subject_digest(stored, code=code) == subject_digest(written, code=code)


PARTS_OF_A_DESK: dict[str, dict[str, Any]] = {
    "nothing": {},
    "two persons": {"promotion": {"twoPersons": True}},
    "a venue": {
        "venueOverrides": [
            {
                "hosts": ["api.bitget.com", "ws.bitget.com"],
                "service": {"name": "sim-venue", "namespace": "aviary"},
                "ca": {"name": "sim-venue-ca", "namespace": "aviary"},
            }
        ]
    },
}


@pytest.mark.parametrize("parts", PARTS_OF_A_DESK.values(), ids=PARTS_OF_A_DESK.keys())
def test_api_server_and_model_fill_in_the_same_desk(
    parts: dict[str, Any], minimal_desk: dict[str, Any], create: Create
) -> None:
    minimal_desk["spec"] |= parts
    stored = create(minimal_desk, dry_run=True)["spec"]
    assert stored == _as_stored(TradingDeskSpec.model_validate(minimal_desk["spec"]))


_THRESHOLD: dict[str, Any] = {"comparison": "AtMost", "value": "-0.5"}

PARTS_OF_A_GATE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "empty parts": {"soak": {}, "approvals": {}},
    "a capital raise": {"from": "Live", "soak": {"minSeconds": 604_800}},
    "a check of every source": {
        "checks": [
            {"name": "bot", "bot": {"field": "DrawdownBps", "windowSeconds": 60}, "threshold": _THRESHOLD},
            {"name": "query", "prometheus": {"query": "a", "series": "b"}, "threshold": _THRESHOLD},
            {
                "name": "window",
                "prometheus": {"query": "rate(a[$window])", "series": "a", "windowSeconds": 300},
                "threshold": _THRESHOLD,
            },
            {"name": "file", "report": {"producer": "recon", "file": {"path": "a/b.json"}}, "threshold": _THRESHOLD},
            {
                "name": "config-map",
                "report": {"producer": "recon", "scope": "Desk", "configMap": {"name": "a", "key": "b"}},
                "threshold": _THRESHOLD,
            },
            {
                "name": "http",
                "report": {"producer": "recon", "value": "drift", "http": {"url": "http://reports:8080/a.json"}},
                "threshold": _THRESHOLD,
            },
            {"name": "job", "job": {"producer": "replay", "image": "replay:1"}, "threshold": _THRESHOLD},
            {"name": "manual", "manual": {"question": "seen?"}, "threshold": _THRESHOLD, "severity": "Warning"},
        ]
    },
}


@pytest.mark.parametrize("parts", PARTS_OF_A_GATE.values(), ids=PARTS_OF_A_GATE.keys())
def test_api_server_and_model_fill_in_the_same_gate(
    parts: dict[str, Any], minimal_gate: dict[str, Any], create: Create
) -> None:
    minimal_gate["spec"] |= parts
    stored = create(minimal_gate, dry_run=True)["spec"]
    assert stored == _as_stored(PromotionGateSpec.model_validate(minimal_gate["spec"]))
    assert {check["maxAgeSeconds"] for check in stored["checks"]} == {1200}


def test_api_server_and_model_fill_in_the_same_approval(minimal_approval: dict[str, Any], create: Create) -> None:
    stored = create(minimal_approval, dry_run=True)["spec"]
    assert stored == _as_stored(PromotionApprovalSpec.model_validate(minimal_approval["spec"]))
