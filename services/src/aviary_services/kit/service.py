"""What a service is to the process that runs it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a service is alive (restart it if not) and ready (send it traffic), and why not."""

    live: bool
    ready: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the process gives to a service."""

    metrics: CollectorRegistry


class Service(ABC):
    """A long-running part of the process. Started once, stopped once."""

    name: str

    @abstractmethod
    async def start(self) -> None:
        """Bring the service up; return when it works. Raises when it cannot."""

    @abstractmethod
    async def wait(self) -> None:
        """Return or raise only when the service can no longer do its work."""

    @abstractmethod
    async def stop(self) -> None:
        """Let go of everything, also after a failed start."""

    @abstractmethod
    def health(self) -> Health:
        """Judge the service now, without I/O."""

    def admin_routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return routes for the process's admin port, all below a prefix of the service's own."""
        return ()
