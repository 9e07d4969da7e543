"""What a REST endpoint is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aviary_services.sim_venue.bitget.envelope import Json, missing
from aviary_services.sim_venue.exchange.accounts import Account


@dataclass(frozen=True, slots=True)
class RestCall:
    """One request after signature and limits were checked: query (GET) or body (POST) as text values."""

    values: Mapping[str, str]
    caller: Account | None
    now_ns: int

    def need(self, name: str) -> str:
        """Return a parameter; raises BitgetError 40019 when it is missing or empty."""
        value = self.values.get(name, "")
        if not value:
            raise missing(name)
        return value

    @property
    def account(self) -> Account:
        """The caller; only signed endpoints have one."""
        if self.caller is None:
            raise RuntimeError("an endpoint that needs an account must be signed")
        return self.caller


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Method, path, what answers, and whether the request must be signed."""

    method: str
    path: str
    answer: Callable[[RestCall], Json]
    signed: bool = False
