"""The images as built from these sources, and how a test runs a probe inside one."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class BuiltImage:
    """One line of `images/build.sh`: reference, manifest digest and archive."""

    reference: str
    digest: str
    archive: Path


def build(name: str) -> BuiltImage:
    """Build the image (nothing happens when it is built already)."""
    run = subprocess.run([REPOSITORY / "images/build.sh", name], stdout=subprocess.PIPE, text=True, check=True)
    reference, digest, archive = run.stdout.split()
    return BuiltImage(reference, digest, Path(archive))


def _uses_docker() -> bool:
    engine = os.environ.get("AVIARY_IMAGE_ENGINE", "auto")
    if engine != "auto":
        return engine == "docker"
    return (
        bool(shutil.which("docker"))
        and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    )


def run_inside(image: BuiltImage, *command: str, writable: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command inside the image: read-only root, no network, the image's user. `/probes` is images/probes."""
    probes = f"{REPOSITORY}/images/probes:/probes"
    if _uses_docker():
        places = [option for place in writable for option in ("--tmpfs", f"{place}:uid=65534,gid=65534")]
        engine = ["docker", "run", "--rm", "--read-only", "--network", "none", "--volume", f"{probes}:ro", *places]
        engine += ["--entrypoint", command[0], image.reference]
        return subprocess.run([*engine, *command[1:]], capture_output=True, text=True, check=False)
    places = [option for place in writable for option in ("--writable", place)]
    runner = [sys.executable, str(REPOSITORY / "images/run_image.py"), str(image.archive), "--bind", probes, *places]
    return subprocess.run([*runner, "--", *command], capture_output=True, text=True, check=False)


def probe(image: BuiltImage, name: str, writable: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run one of images/probes inside the image and return the document it prints."""
    run = run_inside(image, "python3", f"/probes/{name}.py", writable=writable)
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document
