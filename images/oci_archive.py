#!/usr/bin/env python3
"""Turns an image of an OCI layout into an archive that containerd, kind and k3s import, compressing no layer twice.

buildah keeps layers uncompressed, and its own export compresses all of them every time: 20 s for the 600 MB of the bot
image, also when one line of our code changed. Here a layer is compressed once and found again by the digest of its
uncompressed content (the `diff_id` of the OCI image specification), so that a change of code costs only its own layer.

Standard library only: it runs before anything is installed. The archive is the same, byte for byte, for the same image.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
TAR_LAYER = "application/vnd.oci.image.layer.v1.tar"
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
"""`ctr images import` takes the image's name from this annotation of the index entry."""


class LayoutError(Exception):
    """The layout does not hold what was asked for; the message says what, and where it was looked for."""


@dataclass(frozen=True)
class Blob:
    """A file of the archive: its digest (`sha256:...`), its size in bytes, and where its content lies."""

    digest: str
    size: int
    content: Path | bytes


@dataclass(frozen=True)
class Layout:
    """An OCI image layout (a folder) as `buildah push oci:FOLDER:TAG` writes and extends it."""

    folder: Path

    def blob(self, digest: str) -> Path:
        """Where the blob of that digest lies.

        Raises:
            LayoutError: it is not there.
        """
        algorithm, _, value = digest.partition(":")
        path = self.folder / "blobs" / algorithm / value
        if not path.is_file():
            raise LayoutError(f"{self.folder} lists {digest} but does not hold it; delete the folder and build again")
        return path

    def index(self) -> dict[str, Any]:
        """Read the index, the list of the layout's images.

        Raises:
            LayoutError: there is none.
        """
        path = self.folder / "index.json"
        if not path.is_file():
            raise LayoutError(f"{self.folder} is not an OCI layout: it has no index.json")
        index: dict[str, Any] = json.loads(path.read_bytes())
        return index

    def manifest(self, tag: str) -> dict[str, Any]:
        """Read the manifest of the image with that tag.

        Raises:
            LayoutError: the layout has no such image.
        """
        for entry in self.index()["manifests"]:
            if entry.get("annotations", {}).get(REF_NAME) == tag:
                manifest: dict[str, Any] = json.loads(self.blob(entry["digest"]).read_bytes())
                return manifest
        raise LayoutError(f"{self.folder} has no image {tag!r}")

    def prune(self, keep: Sequence[str]) -> list[str]:
        """Forget every image whose tag is not in `keep`; delete and return the blobs that no kept image needs."""
        index = self.index()
        kept = [entry for entry in index["manifests"] if entry.get("annotations", {}).get(REF_NAME) in keep]
        index["manifests"] = kept
        needed = {entry["digest"] for entry in kept}
        for entry in kept:
            manifest = json.loads(self.blob(entry["digest"]).read_bytes())
            needed |= {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        partial = self.folder / "index.json.partial"
        partial.write_bytes(_json(index))
        partial.replace(self.folder / "index.json")
        dropped = [path for path in (self.folder / "blobs" / "sha256").iterdir() if f"sha256:{path.name}" not in needed]
        for path in dropped:
            path.unlink()
        return [f"sha256:{path.name}" for path in dropped]


@dataclass(frozen=True)
class CompressedLayers:
    """A folder of layers compressed with zstd, named by the digest of the uncompressed layer."""

    folder: Path

    def compress(self, layer: Path, diff_id: str) -> Blob:
        """Return the compressed form of `layer`, whose content has the digest `diff_id`; made once, then found."""
        value = diff_id.removeprefix("sha256:")
        compressed, digest = self.folder / f"{value}.zst", self.folder / f"{value}.digest"
        if not (compressed.is_file() and digest.is_file()):
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = compressed.with_suffix(".partial")
            subprocess.run(["zstd", "-q", "-f", "-3", "-T2", str(layer), "-o", str(partial)], check=True)
            digest.write_text(_digest_of(partial))
            partial.replace(compressed)
        return Blob(digest.read_text(), compressed.stat().st_size, compressed)

    def prune(self, gone: Sequence[str]) -> None:
        """Delete the compressed forms of the layers with these digests."""
        for diff_id in gone:
            for suffix in (".zst", ".digest"):
                (self.folder / f"{diff_id.removeprefix('sha256:')}{suffix}").unlink(missing_ok=True)


def build_archive_blobs(layout: Layout, tag: str, compressed: CompressedLayers) -> Iterator[Blob]:
    """Yield the blobs of the archive, the manifest first, with every plain layer in its compressed form."""
    manifest = layout.manifest(tag)
    layers = []
    blobs = []
    for layer in manifest["layers"]:
        path = layout.blob(layer["digest"])
        if layer["mediaType"] == TAR_LAYER:
            blob = compressed.compress(path, layer["digest"])
            layers.append({"mediaType": ZSTD_LAYER, "digest": blob.digest, "size": blob.size})
        else:
            blob = Blob(layer["digest"], layer["size"], path)
            layers.append(layer)
        blobs.append(blob)
    content = _json({**manifest, "mediaType": MANIFEST_TYPE, "layers": layers})
    yield Blob("sha256:" + hashlib.sha256(content).hexdigest(), len(content), content)
    config = manifest["config"]
    yield Blob(config["digest"], config["size"], layout.blob(config["digest"]))
    yield from blobs


def write_archive(blobs: Iterator[Blob], name: str, output: Path, epoch: int) -> str:
    """Write the archive of the image called `name` and return the digest of its manifest.

    Args:
        blobs: as `build_archive_blobs` yields them.
        name: full reference, `host/name:tag`, under which a container runtime will know the image.
        output: replaced only when the whole archive has been written.
        epoch: seconds since 1970, the time of every entry.
    """
    manifest = next(blobs)
    entry = {
        "mediaType": MANIFEST_TYPE,
        "digest": manifest.digest,
        "size": manifest.size,
        "annotations": {REF_NAME: name, CONTAINERD_NAME: name},
    }
    index = _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})
    partial = output.with_suffix(".partial")
    with tarfile.open(partial, "w", format=tarfile.GNU_FORMAT) as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}', epoch)
        _add(archive, "index.json", index, epoch)
        written = set()
        for blob in (manifest, *blobs):
            if blob.digest not in written:
                _add(archive, "blobs/" + blob.digest.replace(":", "/"), blob.content, epoch)
                written.add(blob.digest)
    partial.replace(output)
    return manifest.digest


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes, epoch: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = epoch, 0o644
    if isinstance(content, bytes):
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        return
    info.size = content.stat().st_size
    with content.open("rb") as file:
        archive.addfile(info, file)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; 1 and a line on standard error when the layout is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    archive = commands.add_parser("archive", help="write an archive, print the digest of its manifest")
    prune = commands.add_parser("prune", help="forget all images but those named")
    for command in (archive, prune):
        command.add_argument("layout", type=Path)
    archive.add_argument("tag")
    archive.add_argument("name")
    archive.add_argument("output", type=Path)
    archive.add_argument("--epoch", type=int, required=True)
    for command in (archive, prune):
        command.add_argument("--layers", type=Path, required=True, help="folder of compressed layers")
    prune.add_argument("--keep", action="append", default=[], metavar="TAG")
    options = parser.parse_args(arguments)
    layout = Layout(options.layout)
    try:
        match options.command:
            case "archive":
                blobs = build_archive_blobs(layout, options.tag, CompressedLayers(options.layers))
                output = write_archive(blobs, options.name, options.output, options.epoch)
            case _:
                dropped = layout.prune(options.keep)
                CompressedLayers(options.layers).prune(dropped)
                output = f"{len(dropped)} blobs dropped"
    except LayoutError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
