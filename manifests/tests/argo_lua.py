"""Runs a health script as Argo CD does.

Argo CD (argoproj/argo-cd, ``util/lua/lua.go``) runs Lua 5.1 (gopher-lua) with the base functions and ``table`` only,
gives the object as the global ``obj``, and takes a table with the strings ``status`` and ``message``. Whatever else
comes back, or an error, leaves the object with health Unknown, which is worse than Degraded.
"""

from dataclasses import dataclass
from typing import Any, Final

from lupa import lua51

STATUSES: Final = frozenset({"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"})

_ALLOWED: Final = frozenset(
    {"assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select", "table"}
    | {"tonumber", "tostring", "type", "unpack", "_G", "_VERSION"}
)
"""What a script finds without ``useOpenLibs``, less what reads files, loads code or prints."""

_MEMORY: Final = 64 * 1024 * 1024


class BadHealthError(Exception):
    """The script gave Argo CD something that is not a health."""


@dataclass(frozen=True, slots=True)
class Health:
    """What Argo CD shows."""

    status: str
    message: str


def run_health(script: str, obj: dict[str, Any]) -> Health:
    """Return the health that ``script`` gives ``obj``.

    Raises:
        BadHealthError: when it returns anything but a health.
        lupa.lua51.LuaError: when it does not compile or fails.
    """
    runtime = lua51.LuaRuntime(register_eval=False, register_builtins=False, max_memory=_MEMORY)
    # real Lua lets a string be indexed once the library is there; gopher-lua without it raises
    runtime.execute('debug.setmetatable("", nil)')
    environment = runtime.globals()
    for name in list(environment):
        if name not in _ALLOWED:
            environment[name] = None
    environment["obj"] = _to_lua(runtime, obj)
    answer = runtime.execute(script)
    if lua51.lua_type(answer) != "table":
        raise BadHealthError(f"expected a table, got {answer!r}")
    health = dict(answer.items())
    if set(health) != {"status", "message"} or not all(isinstance(value, str) for value in health.values()):
        raise BadHealthError(f"expected status and message, both strings; got {health!r}")
    if health["status"] not in STATUSES:
        raise BadHealthError(f"Argo CD knows no status {health['status']!r}")
    return Health(health["status"], health["message"])


def _to_lua(runtime: lua51.LuaRuntime, value: Any) -> Any:
    """Return ``value`` as Argo CD's ``decodeValue`` gives it: numbers are floats, null is nil, and lists close up."""
    if isinstance(value, dict):
        table = runtime.table()
        for key, item in value.items():
            if item is not None:
                table[key] = _to_lua(runtime, item)
        return table
    if isinstance(value, list):
        table = runtime.table()
        for place, item in enumerate((item for item in value if item is not None), start=1):
            table[place] = _to_lua(runtime, item)
        return table
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
