"""Folders follow the XDG base directory specification."""

from pathlib import Path

import pytest
from aviary_cluster.folders import ASSETS, cache_home, state_home


@pytest.mark.parametrize(
    ("env", "state", "cache"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.local/state/aviary/cluster", "/home/ann/.cache/aviary"),
        (
            {"HOME": "/home/ann", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"},
            "/s/aviary/cluster",
            "/c/aviary",
        ),
        (
            {"HOME": "/home/ann", "XDG_STATE_HOME": "relative", "XDG_CACHE_HOME": ""},
            "/home/ann/.local/state/aviary/cluster",
            "/home/ann/.cache/aviary",
        ),
    ],
)
def test_homes(env: dict[str, str], state: str, cache: str) -> None:
    assert state_home(env) == Path(state)
    assert cache_home(env) == Path(cache)


def test_assets_are_where_the_package_looks_for_them() -> None:
    for name in ("versions.toml", "conf/audit-policy.yaml", "conf/kind.yaml", "manifests/coredns.yaml", "tools"):
        assert (ASSETS / name).exists()
