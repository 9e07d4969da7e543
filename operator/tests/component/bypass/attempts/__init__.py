"""The attempts, by what is tried."""

from collections.abc import Iterator

from ..attempt import Attempt  # noqa: TID252  the tests are no installed package
from . import approvals, children, evidence, forgeries, gates, losses, requests


def first_attempts() -> Iterator[Attempt]:
    """Give those that are made one after another while the operator runs."""
    yield from requests.attempts()
    yield from approvals.attempts()
    yield from gates.attempts()
    yield from forgeries.attempts()
    yield from children.attempts()
    yield from evidence.attempts()


def last_attempts() -> Iterator[Attempt]:
    """Give those that cost a bot its grant, or that judge what was tried at the very beginning."""
    yield from losses.attempts()
    yield from approvals.attempts_from_the_beginning()
    yield from evidence.attempts_from_the_beginning()
