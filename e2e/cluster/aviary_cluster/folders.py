"""Where the cluster providers keep things: one state folder, one cache folder, both the user's own.

State is what a running cluster owns and `down` removes; the cache only makes things faster and may be deleted
at any time while no cluster runs. Places follow the XDG base directory specification.
"""

from collections.abc import Mapping
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent
"""The folder with `tools/`, `conf/`, `manifests/` and `versions.toml`."""


def state_home(env: Mapping[str, str]) -> Path:
    """Return the folder under which clusters keep their state."""
    return _xdg(env, "XDG_STATE_HOME", ".local/state") / "aviary" / "cluster"


def cache_home(env: Mapping[str, str]) -> Path:
    """Return the folder for downloads, built programs and imported images."""
    return _xdg(env, "XDG_CACHE_HOME", ".cache") / "aviary"


def _xdg(env: Mapping[str, str], name: str, default: str) -> Path:
    value = env.get(name, "")
    # The specification says relative paths are invalid and must be ignored.
    return Path(value) if value.startswith("/") else Path(env.get("HOME", "/")) / default
