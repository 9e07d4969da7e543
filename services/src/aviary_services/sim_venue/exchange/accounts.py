"""Who may trade: keys, money and orders of each account. No account can see another's."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from aviary_services.sim_venue.exchange.market import MarketId
from aviary_services.sim_venue.exchange.orders import UserOrder
from aviary_services.sim_venue.exchange.positions import FuturesAccount
from aviary_services.sim_venue.exchange.wallet import SpotWallet

type Amount = Annotated[Decimal, Field(ge=0, le=Decimal("1E12"), allow_inf_nan=False)]

MAX_FINISHED_ORDERS = 2_000
"""Finished orders that an account can still ask for; older ones are forgotten."""


class AccountSpec(BaseModel):
    """An account as the accounts file states it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    api_key: str = Field(min_length=1, max_length=200)
    secret: SecretStr = Field(min_length=1)
    passphrase: SecretStr = Field(min_length=1)
    spot: dict[str, Amount] = Field(default_factory=dict)
    usdt_futures: Amount = Decimal(0)


class AccountList(BaseModel):
    """The accounts file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: tuple[AccountSpec, ...] = Field(max_length=200)


def load_accounts(path: Path | None) -> tuple[AccountSpec, ...]:
    """Return the accounts of a JSON file, none without one. Raises ValueError saying what is wrong where."""
    return () if path is None else AccountList.model_validate_json(path.read_bytes()).accounts


class Account:
    """One customer of the venue."""

    def __init__(self, spec: AccountSpec) -> None:
        self.name = spec.name
        self.api_key = spec.api_key
        self._secret = spec.secret
        self._passphrase = spec.passphrase
        self.wallet = SpotWallet(spec.spot)
        self.futures = FuturesAccount(spec.usdt_futures)
        self._orders: dict[str, UserOrder] = {}
        self._by_client_id: dict[str, str] = {}
        self._open: dict[str, UserOrder] = {}

    @property
    def secret(self) -> bytes:
        """The key that requests are signed with."""
        return self._secret.get_secret_value().encode()

    def has_passphrase(self, given: str) -> bool:
        """Whether this is the account's passphrase, compared in constant time."""
        return hmac.compare_digest(self._passphrase.get_secret_value().encode(), given.encode())

    def add_order(self, order: UserOrder) -> None:
        """Keep an accepted order."""
        self._orders[order.order_id] = order
        self._open[order.order_id] = order
        if order.request.client_id:
            self._by_client_id[order.request.client_id] = order.order_id

    def finish_order(self, order: UserOrder) -> None:
        """Note that an order is final; the oldest final ones are forgotten beyond a bound."""
        self._open.pop(order.order_id, None)
        if len(self._orders) - len(self._open) > MAX_FINISHED_ORDERS:
            oldest = next(order_id for order_id in self._orders if order_id not in self._open)
            forgotten = self._orders.pop(oldest)
            self._by_client_id.pop(forgotten.request.client_id, None)

    def order(self, *, order_id: str = "", client_id: str = "") -> UserOrder | None:
        """Return an order by the venue's id or else by the client's, or None."""
        return self._orders.get(order_id or self._by_client_id.get(client_id, ""))

    def open_orders(self, market_id: MarketId | None = None) -> list[UserOrder]:
        """Return open orders, oldest first, of one market or of all."""
        return [o for o in self._open.values() if market_id is None or o.request.market_id == market_id]

    def orders(self) -> Iterator[UserOrder]:
        """Yield all orders still known, oldest first."""
        return iter(list(self._orders.values()))


class Accounts:
    """All accounts, by name and by API key."""

    def __init__(self, specs: Sequence[AccountSpec]) -> None:
        """Raise ValueError when two accounts share a name or a key."""
        self._by_name = {spec.name: Account(spec) for spec in specs}
        self._by_key = {account.api_key: account for account in self._by_name.values()}
        if len(self._by_name) < len(specs) or len(self._by_key) < len(specs):
            raise ValueError("every account needs a name and an api_key of its own")

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_name.values())

    def by_key(self, api_key: str) -> Account | None:
        """Return the account that an API key belongs to."""
        return self._by_key.get(api_key)

    @property
    def by_name(self) -> Mapping[str, Account]:
        """All accounts by name."""
        return self._by_name
