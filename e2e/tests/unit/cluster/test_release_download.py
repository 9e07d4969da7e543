"""Which checksum belongs to a file, and what is taken out of an archive."""

import io
import tarfile

import pytest
from aviary_cluster.release_download import DownloadError, expected_sum, take_member

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("sums", "found"),
    [
        pytest.param(A, A, id="the bare sum of one file, as beside Kubernetes releases"),
        pytest.param(f"{A}\n", A, id="with a line end"),
        pytest.param(f"{B}  other.tgz\n{A}  file.tgz\n", A, id="a list, as beside etcd releases"),
        pytest.param(f"{A} *file.tgz", A, id="binary mode mark"),
        pytest.param(f"{A}  ./build/file.tgz", A, id="with a path"),
        pytest.param(A.upper(), A, id="capitals"),
        pytest.param(f"{B}  other.tgz", None, id="only of another file"),
        pytest.param(f"{A}  file.tgz.sig", None, id="a longer name is another file"),
        pytest.param("Not Found", None, id="an error page"),
        pytest.param("a" * 40, None, id="another kind of sum"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_expected_sum(sums: str, found: str | None) -> None:
    assert expected_sum(sums, "file.tgz") == found


def test_only_a_regular_file_is_taken_from_an_archive() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("dir/tool")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"tool"))
        folder = tarfile.TarInfo("dir/folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    assert take_member(buffer.getvalue(), "dir/tool") == b"tool"
    for absent in ("dir/folder", "dir/none"):
        with pytest.raises(DownloadError, match=absent):
            take_member(buffer.getvalue(), absent)
