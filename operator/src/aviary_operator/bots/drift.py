"""Tells whether a child is what it should be, without asking the API server.

A child is right when everything in its manifest is in the live object with the same value (the server adds defaults,
so the live object has more), its lists are as long as ours, and nobody else owns part of its content. The manifest's
own hash is an annotation, so a field that is no longer wanted shows as a changed annotation.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from aviary_crds.digest import canonical_json, sha256_hex

from aviary_operator.bots.names import MANIFEST_ANNOTATION
from aviary_operator.bots.records import ChildRecord
from aviary_operator.runtime.kinds import VOLUME_CLAIM, Manifest

_HAS_QUANTITIES: Final = re.compile(r"\.resources\.|\.sizeLimit$")
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_UNITS: Final[Mapping[str, Decimal]] = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T"), start=1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)},
}

type Repair = Literal["Apply", "Replace"]


def seal_manifest(manifest: Manifest) -> Manifest:
    """Return ``manifest`` with the annotation that carries its own hash."""
    meta = manifest["metadata"]
    annotations = {**(meta.get("annotations") or {}), MANIFEST_ANNOTATION: sha256_hex(canonical_json(manifest))[:23]}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}


def find_drift(manifest: Manifest, live: ChildRecord | None) -> str | None:
    """Return where the live object is not as ``manifest`` says, in words, or None when it is."""
    if live is None:
        return "missing"
    wanted = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind", "metadata"}}
    if live.kind == VOLUME_CLAIM:
        # immutable but for its size: what can be wrong about it cannot be repaired by writing its spec again
        wanted.pop("spec", None)
    meta = {key: manifest["metadata"][key] for key in ("labels", "annotations", "ownerReferences")}
    path = _first_difference({**wanted, "metadata": meta}, live.body, "")
    if path:
        return f"changed at {path}"
    if live.strangers and live.kind != VOLUME_CLAIM:
        return f"edited by {', '.join(live.strangers)}"
    return None


def is_repair(manifest: Manifest, live: ChildRecord | None) -> bool:
    """Whether a child that drifted was changed or deleted by somebody else: the wish for it is the same as before."""
    if live is None:
        return True
    applied = (live.body["metadata"].get("annotations") or {}).get(MANIFEST_ANNOTATION)
    return bool(applied == manifest["metadata"]["annotations"][MANIFEST_ANNOTATION])


def decide_repair(manifest: Manifest, live: ChildRecord | None) -> Repair | None:
    """Return how to put the child right, or None when it is.

    Server-side apply takes back every field of ours. What a stranger added beside them stays through an apply, so such
    an object is replaced whole, and from then on always: a replaced field belongs to us twice, and an apply that
    leaves it out gives up only one of the two claims.
    """
    if find_drift(manifest, live) is None:
        return None
    if live is not None and live.kind != VOLUME_CLAIM and (live.strangers or live.replaced):
        return "Replace"
    return "Apply"


def _first_difference(wanted: Any, live: Any, path: str) -> str | None:
    match wanted:
        case Mapping() if isinstance(live, Mapping):
            return next((hit for key in wanted if (hit := _field_difference(wanted, live, key, path))), None)
        case list() if isinstance(live, list) and len(live) == len(wanted):
            pairs = enumerate(zip(wanted, live, strict=True))
            return next((hit for i, (a, b) in pairs if (hit := _first_difference(a, b, f"{path}[{i}]"))), None)
        case str() if isinstance(live, str) and _HAS_QUANTITIES.search(path):
            return None if _amount(wanted) == _amount(live) else path
        case _:
            return None if wanted == live else path


def _field_difference(wanted: Mapping[str, Any], live: Mapping[str, Any], key: str, path: str) -> str | None:
    if key not in live:
        # the server drops what is empty
        return None if wanted[key] in ({}, [], None) else f"{path}.{key}"
    return _first_difference(wanted[key], live[key], f"{path}.{key}")


def _amount(text: str) -> Decimal | str:
    """Return a quantity as a number, since the server rewrites ``1000m`` as ``1``; other text as it is."""
    found = _QUANTITY.fullmatch(text)
    return Decimal(found[1]) * _UNITS[found[2] or ""] if found else text
