"""What a sandbox mounts and runs, and which archives it refuses, decided without running anything."""

import io
import json
import shlex
import tarfile
from pathlib import Path

import pytest

from images.run_image import Image, ImageError, Layer, Sandbox, build_script, read_image

IMAGE = Image((), ("PATH=/usr/bin", "GREETING=it's me"), "/home/hummingbot")


def script(sandbox: Sandbox) -> list[str]:
    trees = [Path("/c/base"), Path("/c/deps"), Path("/c/code")]
    return build_script(IMAGE, trees, sandbox, Path("/c/rootfs"), ["python3", "-c", "print('x')"]).splitlines()


def test_upper_layers_come_first_and_nothing_can_be_written() -> None:
    assert script(Sandbox(65534))[1].endswith("-o ro,lowerdir=/c/code:/c/deps:/c/base /c/rootfs")


def test_a_bound_folder_is_made_read_only() -> None:
    lines = script(Sandbox(65534, binds=((Path("/my repository"), "/src"),)))
    assert (
        lines.index("mount -o remount,bind,ro /c/rootfs/src")
        == lines.index("mount --bind '/my repository' /c/rootfs/src") + 1
    )


def test_command_runs_as_the_user_with_the_images_environment_only() -> None:
    line = script(Sandbox(65534, environment=("EXTRA=1",)))[-2]
    words = shlex.split(line.removesuffix(" || code=$?"))
    assert words[:4] == ["chroot", "--userspec=65534:65534", "--groups=65534", "/c/rootfs"]
    assert words[4:8] == ["/usr/bin/env", "-i", "-C", "/home/hummingbot"]
    assert words[9:] == ["PATH=/usr/bin", "GREETING=it's me", "EXTRA=1", "python3", "-c", "print('x')"]


def write_tar(path: Path, files: dict[str, object]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, document in files.items():
            content = json.dumps(document).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_image_is_read_from_its_archive(tmp_path: Path) -> None:
    layers = [{"digest": "sha256:cc", "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"}]
    files: dict[str, object] = {
        "index.json": {"manifests": [{"digest": "sha256:aa"}]},
        "blobs/sha256/aa": {"config": {"digest": "sha256:bb"}, "layers": layers},
        "blobs/sha256/bb": {"config": {"Env": ["A=1"], "WorkingDir": "/src"}},
    }
    image = read_image(write_tar(tmp_path / "image.tar", files))
    assert image == Image((Layer("blobs/sha256/cc", "tar+zstd"),), ("A=1",), "/src")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is not an OCI archive"):
        read_image(write_tar(tmp_path / "other.tar", {"manifest.json": []}))


def test_a_missing_archive_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"build it with images/build\.sh"):
        read_image(tmp_path / "absent.tar")
