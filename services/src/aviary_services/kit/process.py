"""Runs services in one process: start in order, watch, stop in reverse order within a bounded time."""

import asyncio
import signal
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from aviary_services.kit.admin_server import AdminServer
from aviary_services.kit.logs import get_logger
from aviary_services.kit.service import Service
from aviary_services.kit.settings import ProcessSettings

STOP_SECONDS = 9.0
"""Total time for stopping; below the 10 s that operators of the process are promised."""

log = get_logger(__name__)


async def run_services(services: Sequence[Service], metrics: CollectorRegistry, settings: ProcessSettings) -> int:
    """Run until SIGTERM or SIGINT (exit code 0) or until a service fails (exit code 1)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    admin = AdminServer(services, metrics, host=settings.admin_host, port=settings.admin_port)
    try:
        await admin.start()
        for service in services:
            await service.start()
        log.info("services started", services=[s.name for s in services], admin_port=admin.port)
        return await _watch(services, stop)
    except Exception:
        log.exception("a service could not be started")
        return 1
    finally:
        await _stop_all(services, admin)


async def _watch(services: Sequence[Service], stop: asyncio.Event) -> int:
    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    waits = {asyncio.create_task(service.wait(), name=service.name) for service in services}
    done, pending = await asyncio.wait({stopping, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    failed = done - {stopping}
    for task in failed:
        log.error("service ended by itself", service=task.get_name(), exc_info=task.exception())
    return 1 if failed else 0


async def _stop_all(services: Sequence[Service], admin: AdminServer) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            for service in reversed(services):
                await service.stop()
            await admin.stop()
    except TimeoutError:
        log.error("stopping took too long, leaving the rest to the end of the process", seconds=STOP_SECONDS)  # noqa: TRY400
    else:
        log.info("stopped")
