"""Programs by name: `ensure("kubectl")` returns the path of the pinned version.

Order: the cache; the official release, verified; a build from the pinned Go module. A cached program's folder
carries everything it depends on in its name, so nothing is ever rebuilt in place and two versions live side by
side. `AVIARY_RELEASES=off` skips downloads (a machine that may not, or tests of the build).
"""

import fcntl
import os
import platform as machine
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aviary_cluster.errors import ToolUnavailableError
from aviary_cluster.folders import ASSETS, cache_home
from aviary_cluster.go_build import apply_go_build, build_cache_key, fetch_go_version
from aviary_cluster.progress import say
from aviary_cluster.release_download import DownloadError, fetch_release
from aviary_cluster.versions import Platform, Tool, load_versions

CONTROL_PLANE_TOOLS = ("etcd", "kube-apiserver", "kubectl")
NODE_TOOLS = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "volumes")
IMAGE_TOOLS = ("pause", "coredns")

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def this_platform() -> Platform:
    """Return the machine's platform in Go's terms."""
    arch = _ARCHITECTURES.get(machine.machine(), machine.machine())
    return Platform(os=machine.system().lower(), arch=arch)


def ensure(name: str) -> Path:
    """Return the path of the pinned version of a program, downloading or building it if need be.

    Raises:
        ToolUnavailableError: not cached, not downloadable and not buildable; the message says why for each.
    """
    tool = load_versions().tool(name)
    cached = find_cached(tool)
    if cached is not None:
        return cached
    with _locked(tool):
        return find_cached(tool) or _obtain(tool)


def ensure_all(names: Sequence[str]) -> dict[str, Path]:
    """Return the paths of several programs, saying `n of m` for those that must be made."""
    found: dict[str, Path] = {}
    missing = [n for n in names if find_cached(load_versions().tool(n)) is None]
    for name in names:
        if name in missing:
            say(f"  program {missing.index(name) + 1} of {len(missing)} to get: {name}")
        found[name] = ensure(name)
    return found


def find_cached(tool: Tool) -> Path | None:
    """Return the cached program, whichever way it came, or None."""
    for folder in (_release_folder(tool), _build_folder(tool)):
        if folder is not None and (folder / tool.name).is_file():
            return folder / tool.name
    return None


def _obtain(tool: Tool) -> Path:
    reasons: list[str] = []
    for way in (_download, _build):
        try:
            return way(tool)
        except ToolUnavailableError as error:
            reasons.append(str(error))
    listed = "\n".join(f"  - {reason}" for reason in reasons)
    raise ToolUnavailableError(
        f"{tool.name} {tool.version} is not in the cache ({_bin_home()}) and could not be had:\n{listed}\n"
        "Either let this machine reach the release site, or install Go 1.26 or later with a working module proxy."
    )


def _download(tool: Tool) -> Path:
    release = tool.release_for(this_platform())
    if os.environ.get("AVIARY_RELEASES") == "off":
        raise ToolUnavailableError("downloads are switched off (AVIARY_RELEASES=off)")
    if release is None:
        raise ToolUnavailableError("its project publishes no binaries")
    begin = time.monotonic()
    try:
        content = fetch_release(release)
    except DownloadError as error:
        raise ToolUnavailableError(f"no official release: {error}") from error
    with _new_program(_release_folder(tool) / tool.name) as target:
        target.write_bytes(content)
    say(f"  downloaded {tool.name} {tool.version}, checksum good: {time.monotonic() - begin:.1f} s")
    return _release_folder(tool) / tool.name


def _build(tool: Tool) -> Path:
    folder = _build_folder(tool)
    if folder is None:
        raise ToolUnavailableError("cannot be built: no `go` on PATH, or it does not run")
    say(f"  building {tool.name} {tool.version} from its Go module (the first of a module takes minutes) ...")
    begin = time.monotonic()
    with _new_program(folder / tool.name) as target:
        apply_go_build(tool, _module(tool), target)
    say(f"  built {tool.name} {tool.version}: {time.monotonic() - begin:.1f} s")
    return folder / tool.name


@contextmanager
def _new_program(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path` in one step, executable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _locked(tool: Tool) -> Iterator[None]:
    """One builder per module at a time: several test processes may ask at once."""
    _bin_home().mkdir(parents=True, exist_ok=True)
    with (_bin_home() / f".{tool.module}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bin_home() -> Path:
    return cache_home(os.environ) / "bin"


def _module(tool: Tool) -> Path:
    return ASSETS / "tools" / tool.module


def _release_folder(tool: Tool) -> Path:
    return _bin_home() / f"{tool.name}-{tool.version}-release"


def _build_folder(tool: Tool) -> Path | None:
    go_version = fetch_go_version(_module(tool))
    if go_version is None:
        return None
    return _bin_home() / f"{tool.name}-{tool.version}-{build_cache_key(tool, _module(tool), go_version)}"
