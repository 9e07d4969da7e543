"""Writing a one-layer OCI image as a tar archive, without any image tool or registry.

For the few system images of the `local` cluster. The same input gives the same bytes: times, owners and order are
fixed, so an image's digest says what is in it.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_TYPE = "application/vnd.oci.image"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class ImagePlan:
    """What goes into an image."""

    name: str
    """Full reference with a dot in its host part, such as `aviary.local/pause:1`; never `latest`."""
    arch: str
    files: Mapping[str, Path]
    """Absolute path in the image to the program on this machine; all get mode 0755."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Absolute path in the image to the symbolic link's target."""
    user: str = "65532:65532"
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()


def build_image(plan: ImagePlan) -> bytes:
    """Return the image as an OCI layout in a tar archive."""
    layer = _build_layer(plan)
    # Level 1: the archive is read once, on this machine.
    packed = gzip.compress(layer, 1, mtime=0)
    config = _json(
        {
            "architecture": plan.arch,
            "os": "linux",
            "created": _EPOCH,
            "config": {
                "User": plan.user,
                "Env": ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"],
                "WorkingDir": "/",
                **({"Entrypoint": list(plan.entrypoint)} if plan.entrypoint else {}),
                **({"Cmd": list(plan.command)} if plan.command else {}),
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "history": [{"created": _EPOCH, "created_by": "aviary"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}.manifest.v1+json",
            "config": _descriptor(f"{_TYPE}.config.v1+json", config),
            "layers": [_descriptor(f"{_TYPE}.layer.v1.tar+gzip", packed)],
        }
    )
    described = {
        **_descriptor(f"{_TYPE}.manifest.v1+json", manifest),
        "platform": {"architecture": plan.arch, "os": "linux"},
        "annotations": {
            "io.containerd.image.name": plan.name,
            "org.opencontainers.image.ref.name": plan.name.rsplit(":", 1)[1],
        },
    }
    index = _json({"schemaVersion": 2, "mediaType": f"{_TYPE}.index.v1+json", "manifests": [described]})
    members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    members |= {f"blobs/sha256/{_digest(blob)[7:]}": blob for blob in (config, packed, manifest)}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in members.items():
            _add(tar, tarfile.TarInfo(name), content, mode=0o644)
    return archive.getvalue()


@dataclass(frozen=True)
class ArchiveContent:
    """What an image archive says of itself."""

    identity: str
    """A digest of its index, which names every part by digest: the same content gives the same identity."""
    names: tuple[str, ...]


def read_archive(archive: Path) -> ArchiveContent:
    """Read an image archive's index (OCI layout) or manifest (docker save), not the archive as a whole.

    Raises:
        ValueError: the file is neither, or an image in it has no full name; the message says how to give it one.
    """
    with tarfile.open(archive) as tar:
        index, manifest = (_member(tar, name) for name in ("index.json", "manifest.json"))
    if index is not None:
        names = [_oci_name(entry) for entry in json.loads(index)["manifests"]]
        if None not in names:
            return ArchiveContent(hashlib.sha256(index).hexdigest(), tuple(str(name) for name in names))
    if manifest is not None:
        tags = [tag for entry in json.loads(manifest) for tag in entry.get("RepoTags") or []]
        if tags:
            return ArchiveContent(hashlib.sha256(manifest).hexdigest(), tuple(_full_name(tag) for tag in tags))
    if index is None and manifest is None:
        raise ValueError("it is no image archive: neither index.json (OCI) nor manifest.json (docker save) is in it")
    raise ValueError(
        "an image in it has no full name: give its index.json entry the annotation io.containerd.image.name, "
        "such as aviary.local/bot:1"
    )


def _member(tar: tarfile.TarFile, name: str) -> bytes | None:
    try:
        member = tar.extractfile(name)
    except KeyError:
        return None
    return None if member is None else member.read()


def _oci_name(entry: Mapping[str, object]) -> str | None:
    annotations = entry.get("annotations")
    if not isinstance(annotations, dict):
        return None
    # A bare tag in ref.name (`1`) names nothing; tools like buildah put the full reference there.
    reference = annotations.get("org.opencontainers.image.ref.name", "")
    name = annotations.get("io.containerd.image.name") or (reference if "/" in reference else None)
    return None if name is None else _full_name(str(name))


def _full_name(name: str) -> str:
    """Docker's short names as containerd stores them."""
    first, _, rest = name.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if rest else f"docker.io/library/{name}"


def _build_layer(plan: ImagePlan) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for folder in _folders([*plan.files, *plan.links]):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            _add(tar, entry, None, mode=0o1777 if folder == "tmp" else 0o755)
        for target, source in sorted(plan.files.items()):
            _add(tar, tarfile.TarInfo(target.strip("/")), source.read_bytes(), mode=0o755)
        for name, target in sorted(plan.links.items()):
            entry = tarfile.TarInfo(name.strip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            _add(tar, entry, None, mode=0o777)
    return raw.getvalue()


def _folders(paths: Sequence[str]) -> list[str]:
    found = {"tmp"}
    for path in paths:
        found |= {str(parent).strip("/") for parent in PurePosixPath(path).parents if str(parent) != "/"}
    return sorted(found)


def _add(tar: tarfile.TarFile, entry: tarfile.TarInfo, content: bytes | None, *, mode: int) -> None:
    entry.mode, entry.mtime = mode, 0
    entry.size = 0 if content is None else len(content)
    tar.addfile(entry, None if content is None else io.BytesIO(content))


def _descriptor(media_type: str, blob: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
