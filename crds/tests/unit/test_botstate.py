from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.botstate import BotState, FailureReason, Phase
from pydantic import ValidationError

STARTING: dict[str, Any] = {
    "time": "2026-11-21T11:00:00Z",
    "name": "btc-maker",
    "namespace": "desk",
    "uid": "7f0c",
    "mode": "Paper",
    "digest": "sha256:00",
    "phase": "Starting",
    "startTime": "2026-11-21T10:59:58.250Z",
    "ready": False,
    "config": {"revision": "sha256:01", "bootRevision": "sha256:01"},
    "guard": {"state": "SoftPaused", "reasons": ["starting"]},
}

RUNNING: dict[str, Any] = STARTING | {
    "phase": "Running",
    "ready": True,
    "tickAgeSeconds": 0.4,
    "connectors": [{"name": "bitget", "ready": True, "flags": {"order_books": True}, "bookAgeSeconds": 0.2}],
    "figures": {
        "equityQuote": "1003.25",
        "dayPnlQuote": "-0.75",
        "openOrders": 4,
        "fills": 1,
        "lastFillTime": "2026-11-21T10:59:59Z",
    },
    "guard": {"state": "Running", "enforced": ["maxOrderNotionalQuote"], "refusals": {"OrderNotional": 2}},
    "recentFills": [
        {
            "timeNs": 1_795_258_799_000_000_001,
            "orderId": "x-1",
            "tradeId": "t-1",
            "tradingPair": "BTC-USDT",
            "side": "Buy",
            "price": "90000.1",
            "quantity": "0.00012",
            "feeQuote": "0.0108",
            "liquidity": "Maker",
            "simulated": True,
        }
    ],
}


@pytest.mark.parametrize("document", [STARTING, RUNNING], ids=["starting", "running"])
def test_state_survives_the_wire(document: dict[str, Any]) -> None:
    state = BotState.model_validate(document)
    wire = state.model_dump_json(by_alias=True)
    assert BotState.model_validate_json(wire) == state
    assert BotState.model_validate_json(wire).model_dump_json(by_alias=True) == wire


def test_state_is_read_in_the_units_of_the_api() -> None:
    state = BotState.model_validate(RUNNING)
    assert state.phase is Phase.RUNNING
    assert state.figures.day_pnl_quote == Decimal("-0.75")
    assert state.start_time == datetime(2026, 11, 21, 10, 59, 58, 250_000, tzinfo=UTC)
    assert state.recent_fills[0].time_ns == 1_795_258_799_000_000_001


def test_what_a_starting_bot_cannot_know_is_unknown() -> None:
    state = BotState.model_validate(STARTING)
    assert (state.tick_age_seconds, state.figures.equity_quote, state.figures.open_orders) == (None, None, None)
    assert (state.reason, state.connectors, state.recent_fills) == (None, (), ())


def test_fields_of_a_newer_bot_are_passed_over() -> None:
    state = BotState.model_validate(RUNNING | {"ofTheFuture": {"a": 1}})
    assert state == BotState.model_validate(RUNNING)


@pytest.mark.parametrize("reason", FailureReason)
def test_failed_bot_says_why(reason: FailureReason) -> None:
    state = BotState.model_validate(STARTING | {"phase": "Failed", "reason": reason.value, "message": "because"})
    assert (state.phase, state.reason, state.message) == (Phase.FAILED, reason, "because")


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"phase": "Dreaming"}, id="unknown phase"),
        pytest.param({"mode": "paper"}, id="mode in lower case"),
        pytest.param({"guard": {"state": "running"}}, id="guard in lower case"),
        pytest.param({"guard": None}, id="no guard"),
        pytest.param({"config": None}, id="no configuration"),
        pytest.param({"ready": None}, id="readiness unknown"),
        pytest.param({"time": "2026-11-21T11:00:00"}, id="time without a zone"),
        pytest.param({"tickAgeSeconds": float("nan")}, id="age that is not a number"),
        pytest.param({"figures": {"equityQuote": "NaN"}}, id="equity that is not a number"),
        pytest.param({"figures": {"equityQuote": 1003.25}}, id="equity as a float"),
    ],
)
def test_state_that_cannot_be_trusted_is_refused(edit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BotState.model_validate(STARTING | edit)
