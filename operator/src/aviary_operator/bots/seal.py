"""The seal: proof that a grant was written by an operator of this key, whoever may write statuses.

The API server lets only the operator write a status (a policy of the chart). Where that policy is missing, a forged
status must still grant nothing; so what is granted carries an HMAC under the operator's own key, which never leaves
its namespace.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from aviary_crds.digest import canonical_json
from aviary_crds.quantities import decimal_text
from aviary_crds.v1alpha1.gatestatus import GrantStatus

PREFIX = "hmac-sha256:"

type Seal = Callable[[Mapping[str, str]], str]
"""Seals named texts; the same texts give the same seal."""


def seal_text(key: bytes, parts: Mapping[str, str]) -> str:
    """Return the seal of ``parts`` under ``key``."""
    return PREFIX + hmac.new(key, canonical_json(dict(parts)), sha256).hexdigest()


def same_seal(one: str, other: str) -> bool:
    """Whether two seals are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def grant_parts(grant: GrantStatus, *, namespace: str, gate: str, gate_uid: str) -> dict[str, str]:
    """Return what the seal of a grant covers: everything it says, and the gate that says it."""
    return {
        "kind": "grant",
        "namespace": namespace,
        "gate": gate,
        "gateUid": gate_uid,
        "mode": grant.mode.value,
        "capitalQuote": decimal_text(Decimal(grant.capital_quote)),
        "digest": grant.digest,
        "botUid": grant.bot_uid,
        "imageId": grant.image_id,
        "grantedTime": _time(grant.granted_time),
        "expiresTime": _time(grant.expires_time),
        "breakGlass": grant.break_glass or "",
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
