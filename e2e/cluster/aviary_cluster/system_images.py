"""The images every `local` node has: pause, cluster DNS, and a shell for tests and debugging."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from aviary_cluster.binaries import ensure_all, this_platform
from aviary_cluster.folders import cache_home
from aviary_cluster.oci_image import ImagePlan, build_image
from aviary_cluster.progress import timed
from aviary_cluster.versions import Versions, load_versions

HOST = "aviary.local"
_APPLETS = (
    "cat chmod cp date dd df echo env false grep head hostname id ip kill ls mkdir mount mv nc nslookup ping ps rm sed"
    " seq sh sleep stat tail touch true wget"
)


def image_names(versions: Versions) -> dict[str, str]:
    """Return the references of the system images by short name."""
    tools = versions.tools
    return {
        "pause": f"{HOST}/pause:{tools['pause'].version}",
        "coredns": f"{HOST}/coredns:{tools['coredns'].version}",
        "shell": f"{HOST}/shell:1",
    }


def build_system_plans(programs: Mapping[str, Path], busybox: Path, versions: Versions, arch: str) -> list[ImagePlan]:
    """Return the plans of all system images."""
    names = image_names(versions)
    single = [
        ImagePlan(name=names[name], arch=arch, files={f"/{name}": programs[name]}, entrypoint=[f"/{name}"])
        for name in ("pause", "coredns")
    ]
    shell = ImagePlan(
        name=names["shell"],
        arch=arch,
        files={"/bin/busybox": busybox},
        links={f"/bin/{applet}": "busybox" for applet in _APPLETS.split()},
        command=["/bin/sh"],
    )
    return [*single, shell]


def ensure_system_images(busybox: Path) -> list[Path]:
    """Return the archives of all system images, writing those whose content is new."""
    versions = load_versions()
    programs = ensure_all(("pause", "coredns"))
    home = cache_home(os.environ) / "images"
    home.mkdir(parents=True, exist_ok=True)
    return [
        _ensure_written(plan, home) for plan in build_system_plans(programs, busybox, versions, this_platform().arch)
    ]


def _ensure_written(plan: ImagePlan, home: Path) -> Path:
    # A program's path carries its version and build key, so it stands for its content.
    key = hashlib.sha256(repr(plan).encode()).hexdigest()[:12]
    short = plan.name.rsplit("/", 1)[1].replace(":", "-")
    archive = home / f"{short}-{key}.tar"
    if not archive.exists():
        with timed(f"writing image {plan.name}"):
            temporary = archive.with_suffix(".new")
            temporary.write_bytes(build_image(plan))
            temporary.replace(archive)
    return archive
