"""An archive holds the image under its name, the same bytes for the same image, and says what is missing."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from images.oci_archive import (
    CONTAINERD_NAME,
    MANIFEST_TYPE,
    REF_NAME,
    CompressedLayers,
    Layout,
    LayoutError,
    build_archive_blobs,
    main,
    write_archive,
)

GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
NAME = "aviary.local/bot:0.1.0"


def put(folder: Path, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    path = folder / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def make_layout(folder: Path, images: dict[str, list[bytes]]) -> Layout:
    entries = []
    for tag, layers in images.items():
        manifest = {
            "schemaVersion": 2,
            "config": put(folder, b'{"image": "' + tag.encode() + b'"}'),
            "layers": [put(folder, layer) | {"mediaType": GZIP_LAYER} for layer in layers],
        }
        entry = put(folder, json.dumps(manifest).encode()) | {
            "mediaType": MANIFEST_TYPE,
            "annotations": {REF_NAME: tag},
        }
        entries.append(entry)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return Layout(folder)


def archive(layout: Layout, tag: str, output: Path) -> str:
    blobs = build_archive_blobs(layout, tag, CompressedLayers(output.parent / "layers"))
    return write_archive(blobs, NAME, output, 7)


def read(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: file.read() for name, file in files.items() if file}


def test_archive_names_the_image_for_containerd_and_for_everyone_else(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"bot-1": [b"base", b"code"]})
    digest = archive(layout, "bot-1", tmp_path / "bot.tar")
    entry = json.loads(read(tmp_path / "bot.tar")["index.json"])["manifests"][0]
    assert entry["annotations"] == {CONTAINERD_NAME: NAME, REF_NAME: NAME}
    assert entry["digest"] == digest


def test_every_part_of_the_archive_is_where_its_digest_says(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"bot-1": [b"base", b"code", b"base"]})
    digest = archive(layout, "bot-1", tmp_path / "bot.tar")
    files = read(tmp_path / "bot.tar")
    blobs = {name: content for name, content in files.items() if name.startswith("blobs/sha256/")}
    assert all(name.endswith(hashlib.sha256(content).hexdigest()) for name, content in blobs.items())
    manifest = json.loads(blobs["blobs/" + digest.replace(":", "/")])
    wanted = {manifest["config"]["digest"], digest, *(layer["digest"] for layer in manifest["layers"])}
    assert {name.replace("blobs/sha256/", "sha256:") for name in blobs} == wanted
    assert len(manifest["layers"]) == 3


def test_same_image_gives_same_bytes(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"bot-1": [b"base", b"code"]})
    archive(layout, "bot-1", tmp_path / "one.tar")
    archive(layout, "bot-1", tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_another_layer_gives_another_digest(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"bot-1": [b"base", b"code"], "bot-2": [b"base", b"other code"]})
    assert archive(layout, "bot-1", tmp_path / "one.tar") != archive(layout, "bot-2", tmp_path / "two.tar")


def test_pruning_keeps_what_a_kept_image_shares_with_a_forgotten_one(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"old": [b"base", b"old code"], "new": [b"base", b"new code"]})
    layout.prune(["new"])
    archive(layout, "new", tmp_path / "new.tar")
    left = {path.read_bytes() for path in (tmp_path / "layout" / "blobs" / "sha256").iterdir()}
    assert {b"base", b"new code"} <= left
    assert b"old code" not in left
    with pytest.raises(LayoutError, match="has no image 'old'"):
        layout.manifest("old")


def test_a_missing_layer_is_named_with_the_remedy(tmp_path: Path) -> None:
    layout = make_layout(tmp_path / "layout", {"bot-1": [b"base"]})
    (tmp_path / "layout" / "blobs" / "sha256" / hashlib.sha256(b"base").hexdigest()).unlink()
    with pytest.raises(LayoutError, match="delete the folder and build again"):
        archive(layout, "bot-1", tmp_path / "bot.tar")
    assert not (tmp_path / "bot.tar").exists()


def test_command_reports_a_missing_layout_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["prune", str(tmp_path), "--layers", str(tmp_path), "--keep", "bot-1"])
    assert code == 1
    assert "is not an OCI layout" in capsys.readouterr().err
