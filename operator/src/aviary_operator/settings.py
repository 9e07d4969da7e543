"""Settings of the operator, from environment variables; README.md lists them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class OperatorSettings(BaseSettings):
    """What a deployment decides."""

    model_config = SettingsConfigDict(env_prefix="AVIARY_", frozen=True)

    namespace: str = Field(min_length=1, description="The operator's own namespace")
    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Namespaces to serve; none means the whole cluster"
    )
    control_secret: str = Field(default="aviary-operator-control", min_length=1)
    metrics_namespace_label: str = "aviary.trading/metrics=allowed"
    http_port: int = Field(default=9090, ge=1, le=65_535)
    log_level: str = "Info"
    workers: int = Field(default=5, ge=1, le=100)
    resync_seconds: float = Field(default=300, ge=5, le=3_600)
    prometheus_url: str = Field(
        default="", pattern=r"^(https?://[^\s?#]+)?$", description="Base URL of the Prometheus that gates ask"
    )
    prometheus_token_file: Path | None = Field(default=None, description="File with the bearer token for it")
    report_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Hosts, or host:port, that reports may be asked from"
    )
    reports_dir: Path | None = Field(default=None, description="Folder of the reports volume")
    evidence_dir: Path | None = Field(default=None, description="Folder of the evidence log; without it no gate grants")
    floor_seconds: int = Field(default=7_200, ge=10, le=2_678_400, description="Window of the floor for Live")

    @field_validator("prometheus_token_file", "reports_dir", "evidence_dir", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("watch_namespaces", "report_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("AVIARY_LOG_LEVEL is Debug, Info, Warning or Error")
        return value.upper()

    @property
    def metrics_label(self) -> tuple[str, str] | None:
        """The label of namespaces that may read bots' metrics, None when there is none."""
        key, _, value = self.metrics_namespace_label.partition("=")
        return (key, value) if key else None
