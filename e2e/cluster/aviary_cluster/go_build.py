"""Building a program from its pinned Go module.

The user's own Go settings apply (proxy, checksum database, caches, toolchain): nothing here sets them. `go tool`
would build the same code but without version stamps, and Kubernetes then calls itself v0.0.0-master, which Helm's
version checks refuse; so the `tool` directives pin, and `go build` makes.
"""

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from aviary_cluster.errors import ToolUnavailableError
from aviary_cluster.versions import Tool

_STAMPED_MODULES = frozenset({"kubernetes"})


def build_ldflags(tool: Tool) -> str:
    """Return the linker flags: no symbol table, and for Kubernetes the version it reports."""
    flags = ["-s", "-w"]
    if tool.module in _STAMPED_MODULES:
        major, minor, _ = tool.version.split(".", 2)
        stamps = {
            "gitVersion": f"v{tool.version}",
            "gitMajor": major,
            "gitMinor": minor,
            "gitCommit": "unknown",
            "gitTreeState": "clean",
        }
        flags += [f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items()]
    return " ".join(flags)


def build_cache_key(tool: Tool, module: Path, go_version: str) -> str:
    """Return what a build depends on as twelve hex digits: sources, sums, Go version, flags."""
    digest = hashlib.sha256()
    for part in (tool.package, go_version, build_ldflags(tool)):
        digest.update(part.encode() + b"\0")
    for source in sorted(module.iterdir()):
        if source.name in {"go.mod", "go.sum"} or source.suffix == ".go":
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@cache
def fetch_go_version(module: Path) -> str | None:
    """Return the version of the Go that would build this module (`go1.26.8`), or None without Go."""
    if shutil.which("go") is None:
        return None
    run = subprocess.run(["go", "env", "GOVERSION"], cwd=module, capture_output=True, text=True, check=False)
    return run.stdout.strip() or None if run.returncode == 0 else None


def apply_go_build(tool: Tool, module: Path, target: Path) -> None:
    """Build the tool into `target`, at low priority so that a person can go on working.

    Raises:
        ToolUnavailableError: the build failed; the message ends with what Go said.
    """
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", build_ldflags(tool)]
    command += ["-o", str(target), tool.package]
    run = subprocess.run(
        ["nice", "-n", "10", *command],
        cwd=module,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        said = "\n".join(run.stderr.strip().splitlines()[-15:])
        raise ToolUnavailableError(
            f"building {tool.name} {tool.version} failed in {module} (exit {run.returncode}); Go said:\n{said}\n"
            f"Try it by hand: cd {module} && CGO_ENABLED=0 go build {tool.package}"
        )
