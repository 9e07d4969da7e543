"""Getting a program: from the cache, a verified release on a real socket, or a real Go build; never unverified."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, override

import pytest
from aviary_cluster import binaries, release_download
from aviary_cluster.errors import ToolUnavailableError
from aviary_cluster.release_download import DownloadError, fetch_release
from aviary_cluster.versions import Platform, Release, Tool, Versions

PROGRAM = b"#!/bin/sh\necho released\n"
SUM = hashlib.sha256(PROGRAM).hexdigest()


class ReleaseSite(http.server.BaseHTTPRequestHandler):
    """A release site with good and bad checksums."""

    PAGES: ClassVar[dict[str, bytes]] = {
        "/good/tool": PROGRAM,
        "/good/tool.sha256": SUM.encode(),
        "/forged/tool": b"#!/bin/sh\necho forged\n",
        "/forged/tool.sha256": SUM.encode(),
        "/unsigned/tool": PROGRAM,
    }

    def do_GET(self) -> None:
        body = self.PAGES.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    @override
    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def site() -> Iterator[str]:
    release_download._unreachable.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ReleaseSite) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def release(site: str, kind: str) -> Release:
    return Release(url=f"{site}/{kind}/tool", checksum_url=f"{site}/{kind}/tool.sha256", member=None)


def test_a_release_whose_checksum_agrees_is_taken(site: str) -> None:
    assert fetch_release(release(site, "good")) == PROGRAM


def test_a_release_whose_checksum_differs_is_refused(site: str) -> None:
    with pytest.raises(DownloadError, match="not used"):
        fetch_release(release(site, "forged"))


def test_a_release_without_a_checksum_is_refused(site: str) -> None:
    with pytest.raises(DownloadError, match=r"tool\.sha256: HTTP 404"):
        fetch_release(release(site, "unsigned"))


def test_an_unreachable_host_is_asked_only_once() -> None:
    release_download._unreachable.clear()
    nowhere = Release(url="http://nowhere.invalid/x", checksum_url="http://nowhere.invalid/x.sha256", member=None)
    for _ in range(2):
        with pytest.raises(DownloadError, match=r"nowhere\.invalid is not reachable"):
            fetch_release(nowhere)
    assert release_download._unreachable == {"nowhere.invalid"}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a Go module of one tool, in assets of its own, with a cache of its own."""
    folder = tmp_path / "tools" / "hello"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.org/hello\n\ngo 1.24.0\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text('package main\n\nfunc main() { println("built") }\n')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(binaries, "ASSETS", tmp_path)
    return folder


def use_tool(monkeypatch: pytest.MonkeyPatch, **fields: str) -> Tool:
    tool = Tool(name="hello", version="1.0", module="hello", package=".", **fields)
    monkeypatch.setattr(
        binaries,
        "load_versions",
        lambda: Versions(kubernetes="1.0.0", tools={"hello": tool}, debian_packages=()),
    )
    return tool


def test_a_reachable_release_is_preferred_and_cached(module: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVIARY_RELEASES", raising=False)
    use_tool(monkeypatch, release=f"{site}/good/tool", checksum=f"{site}/good/tool.sha256")
    path = binaries.ensure("hello")
    assert path.read_bytes() == PROGRAM
    assert path.stat().st_mode & 0o777 == 0o755
    monkeypatch.setenv("AVIARY_RELEASES", "off")
    assert binaries.ensure("hello") == path
    assert [entry.name for entry in path.parent.iterdir()] == ["hello"], "nothing half-written stays"
    assert module.exists()


def test_a_forged_release_is_not_used_and_the_program_is_built_instead(
    module: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVIARY_RELEASES", raising=False)
    use_tool(monkeypatch, release=f"{site}/forged/tool", checksum=f"{site}/forged/tool.sha256")
    path = binaries.ensure("hello")
    assert b"forged" not in path.read_bytes()
    assert path.read_bytes().startswith(b"\x7fELF")
    changed = (module / "main.go").read_text().replace("built", "changed")
    (module / "main.go").write_text(changed)
    assert binaries.ensure("hello") != path, "other sources are another program"


def test_what_cannot_be_had_is_said_with_all_reasons(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVIARY_RELEASES", "off")
    (module / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    use_tool(monkeypatch, release="https://nowhere.invalid/x", checksum="https://nowhere.invalid/x.sha256")
    with pytest.raises(ToolUnavailableError, match=r"(?s)switched off.*undefined: undefined.*install Go"):
        binaries.ensure("hello")


def test_this_platform_speaks_go() -> None:
    assert binaries.this_platform() in {Platform(os=o, arch=a) for o in ("linux", "darwin") for a in ("amd64", "arm64")}
