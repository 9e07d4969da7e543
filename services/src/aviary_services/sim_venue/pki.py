"""The venue's own certificate authority, for use without a chart that makes one.

The CA key is thrown away after signing: nobody can sign anything else with it later.
"""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VENUE_HOSTS = ("api.bitget.com", "ws.bitget.com")
_VALID_DAYS = 3650
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class PkiFiles:
    """Where the PEM files are: the CA for clients, certificate and key for the server."""

    ca_certificate: Path
    certificate: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "PkiFiles":
        """Return the file names used in `folder`, whether or not they exist."""
        return cls(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")

    def exist(self) -> bool:
        """Whether all three files are there."""
        return self.ca_certificate.exists() and self.certificate.exists() and self.key.exists()


def ensure_pki(folder: Path) -> PkiFiles:
    """Return the files in `folder`, making them when any is missing."""
    files = PkiFiles.in_folder(folder)
    return files if files.exist() else write_pki(folder)


def write_pki(folder: Path, *, extra_hosts: Sequence[str] = (), now: dt.datetime | None = None) -> PkiFiles:
    """Make a CA and a server certificate for the venue's host names, localhost and `extra_hosts`, in `folder`.

    Valid from an hour before `now` (default: the present) for ten years. The key file is readable by its owner only.
    """
    start = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(hours=1)
    ca_key, ca = _certificate_authority(start)
    key, certificate = _server_certificate((*VENUE_HOSTS, *_LOOPBACK, *extra_hosts), ca_key, ca, start)
    folder.mkdir(parents=True, exist_ok=True)
    files = PkiFiles.in_folder(folder)
    files.ca_certificate.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(files.key, key)
    return files


def _certificate_authority(start: dt.datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Aviary simulated venue CA")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), start)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _server_certificate(
    hosts: Sequence[str], ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, start: dt.datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    # Python 3.13 clients verify strictly and refuse a chain without key identifiers.
    certificate = (
        _builder(_name("Aviary simulated venue"), ca.subject, key.public_key(), start)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(host) for host in dict.fromkeys(hosts)]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return key, certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=_VALID_DAYS))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
