"""The ports on which the wire is served, and taking them away in an outage."""

import ssl

from aiohttp import web


class WirePorts:
    """One application on a TLS port, a plain port, or both."""

    def __init__(
        self,
        app: web.Application,
        *,
        host: str,
        tls: tuple[int, ssl.SSLContext] | None,
        plain_port: int | None,
    ) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        self._host = host
        self._wanted: dict[str, tuple[int, ssl.SSLContext | None]] = {}
        if tls is not None:
            self._wanted["tls"] = tls
        if plain_port is not None:
            self._wanted["plain"] = (plain_port, None)
        self._sites: dict[str, web.TCPSite] = {}
        self.ports: dict[str, int] = {}

    async def start(self) -> None:
        """Get ready to listen; `listen` does it."""
        await self._runner.setup()

    async def listen(self) -> None:
        """Accept connections. Ports chosen by the kernel stay the same over `refuse` and `listen`."""
        for name, (port, context) in self._wanted.items():
            if name not in self._sites:
                site = web.TCPSite(
                    self._runner, self._host, self.ports.get(name, port), ssl_context=context, reuse_address=True
                )
                await site.start()
                self._sites[name] = site
                self.ports[name] = _port(site)

    async def refuse(self) -> None:
        """Stop accepting: connections are refused from now on. Open ones are left to their owner."""
        for site in self._sites.values():
            await site.stop()
        self._sites.clear()

    async def stop(self) -> None:
        """Close everything."""
        await self._runner.cleanup()
        self._sites.clear()

    @property
    def is_listening(self) -> bool:
        """Whether every port accepts connections."""
        return bool(self._sites) and len(self._sites) == len(self._wanted)


def _port(site: web.TCPSite) -> int:
    server = site._server  # noqa: SLF001  aiohttp tells no other way which port a site got
    sockets = getattr(server, "sockets", ())
    if not sockets:
        raise RuntimeError("a started site has no socket")
    return int(sockets[0].getsockname()[1])


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the TLS settings of a server; raises ssl.SSLError or OSError naming the file that is wrong."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise ValueError(f"cannot use certificate {certificate} with key {key}: {error}") from error
    return context
