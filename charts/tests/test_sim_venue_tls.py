"""The simulated venue's certificate: made once, good for the venue's names, the same after every upgrade."""

import base64
import datetime as dt
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Kubectl = Callable[..., subprocess.CompletedProcess[str]]

ENABLED: Manifest = {"simVenue": {"enabled": True}}
SECRET = "aviary-sim-venue-tls"
CA = "aviary-sim-venue-ca"


def _named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(item for item in manifests if item["kind"] == kind and item["metadata"]["name"] == name)


def test_bots_that_trust_the_ca_accept_the_venue_by_its_real_names(render: Render) -> None:
    manifests = render("aviary", ENABLED)
    data = {key: base64.b64decode(text) for key, text in _named(manifests, "Secret", SECRET)["data"].items()}
    ca_text = _named(manifests, "ConfigMap", CA)["data"]["ca.crt"].encode()
    ca = x509.load_pem_x509_certificate(ca_text)
    leaf = x509.load_pem_x509_certificate(data["tls.crt"])
    leaf.verify_directly_issued_by(ca)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"api.bitget.com", "ws.bitget.com"} <= set(names.get_values_for_type(x509.DNSName))
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    key = serialization.load_pem_private_key(data["tls.key"], password=None)
    assert key.public_key() == leaf.public_key()
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc > dt.timedelta(days=3649)
    assert data["ca.crt"].strip() == ca_text.strip()


def test_the_key_of_the_ca_is_kept_nowhere(render: Render) -> None:
    assert set(_named(render("aviary", ENABLED), "Secret", SECRET)["data"]) == {"ca.crt", "tls.crt", "tls.key"}


def test_an_own_certificate_makes_the_chart_render_none(render: Render) -> None:
    manifests = render("aviary", {"simVenue": {"enabled": True, "tls": {"existingSecret": "venue-cert"}}})
    assert not [item for item in manifests if item["kind"] == "Secret"]
    assert not [item for item in manifests if item["kind"] == "ConfigMap"]
    pod = _named(manifests, "Deployment", "aviary-sim-venue")["spec"]["template"]["spec"]
    assert {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume} == {"venue-cert"}


@pytest.fixture
def released(helm_upgrade: Callable[..., str], request: pytest.FixtureRequest) -> str:
    """Install the chart with the simulated venue in a namespace of the test's own."""
    namespace = str(request.node.name).replace("_", "-")[5:40].strip("-")
    helm_upgrade("aviary", namespace, "--set", "simVenue.enabled=true")
    return namespace


def _get(kubectl: Kubectl, namespace: str, kind: str, name: str) -> Manifest:
    found: Manifest = json.loads(kubectl("get", kind, name, "-n", namespace, "-o", "json").stdout)
    return found


def test_upgrades_keep_certificate_and_pods(released: str, helm_upgrade: Callable[..., str], kubectl: Kubectl) -> None:
    def seen() -> tuple[Manifest, Manifest, int]:
        venue = _get(kubectl, released, "deployment", "aviary-sim-venue")
        return (
            _get(kubectl, released, "secret", SECRET)["data"],
            _get(kubectl, released, "configmap", CA)["data"],
            venue["metadata"]["generation"],
        )

    first = seen()
    for level in ("Debug", "Info"):
        helm_upgrade("aviary", released, "--set", "simVenue.enabled=true", "--set", f"operator.logLevel={level}")
        assert seen() == first
    assert _get(kubectl, released, "deployment", "aviary-operator")["metadata"]["generation"] == 3


def test_a_lost_ca_config_map_comes_back_from_the_secret(
    released: str, helm_upgrade: Callable[..., str], kubectl: Kubectl
) -> None:
    before = _get(kubectl, released, "configmap", CA)["data"]
    kubectl("delete", "configmap", CA, "-n", released)
    helm_upgrade("aviary", released, "--set", "simVenue.enabled=true")
    assert _get(kubectl, released, "configmap", CA)["data"] == before


def test_a_damaged_secret_stops_the_upgrade_and_says_how_to_mend_it(
    released: str, helm_upgrade: Callable[..., str], kubectl: Kubectl
) -> None:
    kubectl(
        "patch", "secret", SECRET, "-n", released, "--type=json",
        "--patch", '[{"op": "remove", "path": "/data/ca.crt"}]',
    )  # fmt: skip
    with pytest.raises(AssertionError, match=r"has no ca\.crt: delete it \(kubectl -n \S+ delete secret"):
        helm_upgrade("aviary", released, "--set", "simVenue.enabled=true")
