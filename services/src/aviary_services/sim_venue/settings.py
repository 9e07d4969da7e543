"""Settings of the simulated venue: environment variables `SIM_VENUE_…`."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from aviary_services.kit.settings import LogLevel, Port


class SimVenueSettings(BaseSettings):
    """Where the venue listens, what it lists, who may trade."""

    model_config = SettingsConfigDict(env_prefix="SIM_VENUE_", env_ignore_empty=True, frozen=True)

    host: str = "0.0.0.0"  # noqa: S104  a pod is reached by its own address; NetworkPolicy says by whom
    tls_port: Port = 8443
    plain_port: Port | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    pki_dir: Path | None = None
    markets_file: Path | None = None
    accounts_file: Path | None = None
    tape_file: Path | None = None
    data_dir: Path = Path("/var/lib/sim-venue")
    seed: int = 7
    log_level: LogLevel | None = None
    step_millis: Annotated[int, Field(ge=100, le=500)] = 250

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("SIM_VENUE_TLS_CERT and SIM_VENUE_TLS_KEY must be set together")
        if self.tls_cert is None and self.pki_dir is None and self.plain_port is None:
            raise ValueError(
                "no way to listen: set SIM_VENUE_TLS_CERT and SIM_VENUE_TLS_KEY, or SIM_VENUE_PKI_DIR to make a "
                "certificate, or SIM_VENUE_PLAIN_PORT to do without TLS"
            )
        return self

    @property
    def has_tls(self) -> bool:
        """Whether the TLS port is served."""
        return self.tls_cert is not None or self.pki_dir is not None
