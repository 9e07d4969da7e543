"""Official releases over HTTPS, used only when their published SHA-256 sum confirms them."""

import hashlib
import io
import tarfile
import urllib.error
import urllib.parse
import urllib.request

from aviary_cluster.versions import Release

_CONNECT_SECONDS = 5.0
_READ_LIMIT = 512 * 1024 * 1024
_unreachable: set[str] = set()


class DownloadError(Exception):
    """The release could not be had or was not what its checksum says."""


def expected_sum(sums: str, file_name: str) -> str | None:
    """Find a file's SHA-256 in a sums file: either a bare digest or lines of `digest  name`."""
    for line in sums.splitlines():
        fields = line.split()
        names_it = len(fields) == 2 and fields[1].lstrip("*").rsplit("/", 1)[-1] == file_name
        if fields and (len(fields) == 1 or names_it) and _is_sha256(fields[0]):
            return fields[0].lower()
    return None


def take_member(archive: bytes, member: str) -> bytes:
    """Return one regular file out of a tar archive (any compression).

    Raises:
        DownloadError: no such regular file in it.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        try:
            reader = tar.extractfile(member)
        except KeyError:
            reader = None
        if reader is None:
            raise DownloadError(f"the archive has no file {member!r}")
        return reader.read()


def fetch_release(release: Release) -> bytes:
    """Download and verify a release and return the program's bytes.

    Raises:
        DownloadError: host unreachable, no checksum published, or checksum and content differ.
    """
    file_name = release.url.rsplit("/", 1)[-1]
    wanted = expected_sum(_fetch(release.checksum_url).decode("utf-8", "replace"), file_name)
    if wanted is None:
        raise DownloadError(f"{release.checksum_url} has no SHA-256 of {file_name}")
    content = _fetch(release.url)
    got = hashlib.sha256(content).hexdigest()
    if got != wanted:
        raise DownloadError(f"{release.url} has SHA-256 {got}, its project says {wanted}: not used")
    return content if release.member is None else take_member(content, release.member)


def _fetch(url: str) -> bytes:
    host = urllib.parse.urlsplit(url).hostname or url
    if host in _unreachable:
        raise DownloadError(f"{host} is not reachable")
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as answer:  # noqa: S310  https only, from versions.toml
            content: bytes = answer.read(_READ_LIMIT)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url}: HTTP {error.code}") from error
    except OSError as error:
        # Asked once per host and process: a machine without a way out should not wait for every tool.
        _unreachable.add(host)
        raise DownloadError(f"{host} is not reachable ({error})") from error
    return content


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(c in "0123456789abcdefABCDEF" for c in text)
