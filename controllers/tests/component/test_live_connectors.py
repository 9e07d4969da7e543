"""Unmodified connectors with keys against the simulated venue: its wire is the real one, and the logs agree."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .processes import API_KEY, Venue


@pytest.mark.parametrize("connector", ["bitget", "bitget_perpetual"])
def test_the_venues_order_log_agrees_with_what_the_connector_heard(venue: Venue, connector: str) -> None:
    events = _session(connector, venue)
    placed = {event["order_id"] for event in events}
    rows = [row for row in venue.order_log() if row.get("client_id") in placed]
    heard = [(event["event"], event["order_id"]) for event in events]
    resting, taking = (order for name, order in heard if name == "BuyOrderCreated")

    assert ("OrderCancelled", resting) in heard
    assert ("BuyOrderCompleted", taking) in heard
    assert not [name for name, _ in heard if name == "OrderFailure"]
    assert {row["client_id"] for row in rows} == {resting, taking}
    assert {row["event"] for row in rows if row["client_id"] == resting} == {"Accepted", "Cancelled"}
    bought = _trades(events, "OrderFilled", "trade_id", "price", "amount")
    assert bought == _trades(rows, "Filled", "trade_id", "fill_price", "fill_quantity")
    assert bought != set()
    assert venue.private_requests()[API_KEY["name"]] > 0


def _trades(rows: list[dict[str, Any]], event: str, *keys: str) -> set[tuple[str, Decimal, Decimal]]:
    """Return id, price and quantity of each fill."""
    trade_id, price, quantity = keys
    return {(row[trade_id], Decimal(row[price]), Decimal(row[quantity])) for row in rows if row["event"] == event}


def _session(connector: str, venue: Venue) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("live_session.py")), connector],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"SSL_CERT_FILE": str(venue.ca)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
