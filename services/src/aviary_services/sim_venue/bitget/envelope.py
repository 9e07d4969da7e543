"""The envelope of every REST answer, and the errors that Bitget puts into it."""

import json
from collections.abc import Mapping, Sequence

type Json = str | int | bool | Sequence["Json"] | Mapping[str, "Json"] | None

OK = "00000"


class BitgetError(Exception):
    """An answer that is not a success: Bitget's code and message, and the HTTP status it comes with."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status


def success(data: Json, now_ns: int) -> str:
    """Return the body of a successful answer."""
    return dump({"code": OK, "msg": "success", "requestTime": now_ns // 1_000_000, "data": data})


def failure(error: BitgetError, now_ns: int) -> str:
    """Return the body of a failed answer."""
    body: Json = {"code": error.code, "msg": error.message, "requestTime": now_ns // 1_000_000, "data": None}
    return dump(body)


def dump(value: Json) -> str:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"))


def missing(parameter: str) -> BitgetError:
    """Return the error for a parameter that is not there."""
    return BitgetError("40019", f"Parameter {parameter} cannot be empty")


def unknown(parameter: str) -> BitgetError:
    """Return the error for a value that names nothing, such as an unlisted symbol."""
    return BitgetError("40034", f"Parameter {parameter} does not exist")


def wrong(parameter: str) -> BitgetError:
    """Return the error for a value that is not among those allowed."""
    return BitgetError("40020", f"Parameter {parameter} error")


NOT_FOUND = BitgetError("40404", "Request URL NOT FOUND", status=404)
TOO_MANY_REQUESTS = BitgetError("429", "Too Many Requests", status=429)
FAILED = BitgetError("40015", "System is abnormal, please try again later", status=500)
UNAVAILABLE = BitgetError("40200", "Server upgrade, please try again later", status=503)
