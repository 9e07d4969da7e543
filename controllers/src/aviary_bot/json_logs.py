"""Log lines as JSON on standard output: ours, and Hummingbot's own."""

import logging
import sys
from typing import Final

import structlog

_LEVELS: Final = {"Debug": logging.DEBUG, "Info": logging.INFO, "Warning": logging.WARNING}

_QUIET: Final = ("asyncio", "aiohttp.access", "sqlalchemy")
"""Libraries whose debug lines would drown everything."""


def configure_logs() -> None:
    """Send all log records to standard output, one JSON object a line."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def set_log_level(level: str) -> None:
    """Set the level to Debug, Info or Warning, at once."""
    logging.getLogger().setLevel(_LEVELS[level])
