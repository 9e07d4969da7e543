#!/usr/bin/env python3
"""Runs a command inside an image archive without a container engine, nearly as a restricted pod would.

The file tree is an overlay without an upper layer, hence read-only; the process has mount, process, IPC and network
namespaces of its own (of the network only loopback), the image's environment and none of the caller's, and a user id
without rights. Nothing of it outlives the command: mounts and processes go with their namespaces. Layers are unpacked
once, beside the archive, and shared between images; after that a start takes a fraction of a second. Linux, root.

Standard library only. Used by run-bot-tests.sh and by the tests of the images.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNUSED_LAYER_DAYS = 3
"""An unpacked layer (up to 700 MB) that no run has needed for so long is deleted at the next unpacking."""

TAR_FLAG = {"tar": [], "tar+gzip": ["--gzip"], "tar+zstd": ["--zstd"]}
"""How GNU tar reads a layer, by the end of its media type."""

LOOPBACK_UP = (
    "import fcntl, socket, struct; "
    'fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING'
)


class ImageError(Exception):
    """The archive cannot be run; the message says why and what to do."""


@dataclass(frozen=True)
class Layer:
    """A layer in an archive: the name of its entry and the end of its media type (a key of `TAR_FLAG`)."""

    entry: str
    kind: str

    @property
    def digest(self) -> str:
        """The hexadecimal digest, which names the unpacked tree."""
        return PurePosixPath(self.entry).name


@dataclass(frozen=True)
class Image:
    """What an archive says about running its image: layers from the lowest up, environment, working folder."""

    layers: tuple[Layer, ...]
    environment: tuple[str, ...]
    working_folder: str


@dataclass(frozen=True)
class Sandbox:
    """What a run adds to the image."""

    user: int
    binds: tuple[tuple[Path, str], ...] = ()
    """Folders of this machine and where they appear, read-only."""
    writable: tuple[str, ...] = ()
    """Places that get an empty file system in memory."""
    environment: tuple[str, ...] = ()


def read_image(archive: Path) -> Image:
    """Read the one image of an OCI archive.

    Raises:
        ImageError: the file is no OCI archive.
    """
    if not archive.is_file():
        raise ImageError(f"there is no archive {archive}: build it with images/build.sh")
    with tarfile.open(archive) as tar:

        def document(entry: str) -> dict[str, Any]:
            file = tar.extractfile(entry)
            if file is None:
                raise ImageError(f"{archive}: {entry} is not a file")
            content: dict[str, Any] = json.load(file)
            return content

        try:
            manifest = document(_entry(document("index.json")["manifests"][0]["digest"]))
            config = document(_entry(manifest["config"]["digest"]))["config"]
        except KeyError as error:
            raise ImageError(f"{archive} is not an OCI archive: {error}") from error
    layers = tuple(
        Layer(_entry(layer["digest"]), layer["mediaType"].rpartition(".")[2]) for layer in manifest["layers"]
    )
    return Image(layers, tuple(config.get("Env", ())), config.get("WorkingDir") or "/")


def _entry(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def unpack_layers(archive: Path, layers: Iterable[Layer], folder: Path) -> list[Path]:
    """Unpack those layers that `folder` does not hold yet; return the trees of all, lowest first.

    Raises:
        ImageError: a layer cannot be unpacked, or deletes files of a lower one (no layer of ours does).
    """
    folder.mkdir(parents=True, exist_ok=True)
    trees = []
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for layer in layers:
            home = folder / layer.digest
            if not home.is_dir():
                _unpack(archive, layer, home)
                _delete_unused(folder)
            os.utime(home)
            trees.append(home / "tree")
    return trees


def _unpack(archive: Path, layer: Layer, home: Path) -> None:
    if layer.kind not in TAR_FLAG:
        raise ImageError(f"{archive}: cannot read a layer of type {layer.kind!r}")
    partial = home.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "tree").mkdir(parents=True)
    command = ["tar", "-x", "-p", "--numeric-owner", *TAR_FLAG[layer.kind], "-C", str(partial / "tree")]
    with tarfile.open(archive) as tar, subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        source = tar.extractfile(layer.entry)
        if source is None or process.stdin is None:
            raise ImageError(f"{archive} has no entry {layer.entry}")
        shutil.copyfileobj(source, process.stdin, 1 << 20)
        process.stdin.close()
        if process.wait() != 0:
            raise ImageError(f"{archive}: tar could not unpack {layer.entry}; its message is above")
    whiteout = next((partial / "tree").rglob(".wh.*"), None)
    if whiteout:
        raise ImageError(f"{archive}: {layer.entry} deletes files of a lower layer ({whiteout.name}); no layer should")
    partial.rename(home)


def _delete_unused(folder: Path) -> None:
    limit = time.time() - UNUSED_LAYER_DAYS * 86400
    for home in folder.iterdir():
        if home.is_dir() and home.stat().st_mtime < limit:
            shutil.rmtree(home)


def make_mount_points(folder: Path, places: Iterable[str]) -> Path:
    """Make a tree with what an engine would put into every container: mount points, and names for loopback."""
    tree = folder / "mount-points"
    for place in ("/proc", "/dev", *places):
        (tree / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    (tree / "etc").mkdir(exist_ok=True)
    (tree / "etc" / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    return tree


def build_script(
    image: Image, trees: Sequence[Path], sandbox: Sandbox, mount_point: Path, command: Sequence[str]
) -> str:
    """Write the shell script that sets up the sandbox, inside new namespaces, and runs the command in it.

    The shell stays process 1 of the namespace, so that the command has ordinary signal handling.
    """

    def at(place: str) -> str:
        return shlex.quote(str(mount_point / place.lstrip("/")))

    lower = ":".join(str(tree) for tree in reversed(trees))
    lines = [
        "set -eu",
        f"mount -t overlay overlay -o ro,lowerdir={shlex.quote(lower)} {at('/')}",
        f"mount -t proc proc {at('/proc')}",
        f"mount -t tmpfs -o mode=755 tmpfs {at('/dev')}",
        *(
            f"mknod -m 666 {at('/dev/' + name)} c 1 {minor}"
            for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9))
        ),
        f"ln -s /proc/self/fd {at('/dev/fd')}",
        f"mkdir -m 1777 {at('/dev/shm')}",  # noqa: S108  the POSIX place, in the sandbox
    ]
    for source, place in sandbox.binds:
        lines.append(f"mount --bind {shlex.quote(str(source))} {at(place)}")
        lines.append(f"mount -o remount,bind,ro {at(place)}")
    lines += [f"mount -t tmpfs -o mode=1777 tmpfs {at(place)}" for place in sandbox.writable]
    lines.append(f"{shlex.quote(sys.executable)} -c {shlex.quote(LOOPBACK_UP)}")
    run = [
        *("chroot", f"--userspec={sandbox.user}:{sandbox.user}", f"--groups={sandbox.user}", str(mount_point)),
        *("/usr/bin/env", "-i", "-C", image.working_folder, "HOME=/", *image.environment, *sandbox.environment),
        *command,
    ]
    lines += ["code=0", f"{shlex.join(run)} || code=$?", "exit $code"]
    return "\n".join(lines)


def run(archive: Path, sandbox: Sandbox, command: Sequence[str]) -> int:
    """Run the command inside the archive's image and return its exit code.

    Raises:
        ImageError: the archive cannot be read or unpacked.
    """
    image = read_image(archive)
    folder = archive.parent / "unpacked"
    trees = unpack_layers(archive, image.layers, folder)
    trees.append(make_mount_points(folder, [place for _, place in sandbox.binds] + list(sandbox.writable)))
    mount_point = folder / "root"
    mount_point.mkdir(exist_ok=True)
    script = build_script(image, trees, sandbox, mount_point, command)
    unshare = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child", "sh", "-c", script]
    return subprocess.run(unshare, check=False).returncode


def _bind(text: str) -> tuple[Path, str]:
    source, _, place = text.rpartition(":")
    return Path(source).resolve(), place


def main() -> int:
    """Parse the command line and run; exit code of the command, or 1 when the archive cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("archive", type=Path, help="as images/build.sh prints it")
    parser.add_argument("--user", type=int, default=65534)
    parser.add_argument("--bind", type=_bind, action="append", default=[], metavar="FOLDER:PLACE", help="read-only")
    parser.add_argument("--writable", action="append", default=[], metavar="PLACE", help="an empty file system")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("command", nargs="+", help="after --")
    options = parser.parse_args()
    sandbox = Sandbox(options.user, tuple(options.bind), tuple(options.writable), tuple(options.env))
    try:
        return run(options.archive.resolve(), sandbox, options.command)
    except ImageError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
