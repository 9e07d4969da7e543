"""Where a bot lives: what it writes about itself, its volume, its processor and memory."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from aviary_crds.quantities import BytesQuantity, CpuQuantity, ObjectName, cpu_millis, quantity_bytes
from aviary_crds.rules import Rule
from aviary_crds.v1alpha1.base import SpecModel


class UpdatePolicy(StrEnum):
    """Who decides when a change that needs a restart is made: a restart of a bot is a trading action."""

    AUTO = "Auto"
    MANUAL = "Manual"


class LogLevel(StrEnum):
    """How much the bot logs."""

    DEBUG = "Debug"
    INFO = "Info"
    WARNING = "Warning"


class Telemetry(SpecModel):
    """What the bot writes about itself."""

    log_level: LogLevel = Field(default=LogLevel.INFO, description="Debug, Info or Warning")
    csv_buffer_rows: Annotated[int, Field(strict=True, ge=1, le=1_000)] = Field(
        default=10, description="Rows of fills.csv and minute.csv kept before they are written"
    )
    csv_flush_seconds: Annotated[int, Field(strict=True, ge=1, le=300)] = Field(
        default=5, description="Longest time a row stays unwritten"
    )


class Storage(SpecModel):
    """The bot's volume: database, logs, the guard's memory."""

    size: BytesQuantity = Field(default="1Gi", description="Size of the volume")
    storage_class_name: ObjectName | None = Field(
        default=None, description="StorageClass; the cluster's default when left out"
    )


class ResourceAmounts(SpecModel):
    """An amount of processor and memory."""

    cpu: CpuQuantity | None = Field(default=None, description="Processor, such as 250m")
    memory: BytesQuantity | None = Field(default=None, description="Memory, such as 300Mi")


def _within(asked: str | None, limit: str | None, *, processor: bool) -> bool:
    size = cpu_millis if processor else quantity_bytes
    return asked is None or limit is None or size(asked) <= size(limit)


def _fits(resource: str) -> str:
    asked, limit = f"self.requests.{resource}", f"self.limits.{resource}"
    # a text that is no quantity is refused by its own rule; comparing it would hide that message
    return (
        f"!has({asked}) || !has({limit}) || !isQuantity({asked}) || !isQuantity({limit}) "
        f"|| quantity({asked}).compareTo(quantity({limit})) <= 0"
    )


class Resources(SpecModel):
    """What the bot's container asks for and may use. A low processor limit makes its start very slow."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=_fits("memory"),
            message="resources.requests.memory must not be above resources.limits.memory: no pod could be made",
            holds=lambda own: _within(own.requests.memory, own.limits.memory, processor=False),
            field=".requests.memory",
        ),
        Rule(
            cel=_fits("cpu"),
            message="resources.requests.cpu must not be above resources.limits.cpu: no pod could be made",
            holds=lambda own: _within(own.requests.cpu, own.limits.cpu, processor=True),
            field=".requests.cpu",
        ),
    )

    requests: ResourceAmounts = Field(
        default=ResourceAmounts(cpu="100m", memory="300Mi"), description="What the scheduler reserves"
    )
    limits: ResourceAmounts = Field(
        default=ResourceAmounts(memory="512Mi"), description="What the container may use at most"
    )
