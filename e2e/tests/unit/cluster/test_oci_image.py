"""The image writer: same input, same bytes; and reading what an archive says of itself."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from aviary_cluster.oci_image import ImagePlan, build_image, read_archive


def plan(program: Path, **changes: Any) -> ImagePlan:
    fields: dict[str, Any] = {
        "name": "aviary.local/thing:1",
        "arch": "amd64",
        "files": {"/usr/bin/thing": program},
        "links": {"/bin/other": "../usr/bin/thing"},
        "entrypoint": ["/usr/bin/thing"],
    }
    return ImagePlan(**(fields | changes))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF pretend")
    return path


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: reader.read() for m in tar if (reader := tar.extractfile(m)) is not None}


def test_same_content_gives_same_bytes_whatever_its_file_times(program: Path) -> None:
    first = build_image(plan(program))
    program.touch()
    program.chmod(0o600)
    assert build_image(plan(program)) == first


def test_every_part_is_named_by_its_digest(program: Path) -> None:
    found = members(build_image(plan(program)))
    blobs = {name.rsplit("/", 1)[1]: blob for name, blob in found.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(blob).hexdigest() == digest for digest, blob in blobs.items())
    [entry] = json.loads(found["index.json"])["manifests"]
    manifest = json.loads(blobs[entry["digest"].removeprefix("sha256:")])
    config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
    layer = gzip.decompress(blobs[manifest["layers"][0]["digest"].removeprefix("sha256:")])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == ["/usr/bin/thing"]


def test_layer_has_folders_before_files_owned_by_root_at_time_zero(program: Path) -> None:
    found = members(build_image(plan(program)))
    manifest = json.loads(found["index.json"])["manifests"][0]["digest"].removeprefix("sha256:")
    layer = json.loads(found[f"blobs/sha256/{manifest}"])["layers"][0]["digest"].removeprefix("sha256:")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(found[f"blobs/sha256/{layer}"]))) as tar:
        entries = tar.getmembers()
    assert [e.name for e in entries] == ["bin", "tmp", "usr", "usr/bin", "usr/bin/thing", "bin/other"]
    assert all((e.uid, e.gid, e.mtime) == (0, 0, 0) for e in entries)
    assert {e.name: e.mode for e in entries if e.isdir()}["tmp"] == 0o1777


def test_identity_follows_content_and_name(program: Path, tmp_path: Path) -> None:
    def identity(image: bytes) -> str:
        archive = tmp_path / "image.tar"
        archive.write_bytes(image)
        return read_archive(archive).identity

    base = identity(build_image(plan(program)))
    assert identity(build_image(plan(program))) == base
    assert identity(build_image(plan(program, name="aviary.local/thing:2"))) != base
    program.write_bytes(b"other")
    assert identity(build_image(plan(program))) != base


def write_tar(path: Path, content: dict[str, object]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, document in content.items():
            blob = json.dumps(document).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(blob)
            tar.addfile(entry, io.BytesIO(blob))
    return path


def annotated(**annotations: str) -> dict[str, object]:
    return {"manifests": [{"digest": "sha256:0", "annotations": annotations}]}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"index.json": annotated(**{"io.containerd.image.name": "aviary.local/bot:1"})}, ("aviary.local/bot:1",)),
        ({"index.json": annotated(**{"org.opencontainers.image.ref.name": "host:5000/bot:1"})}, ("host:5000/bot:1",)),
        ({"manifest.json": [{"RepoTags": ["bot:1"]}]}, ("docker.io/library/bot:1",)),
        ({"manifest.json": [{"RepoTags": ["desk/bot:1"]}]}, ("docker.io/desk/bot:1",)),
        ({"manifest.json": [{"RepoTags": ["localhost/bot:1"]}]}, ("localhost/bot:1",)),
        # Docker since version 25 writes both.
        ({"index.json": annotated(), "manifest.json": [{"RepoTags": ["a.b/c:1"]}]}, ("a.b/c:1",)),
    ],
)
def test_names_are_read_from_oci_and_docker_archives(
    tmp_path: Path, content: dict[str, object], names: tuple[str, ...]
) -> None:
    assert read_archive(write_tar(tmp_path / "a.tar", content)).names == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"hello.json": {}}, "no image archive"),
        ({"index.json": {"manifests": [{"digest": "sha256:0"}]}}, r"no full name.*io\.containerd\.image\.name"),
        ({"index.json": annotated(**{"org.opencontainers.image.ref.name": "latest"})}, "no full name"),
        ({"manifest.json": [{"RepoTags": None}]}, "no full name"),
    ],
)
def test_archives_without_images_or_names_are_refused(tmp_path: Path, content: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_archive(write_tar(tmp_path / "a.tar", content))
