"""Every private order event as a JSON line with nanoseconds: the venue's side of any question about an order."""

import json
from pathlib import Path
from typing import IO, override

from aviary_services.sim_venue.exchange.accounts import Account
from aviary_services.sim_venue.exchange.listeners import ExchangeListener
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderRequest, Refusal, UserOrder

MAX_BYTES = 64 * 1024 * 1024


class OrderLog(ExchangeListener):
    """Appends to `orders.jsonl` in a folder, line by line; at `max_bytes` the file becomes `orders.jsonl.1`."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        """Open the log; raises OSError when the folder cannot be written."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "orders.jsonl"
        self.previous = folder / "orders.jsonl.1"
        self._max_bytes = max_bytes
        self._file: IO[str] = self._open()
        self._bytes = self.path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @override
    def order_accepted(self, account: Account, order: UserOrder, now_ns: int) -> None:
        self._write("Accepted", account, order.request, now_ns, order_id=order.order_id, quantity=f"{order.quantity:f}")

    @override
    def order_refused(self, account: Account, request: OrderRequest, refusal: Refusal, now_ns: int) -> None:
        stated = request.quote_amount if request.quantity is None else request.quantity
        details = {"reason": refusal.reason.value, "message": refusal.message, "quantity": str(stated)}
        self._write("Rejected", account, request, now_ns, **details)

    @override
    def order_filled(self, account: Account, order: UserOrder, fill: OrderFill, now_ns: int) -> None:
        self._write(
            "Filled",
            account,
            order.request,
            now_ns,
            order_id=order.order_id,
            quantity=f"{order.quantity:f}",
            trade_id=fill.trade_id,
            fill_price=f"{fill.price:f}",
            fill_quantity=f"{fill.quantity:f}",
            fee=f"{fill.fee:f}",
            fee_asset=fill.fee_asset,
            liquidity=fill.liquidity.value,
            remaining=f"{order.remaining:f}",
        )

    @override
    def order_cancelled(self, account: Account, order: UserOrder, reason: str, now_ns: int) -> None:
        details = {"reason": reason, "remaining": f"{order.remaining:f}", "quantity": f"{order.quantity:f}"}
        self._write("Cancelled", account, order.request, now_ns, order_id=order.order_id, **details)

    def _write(self, event: str, account: Account, request: OrderRequest, now_ns: int, **details: str) -> None:
        line = json.dumps(
            {
                "time_ns": now_ns,
                "event": event,
                "account": account.name,
                "product": request.market_id.product.value,
                "symbol": request.market_id.symbol,
                "client_id": request.client_id,
                "side": request.side.value,
                "kind": request.kind.value,
                "price": None if request.price is None else f"{request.price:f}",
                **details,
            },
            separators=(",", ":"),
        )
        self._file.write(line + "\n")
        self._bytes += len(line) + 1
        if self._bytes >= self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(self.previous)
        self._file = self._open()
        self._bytes = 0

    def _open(self) -> IO[str]:
        # Line buffered: whoever reads the file sees every event that happened.
        return self.path.open("a", buffering=1, encoding="utf-8")
