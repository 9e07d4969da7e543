"""The subject digest: what evidence and approvals are bound to.

It covers the whole spec, the image reference, the strategy with its code, the market and the envelope among it; it
leaves out the requested mode and the amount of capital only (a grant carries its own capital ceiling). Same spec and
code give the same digest on every machine: canonical JSON (sorted keys, no spaces, numbers in one form), SHA-256. Two
specs that the API server stores alike have the same digest: it writes the number ``1.0`` of a
strategy's parameters as ``1``.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec

DIGEST_VERSION: Final = 2

OUTSIDE_SUBJECT: Final = ("mode", "capital.totalAmountQuote")
"""Fields of the spec that the digest leaves out: who asks for what, and for how much. A grant has its own ceiling."""


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as JSON with one possible spelling: UTF-8, sorted keys, no spaces, decimals as plain text.

    A whole number is written as such, whether it came as ``2`` or as ``2.0``.

    Raises:
        ValueError: on NaN or infinity, which have no place in a configuration.
        TypeError: on a type that JSON does not know, and on keys that are no strings.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def sha256_hex(data: bytes) -> str:
    """Return ``sha256:`` and the hexadecimal digest of ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def subject_digest(spec: TradingBotSpec, *, code: str | None) -> str:
    """Return the subject digest of a bot.

    Args:
        spec: the bot's spec with all defaults filled in.
        code: source of the strategy when ``spec.strategy.code`` names one, else None.

    Raises:
        ValueError: when the spec names code and none is given, or the other way round.
    """
    if (spec.strategy.code is None) != (code is None):
        raise ValueError(
            "the strategy's code belongs to the digest: give it when spec.strategy.code is set, and only then"
        )
    body = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    subject: dict[str, Any] = {key: value for key, value in body.items() if key not in OUTSIDE_SUBJECT}
    subject["capital"] = {
        key: value for key, value in body["capital"].items() if f"capital.{key}" not in OUTSIDE_SUBJECT
    }
    subject["digestVersion"] = DIGEST_VERSION
    # the models leave out what is not set; in the strategy's own parameters null is a value like any other
    subject["strategy"]["parameters"] = spec.strategy.parameters
    if code is not None:
        # where the code came from is not part of the subject; what it says is
        subject["strategy"] = {key: value for key, value in subject["strategy"].items() if key != "code"}
        subject["strategy"]["codeSha256"] = sha256_hex(code.encode())
    return sha256_hex(canonical_json(subject))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return decimal_text(value)
        case Mapping():
            return {_text_key(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _text_key(key: Any) -> str:
    # JSON would write 1 and "1" as the same key
    if not isinstance(key, str):
        raise TypeError(f"keys of a configuration are strings; {key!r} is not one")
    return key
