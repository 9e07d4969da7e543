"""The venue's real host names, on this machine: what hostAliases do in a pod."""

import socket
from typing import Any

VENUE_HOSTS = frozenset({"api.bitget.com", "ws.bitget.com"})
VENUE_ADDRESS = "127.0.0.1"


def redirect_venue() -> None:
    """Let the venue's names mean loopback, for this process. All other names stay unknown: there is no network."""
    real = socket.getaddrinfo

    def redirected(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real(VENUE_ADDRESS if host in VENUE_HOSTS else host, *args, **kwargs)

    socket.getaddrinfo = redirected
