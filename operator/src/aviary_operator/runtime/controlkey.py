"""The operator's own secret: the key from which every bot's control token is derived.

One Secret in the operator's namespace, made at the first start. Losing it is harmless: a new key gives new tokens, and
the ConfigMaps carry the new fingerprints within one reconcile.
"""

import base64
import binascii
import secrets
from typing import Final

from aviary_crds.labels import MANAGED_BY, MANAGED_BY_LABEL

from aviary_operator.runtime.kinds import SECRET, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

SECRET_KEY: Final = "key"  # noqa: S105  a name
_SHORTEST: Final = 32
_CONFLICT: Final = 409


class ControlKeyError(Exception):
    """The Secret is there and of no use."""


async def ensure_control_key(kube: KubeApi, namespace: str, name: str) -> bytes:
    """Return the operator's key, making the Secret when there is none.

    Raises:
        ControlKeyError: when the Secret has no key of at least 32 bytes.
        ApiError: when the API server refuses.
    """
    found = await kube.get(SECRET, namespace, name)
    if found is None:
        try:
            found = await kube.create(SECRET, build_control_secret(namespace, name, secrets.token_bytes(_SHORTEST)))
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            found = await kube.get(SECRET, namespace, name)
    return read_control_key(found, f"{namespace}/{name}")


def build_control_secret(namespace: str, name: str, key: bytes) -> Manifest:
    """Return the Secret that holds ``key``."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "type": "Opaque",
        "data": {SECRET_KEY: base64.b64encode(key).decode()},
    }


def read_control_key(secret: Manifest | None, where: str) -> bytes:
    """Return the key in ``secret``, which is ``where`` (namespace and name).

    Raises:
        ControlKeyError: when it holds none of at least 32 bytes.
    """
    try:
        key = base64.b64decode(((secret or {}).get("data") or {}).get(SECRET_KEY, ""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < _SHORTEST:
        raise ControlKeyError(
            f"Secret {where} has no {SECRET_KEY!r} of at least {_SHORTEST} bytes; "
            "delete the Secret and restart the operator: it makes a new one and bots take the new token by themselves"
        )
    return key
