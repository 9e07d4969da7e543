"""The venue's own certificate authority."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from aviary_services.sim_venue.pki import ensure_pki, write_pki
from aviary_services.sim_venue.ports import server_context
from cryptography import x509


def test_the_certificate_names_the_real_hosts_and_is_signed_by_the_ca(tmp_path: Path) -> None:
    files = write_pki(tmp_path, extra_hosts=["sim-venue.desk.svc", "10.0.0.9"])
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    ca = x509.load_pem_x509_certificate(files.ca_certificate.read_bytes())
    certificate.verify_directly_issued_by(ca)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"api.bitget.com", "ws.bitget.com", "sim-venue.desk.svc"} <= set(names.get_values_for_type(x509.DNSName))
    assert "10.0.0.9" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}


def test_the_certificate_holds_for_years_from_before_now(tmp_path: Path) -> None:
    now = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    certificate = x509.load_pem_x509_certificate(write_pki(tmp_path, now=now).certificate.read_bytes())
    assert certificate.not_valid_before_utc < now
    assert certificate.not_valid_after_utc > now + dt.timedelta(days=3_000)


def test_the_key_is_for_its_owner_only_and_the_ca_key_is_nowhere(tmp_path: Path) -> None:
    files = write_pki(tmp_path)
    assert files.key.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.crt", "tls.crt", "tls.key"]


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    first = ensure_pki(tmp_path).certificate.read_bytes()
    assert ensure_pki(tmp_path).certificate.read_bytes() == first


def test_a_strict_client_accepts_the_chain(tmp_path: Path) -> None:
    files = write_pki(tmp_path)
    context = ssl.create_default_context(cafile=files.ca_certificate)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    server = server_context(str(files.certificate), str(files.key))
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = context.wrap_bio(to_client, to_server, server_hostname="api.bitget.com")
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_side.version() is not None


def test_an_unusable_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_text("nonsense")
    with pytest.raises(ValueError, match=r"tls\.crt"):
        server_context(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
