"""What has a name in a namespace already, whoever it belongs to.

The indexes hold what carries our label. Before something is made, it must be known that nothing else has its name. One
list of metadata answers for all bots that are made within two seconds; a thousand new bots cost no thousand looks.
"""

import asyncio
from typing import Final

from aviary_operator.runtime.kinds import Kind
from aviary_operator.runtime.kube import KubeApi

FRESH_SECONDS: Final = 2.0
NOBODY: Final = ""
"""The owner of an object that has no controlling owner."""


class Neighbours:
    """Looks names up, at most once per kind, namespace and two seconds."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube
        self._seen: dict[tuple[Kind, str], tuple[float, dict[str, str]]] = {}
        self._looking: dict[tuple[Kind, str], asyncio.Lock] = {}

    async def find_owner(self, kind: Kind, namespace: str, name: str) -> str | None:
        """Return the uid of the object's controlling owner, ``NOBODY`` when it has none, None without such an object.

        Raises:
            ApiError: when the namespace cannot be listed.
        """
        key = (kind, namespace)
        loop = asyncio.get_running_loop()
        async with self._looking.setdefault(key, asyncio.Lock()):
            seen = self._seen.get(key)
            if seen is None or loop.time() - seen[0] > FRESH_SECONDS:
                begun = loop.time()
                items = await self._kube.list(kind, namespace, slim=True)
                owners = {str(item["metadata"]["name"]): _owner(item["metadata"]) for item in items}
                seen = self._seen[key] = (begun, owners)
        return seen[1].get(name)


def _owner(meta: dict[str, list[dict[str, object]]]) -> str:
    owners = meta.get("ownerReferences") or []
    return next((str(owner.get("uid")) for owner in owners if owner.get("controller")), NOBODY)
