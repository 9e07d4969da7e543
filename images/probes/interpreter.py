# ruff: noqa: INP001  a script that runs inside an image, not part of a package
"""Runs inside an image; prints, as one JSON document, what a bare interpreter is and may do there.

No import but the standard library's, and those after the loaded modules have been noted.
"""

import sys

modules_at_start = sorted(sys.modules)

import errno  # noqa: E402  see above
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import ssl  # noqa: E402
from pathlib import Path  # noqa: E402

PLACES = ("/", "/tmp", "/etc", "/opt/aviary", "/usr/local/lib/python3.12/site-packages", "/home/hummingbot")  # noqa: S108
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def writing_fails_with(folder: str) -> str:
    """Name the error of creating a file in the folder, or say that it worked."""
    path = Path(folder, ".probe")
    try:
        path.touch()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    path.unlink()
    return "nothing"


def certificates(text: str) -> set[bytes]:
    """Return the certificates of a PEM file in their binary form."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
    return {ssl.PEM_cert_to_DER_cert(block) for block in blocks}


def foreign_authorities() -> int:
    """Count the trusted certificates that are not of Debian's own set."""
    known: set[bytes] = set()
    for path in Path("/usr/share/ca-certificates/mozilla").glob("*.crt"):
        known |= certificates(path.read_text())
    return len(certificates(AUTHORITIES.read_text()) - known)


document = {
    "user": os.getuid(),
    "group": os.getgid(),
    "version": list(sys.version_info[:2]),
    "path": sys.path,
    "modules_at_start": modules_at_start,
    "writing_fails_with": {folder: writing_fails_with(folder) for folder in PLACES if Path(folder).is_dir()},
    "authorities": len(ssl.create_default_context().get_ca_certs()),
    "foreign_authorities": foreign_authorities(),
    "pth_files": [str(path) for folder in sys.path if folder for path in Path(folder).glob("*.pth")],
    "left_by_the_build": [
        place for place in ("/build", "/out", "/run/secrets", "/etc/pip.conf") if Path(place).exists()
    ],
}
sys.stdout.write(json.dumps(document))
