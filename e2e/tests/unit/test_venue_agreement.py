"""The venue as a judge of simulated fills: possible on its tape, or not."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, override

import pytest
from aviary_crds.botstate import FillRecord
from aviary_e2e.kubectl import Kubectl
from aviary_e2e.venue import Venue


class TapeKubectl(Kubectl):
    """Answers every raw GET with a tape."""

    entries: list[dict[str, Any]]

    @override
    def raw_get(self, path: str) -> str:
        assert "/_venue/tape?symbol=BTCUSDT&product=Spot" in path
        return json.dumps({"rows": self.entries})


def judge(entries: list[dict[str, Any]], side: Literal["Buy", "Sell"], price: str) -> str | None:
    kubectl = TapeKubectl(Path("kubectl"), Path("kubeconfig"))
    object.__setattr__(kubectl, "entries", entries)
    fill = FillRecord(
        time_ns=10**18, order_id="o", trade_id="t", trading_pair="BTC-USDT", side=side, price=Decimal(price),
        quantity=Decimal(1), fee_quote=Decimal(0), liquidity="Maker", simulated=True,
    )  # fmt: skip
    return Venue(kubectl, "ns", "venue").disagreement(fill, "Spot")


BOOK = {"time_ns": 10**18, "bid": ["99", "1"], "ask": ["101", "1"]}


@pytest.mark.parametrize(
    ("entries", "side", "price", "allowed"),
    [
        ([BOOK], "Buy", "101", True),
        ([BOOK], "Buy", "100", False),
        ([BOOK, {"time_ns": 10**18, "trade": ["100", "1"]}], "Buy", "100", True),
        ([BOOK], "Sell", "99", True),
        ([BOOK], "Sell", "100", False),
        ([], "Buy", "101", False),
    ],
)
def test_a_fill_is_judged_by_book_and_trades(
    entries: list[dict[str, Any]], side: Literal["Buy", "Sell"], price: str, *, allowed: bool
) -> None:
    assert (judge(entries, side, price) is None) is allowed
