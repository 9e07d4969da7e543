"""The versions file (`versions.toml`), read into frozen models."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from aviary_cluster.errors import ClusterError
from aviary_cluster.folders import ASSETS


class Platform(BaseModel):
    """An operating system and a processor, as Go names them."""

    model_config = ConfigDict(frozen=True)

    os: str
    arch: str


class Release(BaseModel):
    """Where a project publishes one program for one platform."""

    model_config = ConfigDict(frozen=True)

    url: str
    checksum_url: str
    member: str | None
    """Path inside the archive; None when the download is the program itself."""


class Tool(BaseModel):
    """One program: its version, how to build it, and where its project publishes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str = Field(pattern=r"^[0-9][0-9A-Za-z.+-]*$")
    module: str
    package: str
    release: str | None = None
    checksum: str | None = None
    member: str | None = None

    def release_for(self, platform: Platform) -> Release | None:
        """Return the official release, or None when the project publishes none that can be verified."""
        if self.release is None or self.checksum is None:
            return None
        return Release(
            url=self._fill(self.release, platform),
            checksum_url=self._fill(self.checksum, platform),
            member=None if self.member is None else self._fill(self.member, platform),
        )

    def _fill(self, template: str, platform: Platform) -> str:
        return template.format(version=self.version, os=platform.os, arch=platform.arch)


class Versions(BaseModel):
    """The whole versions file."""

    model_config = ConfigDict(frozen=True)

    kubernetes: str
    tools: dict[str, Tool]
    debian_packages: tuple[str, ...]

    def tool(self, name: str) -> Tool:
        """Return the named tool.

        Raises:
            ClusterError: no such tool in the file.
        """
        found = self.tools.get(name)
        if found is None:
            raise ClusterError(f"no tool {name!r} in versions.toml; there are: {', '.join(sorted(self.tools))}")
        return found


def parse_versions(text: str) -> Versions:
    """Read the text of a versions file; raises pydantic's ValidationError on anything unknown or missing."""
    document = tomllib.loads(text)
    tools = {name: Tool(name=name, **fields) for name, fields in document["tool"].items()}
    return Versions(
        kubernetes=document["cluster"]["kubernetes"],
        tools=tools,
        debian_packages=tuple(document["packages"]["debian"]),
    )


@cache
def load_versions(path: Path = ASSETS / "versions.toml") -> Versions:
    """Read the versions file once per process."""
    return parse_versions(path.read_text(encoding="utf-8"))
