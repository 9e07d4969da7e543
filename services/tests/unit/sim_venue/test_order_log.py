"""The order log on disk."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from aviary_fillsim import OrderKind, Side
from aviary_services.sim_venue.exchange.orders import OrderRequest, Refusal
from aviary_services.sim_venue.order_log import OrderLog

from .conftest import SPOT, Venue


def order(quantity: str, price: str, client_id: str) -> OrderRequest:
    return OrderRequest(
        market_id=SPOT,
        client_id=client_id,
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        quantity=Decimal(quantity),
        price=Decimal(price),
    )


def test_every_event_of_an_order_is_a_line_with_nanoseconds(venue: Venue, tmp_path: Path) -> None:
    log = OrderLog(tmp_path)
    venue.exchange.add_listener(log)
    taken = venue.exchange.place(venue.ann, order("6", "100.1", "one"), venue.now_ns)
    venue.exchange.cancel(venue.ann, taken, venue.now_ns + 5)
    with pytest.raises(Refusal):
        venue.exchange.place(venue.bob, order("99", "100", "two"), venue.now_ns + 7)
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    log.close()
    assert [(line["event"], line["account"], line["client_id"]) for line in lines] == [
        ("Accepted", "ann", "one"),
        ("Filled", "ann", "one"),
        ("Cancelled", "ann", "one"),
        ("Rejected", "bob", "two"),
    ]
    assert [line["time_ns"] - venue.now_ns for line in lines] == [0, 0, 5, 7]
    filled = lines[1]
    assert (filled["fill_price"], filled["fill_quantity"], filled["remaining"]) == ("100.1", "5.000", "1.000")
    assert (Decimal(filled["fee"]), filled["fee_asset"], filled["liquidity"]) == (Decimal("0.005"), "BTC", "Taker")
    assert lines[3]["reason"] == "InsufficientFunds"


def test_the_log_is_bounded(venue: Venue, tmp_path: Path) -> None:
    log = OrderLog(tmp_path, max_bytes=2_000)
    venue.exchange.add_listener(log)
    for number in range(30):
        placed = venue.exchange.place(venue.ann, order("1", "90", f"c{number}"), venue.now_ns)
        venue.exchange.cancel(venue.ann, placed, venue.now_ns)
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.jsonl", "orders.jsonl.1"]
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 2_400


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text("{}\n")
    OrderLog(tmp_path).close()
    assert (tmp_path / "orders.jsonl").read_text() == "{}\n"
