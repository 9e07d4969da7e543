"""The simulated venue as a judge: its controls, its order log and its tape, read through the API server's proxy."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from aviary_crds.botstate import FillRecord

from aviary_e2e.kubectl import Kubectl

COMPONENT_SELECTOR: Final = "app.kubernetes.io/component=sim-venue"
TAPE_SLACK_NS: Final = 3_000_000_000
"""How far a fill and the market that allowed it may lie apart: Hummingbot ticks once a second, latency comes on top."""


@dataclass(frozen=True)
class Venue:
    """The simulated venue of a release."""

    kubectl: Kubectl
    namespace: str
    service: str

    @classmethod
    def find(cls, kubectl: Kubectl, namespace: str) -> "Venue":
        """Find the venue's Service by its label.

        Raises:
            LookupError: when the release runs without the simulated venue.
        """
        for item in kubectl.items("service", namespace, selector=COMPONENT_SELECTOR):
            if any(port.get("name") == "admin" for port in item["spec"]["ports"]):
                return cls(kubectl, namespace, item["metadata"]["name"])
        raise LookupError(f"no simulated venue in namespace {namespace}: install the chart with simVenue.enabled=true")

    def _path(self, path: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/services/{self.service}:admin/proxy{path}"

    def private_calls(self) -> int:
        """Return how many requests and orders of any account the venue has seen."""
        state = json.loads(self.kubectl.raw_get(self._path("/_venue/state")))
        return int(sum(state["requests"]["by_account"].values())) + len(self.order_log())

    def order_log(self) -> list[dict[str, Any]]:
        """Return the venue's order log, oldest first."""
        return [json.loads(line) for line in self.kubectl.raw_get(self._path("/_venue/orders")).splitlines()]

    def control(self, verb: str, **body: Any) -> None:
        """Use one of the venue's controls, such as ``price``, ``freeze`` or ``outage``."""
        self.kubectl.raw_post(self._path(f"/_venue/{verb}"), json.dumps(body))

    def tape(self, symbol: str, product: str, from_ns: int, to_ns: int) -> list[dict[str, Any]]:
        """Return the best prices and public trades of a symbol between two times."""
        query = f"symbol={symbol}&product={product}&from_ns={from_ns}&to_ns={to_ns}"
        return list(json.loads(self.kubectl.raw_get(self._path(f"/_venue/tape?{query}")))["rows"])

    def disagreement(self, fill: FillRecord, product: str) -> str | None:
        """Return why the venue's market did not allow a simulated fill, or None when it did.

        A buy at a price is possible when around its time the best ask or a public trade was at that price or below; a
        sell the other way round.
        """
        symbol = fill.trading_pair.replace("-", "")
        entries = self.tape(symbol, product, fill.time_ns - TAPE_SLACK_NS, fill.time_ns + TAPE_SLACK_NS)
        if not entries:
            return f"no tape of {symbol} around {fill.time_ns}"
        if fill.side == "Buy":
            best = min(_prices(entries, "ask"))
            allowed = best <= fill.price
        else:
            best = max(_prices(entries, "bid"))
            allowed = best >= fill.price
        return None if allowed else f"{fill.side} of {symbol} at {fill.price}, but the market's best was {best}"


def _prices(entries: list[dict[str, Any]], side: str) -> list[Decimal]:
    return [Decimal(entry[key][0]) for entry in entries for key in (side, "trade") if entry.get(key) is not None]
