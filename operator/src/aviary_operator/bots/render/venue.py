"""A venue that a Service in the cluster answers for, resolved to what a pod needs."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue override of the desk: names, address, the pods behind it, and the authority to trust."""

    hosts: tuple[str, ...]
    address: str
    namespace: str
    pod_labels: tuple[tuple[str, str], ...]
    """The Service's selector; empty when it has none."""
    port: int | str
    """Port of the pods: a number or a name, as in the Service's targetPort."""
    ca_pem: str


def find_hosts(venues: Iterable[Venue]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the addresses of the venues, each with the names it answers for."""
    names: dict[str, set[str]] = {}
    for venue in venues:
        names.setdefault(venue.address, set()).update(venue.hosts)
    return tuple((address, tuple(sorted(hosts))) for address, hosts in sorted(names.items()))


def find_authorities(venues: Iterable[Venue]) -> str:
    """Return the PEM of all authorities, each once."""
    found = dict.fromkeys(venue.ca_pem.strip() for venue in venues)
    return "".join(f"{pem}\n" for pem in found)
