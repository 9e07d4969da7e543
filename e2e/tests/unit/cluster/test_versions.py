"""The versions file and the Go modules that pin the same versions."""

import re
import tomllib

import pytest
from aviary_cluster.errors import ClusterError
from aviary_cluster.folders import ASSETS
from aviary_cluster.versions import Platform, Tool, load_versions, parse_versions
from pydantic import ValidationError

LINUX = Platform(os="linux", arch="amd64")
BUILT_FROM_OWN_SOURCE = {"pause", "volumes"}


def required_version(tool: Tool) -> str | None:
    """Return the version of the tool's own module that go.mod requires."""
    requirements = re.findall(
        r"^\s*(?:require )?(\S+) v(\S+)", (ASSETS / "tools" / tool.module / "go.mod").read_text(), re.MULTILINE
    )
    named = {"coredns": "github.com/coredns/coredns"}.get(tool.name, tool.package)
    found = [version for module, version in requirements if named == module or named.startswith(f"{module}/")]
    return found[0] if found else None


@pytest.mark.parametrize("name", sorted(set(load_versions().tools) - BUILT_FROM_OWN_SOURCE))
def test_go_module_pins_the_version_of_the_versions_file(name: str) -> None:
    tool = load_versions().tool(name)
    assert required_version(tool) == tool.version


def test_all_kubernetes_programs_have_one_version() -> None:
    versions = load_versions()
    assert {tool.version for tool in versions.tools.values() if tool.module == "kubernetes"} == {versions.kubernetes}


@pytest.mark.parametrize("name", sorted(load_versions().tools))
def test_every_module_is_complete_and_pins_its_tool_by_a_directive_or_source(name: str) -> None:
    module = ASSETS / "tools" / load_versions().tool(name).module
    assert (module / "go.sum").exists()
    has_directive = re.search(r"^tool ", (module / "go.mod").read_text(), re.MULTILINE) is not None
    assert has_directive or (module / "main.go").exists()


@pytest.mark.parametrize("name", sorted(load_versions().tools))
def test_releases_are_https_and_never_without_a_checksum(name: str) -> None:
    tool = load_versions().tool(name)
    assert (tool.release is None) == (tool.checksum is None)
    release = tool.release_for(LINUX)
    if release is not None:
        for url in (release.url, release.checksum_url):
            assert url.startswith("https://")
            assert "{" not in url
            assert tool.version in url


def test_release_url_is_filled_in_for_the_platform() -> None:
    release = load_versions().tool("helm").release_for(Platform(os="linux", arch="arm64"))
    assert release is not None
    version = load_versions().tool("helm").version
    assert release.url == f"https://get.helm.sh/helm-v{version}-linux-arm64.tar.gz"
    assert release.member == "linux-arm64/helm"


def test_a_release_without_a_checksum_counts_as_none() -> None:
    tool = Tool(name="x", version="1.0", module="x", package=".", release="https://example.org/x")
    assert tool.release_for(LINUX) is None


def test_unknown_fields_are_refused() -> None:
    text = """
    cluster = {kubernetes = "1"}
    packages = {debian = []}
    tool = {x = {version = "1", module = "x", package = ".", url = "y"}}
    """
    with pytest.raises(ValidationError, match="url"):
        parse_versions(text)


def test_an_unknown_tool_is_named_with_those_there_are() -> None:
    with pytest.raises(ClusterError, match=r"no tool 'kubelte'.*kubelet"):
        load_versions().tool("kubelte")


def test_versions_file_is_plain_toml_with_known_tables_only() -> None:
    assert set(tomllib.loads((ASSETS / "versions.toml").read_text())) == {"cluster", "tool", "packages"}
