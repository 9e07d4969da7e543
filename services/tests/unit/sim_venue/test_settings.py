"""Settings from the environment."""

from pathlib import Path

import pytest
from aviary_services.sim_venue.settings import SimVenueSettings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "no way to listen"),
        ({"TLS_CERT": "/c"}, "set together"),
        ({"TLS_KEY": "/k"}, "set together"),
        ({"PLAIN_PORT": "8080", "STEP_MILLIS": "50"}, "step_millis"),
        ({"PLAIN_PORT": "70000"}, "plain_port"),
        ({"PLAIN_PORT": "8080", "SEED": "seven"}, "seed"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"SIM_VENUE_{name}", value)
    with pytest.raises(ValidationError, match=message):
        SimVenueSettings()


@pytest.mark.parametrize(
    ("environment", "has_tls"),
    [
        ({"TLS_CERT": "/c", "TLS_KEY": "/k"}, True),
        ({"PKI_DIR": "/p"}, True),
        ({"PLAIN_PORT": "8080"}, False),
    ],
)
def test_tls_is_served_when_there_is_a_certificate(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, has_tls: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"SIM_VENUE_{name}", value)
    settings = SimVenueSettings()
    assert settings.has_tls is has_tls
    assert (settings.tls_port, settings.step_millis, settings.seed) == (8443, 250, 7)
    assert settings.data_dir == Path("/var/lib/sim-venue")
