# ruff: noqa: INP001  a script that runs inside an image, not part of a package
"""Runs inside an image; compares installed files with what their wheels said, and bytecode with its sources.

Prints one JSON document. A wheel's RECORD holds the sha256 of each file; files that the image leaves out on purpose are
counted, files that differ are named.
"""

import base64
import csv
import hashlib
import importlib.util
import json
import sys
from pathlib import Path

SITE = Path("/usr/local/lib/python3.12/site-packages")
MOVED = {"hummingbot": Path("/home/hummingbot")}
"""Packages that the image keeps elsewhere, and where."""
OWN = Path("/opt/aviary")
FLAGS_UNCHECKED_HASH = b"\x01\x00\x00\x00"
"""Header of bytecode that stays valid whatever the source's time stamp says (PEP 552)."""


def installed(entry: str) -> Path:
    """Say where a file of a RECORD lies in this image."""
    return MOVED.get(entry.partition("/")[0], SITE) / entry


def compare_records() -> dict[str, object]:
    """Compare every file that a RECORD gives a hash for."""
    same, left_out, different = 0, 0, []
    for record in SITE.glob("*.dist-info/RECORD"):
        with record.open(newline="") as rows:
            for entry, signature, _ in csv.reader(rows):
                path = installed(entry)
                if not signature or not path.is_file():
                    left_out += bool(signature)
                    continue
                algorithm, _, expected = signature.partition("=")
                digest = hashlib.new(algorithm, path.read_bytes()).digest()
                if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == expected:
                    same += 1
                else:
                    different.append(entry)
    return {"same": same, "left_out": left_out, "different": different}


def without_bytecode(folder: Path) -> list[str]:
    """Name the modules that would be compiled again at every start (the file system is read-only)."""
    missing = []
    for source in folder.rglob("*.py"):
        bytecode = Path(importlib.util.cache_from_source(str(source)))
        if not bytecode.is_file() or bytecode.read_bytes()[4:8] != FLAGS_UNCHECKED_HASH:
            missing.append(str(source))
    return missing


document = {
    "records": compare_records(),
    "without_bytecode": [*without_bytecode(OWN), *(p for home in MOVED.values() for p in without_bytecode(home))],
    "own_packages": sorted(path.name for path in OWN.iterdir()),
}
sys.stdout.write(json.dumps(document))
