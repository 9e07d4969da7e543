"""Settings of the process, shared by all services in it."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

type Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the kernel pick a free one."""

type LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ProcessSettings(BaseSettings):
    """Environment variables `SERVICES_…`: where the admin server listens and how much is logged."""

    model_config = SettingsConfigDict(env_prefix="SERVICES_", env_ignore_empty=True, frozen=True)

    admin_host: str = "0.0.0.0"  # noqa: S104  a pod is reached by its own address; NetworkPolicy says by whom
    admin_port: Port = 9090
    log_level: LogLevel = "INFO"
