"""The command line: `python -m aviary_services <name>...`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from aviary_services.kit.logs import configure_logs
from aviary_services.kit.process import run_services
from aviary_services.kit.service import Service, ServiceContext
from aviary_services.kit.settings import ProcessSettings


def _sim_venue(context: ServiceContext) -> Service:
    from aviary_services.sim_venue.service import SimVenueService
    from aviary_services.sim_venue.settings import SimVenueSettings

    return SimVenueService(SimVenueSettings(), context)


SERVICES: dict[str, Callable[[ServiceContext], Service]] = {"sim-venue": _sim_venue}
"""Every service by the name used on the command line. Imports happen on use: nobody pays for what does not run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named services, or one of the one-shot commands, and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["sim-venue-pki"]:
        return _sim_venue_pki(given[1:])
    parser = argparse.ArgumentParser(prog="aviary_services", description=__doc__)
    parser.add_argument("services", nargs="+", choices=sorted(SERVICES), metavar="name", help=", ".join(SERVICES))
    names = list(dict.fromkeys(parser.parse_args(given).services))
    try:
        settings = ProcessSettings()
        configure_logs(settings.log_level)
        metrics = _metrics()
        services = [SERVICES[name](ServiceContext(metrics)) for name in names]
    except (ValueError, OSError) as error:
        print(f"the settings are wrong, nothing was started: {error}", file=sys.stderr)
        return 2
    return asyncio.run(run_services(services, metrics, settings))


def _sim_venue_pki(arguments: Sequence[str]) -> int:
    from aviary_services.sim_venue.pki import write_pki

    parser = argparse.ArgumentParser(prog="aviary_services sim-venue-pki", description="Make a CA and a certificate.")
    parser.add_argument("--out", type=Path, required=True, help="folder for ca.crt, tls.crt and tls.key")
    parser.add_argument("--host", action="append", default=[], help="another DNS name or address for the certificate")
    parsed = parser.parse_args(arguments)
    files = write_pki(parsed.out, extra_hosts=parsed.host)
    print(f"CA certificate {files.ca_certificate}, certificate {files.certificate}, key {files.key}")
    return 0


def _metrics() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


if __name__ == "__main__":
    sys.exit(main())
