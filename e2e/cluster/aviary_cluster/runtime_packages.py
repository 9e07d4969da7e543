"""The container runtime of `local`: containerd, runc, CNI plugins, nft and busybox.

First choice are the distribution's packages, fetched by the machine's own apt (its sources, proxies and
signatures) and unpacked into the cache: nothing is installed, no service starts, the machine stays as it was.
Where there is no apt, programs on PATH serve.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aviary_cluster.errors import ToolUnavailableError
from aviary_cluster.folders import cache_home
from aviary_cluster.progress import timed
from aviary_cluster.versions import load_versions

_CNI_FOLDERS = ("usr/lib/cni", "opt/cni/bin", "usr/libexec/cni")
_ON_PATH = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "nft")


@dataclass(frozen=True)
class Runtime:
    """Where the runtime's programs are."""

    search_path: str
    library_path: str
    cni_bin: str
    runc: str
    busybox: Path


def ensure_runtime() -> Runtime:
    """Return the runtime, fetching packages if need be.

    Raises:
        ToolUnavailableError: neither packages nor programs on PATH; the message names what is missing.
    """
    packages = load_versions().debian_packages
    try:
        return _from_packages(_ensure_unpacked(packages))
    except ToolUnavailableError as unavailable:
        missing = [name for name in (*_ON_PATH, "busybox") if shutil.which(name) is None]
        plugins = [Path("/", folder) for folder in _CNI_FOLDERS if Path("/", folder, "bridge").exists()]
        if missing or not plugins:
            wanted = ", ".join([*missing, *([] if plugins else ["CNI plugins (in /opt/cni/bin or /usr/lib/cni)"])])
            raise ToolUnavailableError(
                f"no container runtime: {unavailable}; and not on this machine: {wanted}. Install them, "
                "or use AVIARY_CLUSTER=kind or AVIARY_CLUSTER=existing."
            ) from unavailable
        return Runtime(
            search_path=os.environ.get("PATH", ""),
            library_path="",
            cni_bin=str(plugins[0]),
            runc=str(shutil.which("runc")),
            busybox=Path(str(shutil.which("busybox"))),
        )


def _from_packages(root: Path) -> Runtime:
    programs = [root / folder for folder in ("usr/local/sbin", "usr/sbin", "usr/bin", "sbin", "bin")]
    libraries = [*sorted(root.glob("usr/lib/*-linux-gnu*")), *sorted(root.glob("lib/*-linux-gnu*"))]
    return Runtime(
        search_path=":".join([*map(str, programs), os.environ.get("PATH", "")]),
        library_path=":".join(map(str, libraries)),
        cni_bin=str(root / "usr/lib/cni"),
        runc=str(root / "usr/sbin/runc"),
        busybox=root / "bin/busybox",
    )


def _ensure_unpacked(packages: Sequence[str]) -> Path:
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise ToolUnavailableError(f"no {program} here to fetch packages with")
    release = Path("/etc/os-release").read_text(encoding="utf-8") if Path("/etc/os-release").exists() else ""
    key = hashlib.sha256("\n".join([release, *packages]).encode()).hexdigest()[:12]
    home = cache_home(os.environ) / "packages"
    root = home / key
    if root.is_dir():
        return root
    home.mkdir(parents=True, exist_ok=True)
    with timed(f"fetching {len(packages)} runtime packages with apt"), tempfile.TemporaryDirectory(dir=home) as name:
        _download(packages, Path(name))
        unpacked = Path(name) / "root"
        for package in sorted(Path(name).glob("*.deb")):
            _checked(["dpkg", "-x", str(package), str(unpacked)], Path(name))
        # The package's own installation would make this link (update-alternatives).
        (unpacked / "usr/sbin/iptables").symlink_to("xtables-nft-multi")
        unpacked.rename(root)
    return root


def _download(packages: Sequence[str], folder: Path) -> None:
    fetch = ["download", *packages]
    try:
        _checked(["apt-get", *fetch], folder)
    except ToolUnavailableError:
        # Fresh machines have no package lists: fetch them to a place of our own, not into the system's.
        private = ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
        _checked(["apt-get", *private, "update"], folder)
        _checked(["apt-get", *private, *fetch], folder)


def _checked(command: list[str], folder: Path) -> None:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        said = "\n".join(run.stderr.strip().splitlines()[-5:])
        raise ToolUnavailableError(f"`{' '.join(command)}` failed: {said}")
