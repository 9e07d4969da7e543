"""Spot balances: what is available and what open orders hold frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from aviary_services.sim_venue.exchange.orders import ZERO, Refusal, RefusalReason


@dataclass(slots=True)
class Balance:
    """One asset. Neither part is ever negative."""

    available: Decimal = ZERO
    frozen: Decimal = ZERO


class SpotWallet:
    """Balances by asset. Money enters only by the constructor and by `receive`, and leaves only by `spend`."""

    def __init__(self, initial: Mapping[str, Decimal]) -> None:
        self._balances = {asset: Balance(available=amount) for asset, amount in initial.items()}

    def balance(self, asset: str) -> Balance:
        """Return the balance of an asset, zero when there never was any."""
        return self._balances.setdefault(asset, Balance())

    def __iter__(self) -> Iterator[tuple[str, Balance]]:
        return iter(sorted(self._balances.items()))

    def freeze(self, asset: str, amount: Decimal) -> None:
        """Set `amount` aside for an order; raises Refusal when less is available."""
        balance = self.balance(asset)
        if amount > balance.available:
            raise Refusal(
                RefusalReason.INSUFFICIENT_FUNDS, f"{amount} {asset} needed, {balance.available} {asset} available"
            )
        balance.available -= amount
        balance.frozen += amount

    def release(self, asset: str, amount: Decimal) -> None:
        """Make frozen money available again."""
        balance = self.balance(asset)
        balance.frozen -= amount
        balance.available += amount

    def spend(self, asset: str, amount: Decimal) -> None:
        """Pay with frozen money."""
        self.balance(asset).frozen -= amount

    def receive(self, asset: str, amount: Decimal) -> None:
        """Get money."""
        self.balance(asset).available += amount
