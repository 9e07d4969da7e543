"""Whoever speaks to the API server: each with a certificate of their own, and what it answers when it refuses."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Final

import aiohttp
from aviary_cluster.controlplane import ControlPlane
from aviary_operator.runtime.kinds import Kind, Manifest

_JSON: Final = "application/json"
_MERGE: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_APPLY: Final = "application/apply-patch+yaml"
_REFUSED: Final = 400


class Stop(StrEnum):
    """Who stopped an attempt."""

    RIGHTS = "rights"
    """RBAC: whoever tried may not write that object."""
    ADMISSION = "admission"
    """A policy of the chart."""
    KIND = "kind"
    """The schema of the kind, or a rule in it."""
    OPERATOR = "operator"
    """The API server took it, and the operator grants nothing for it."""
    NOBODY = "NOBODY"


class RefusedError(Exception):
    """The API server refused."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status

    @property
    def by(self) -> Stop:
        """Which part of the API server it was.

        Raises:
            AssertionError: when it is no refusal of an attempt but a mistake in it.
        """
        said = str(self)
        if "denied request" in said and "resulted in error" not in said:
            return Stop.ADMISSION
        if "cannot " in said and self.status == 403:
            return Stop.RIGHTS
        if self.status == 422 and "is invalid" in said:
            return Stop.KIND
        raise AssertionError(f"refused for another reason, {self.status}: {said}")

    @property
    def short(self) -> str:
        """What it said, without the names of object and policy that come first."""
        said = " ".join(str(self).split()).split("denied request: ")[-1]
        return re.sub(r"^\S+ \"\S+\" is invalid: ", "", said)


class Person:
    """Somebody."""

    def __init__(self, name: str, server: str, session: aiohttp.ClientSession) -> None:
        self.name = name
        self._server = server
        self._session = session

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Return the object, None when there is none."""
        try:
            return await self._ask("GET", kind.path(namespace, name))
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, kind: Kind, manifest: Manifest, *, dry: bool = False) -> Manifest:
        """Make an object; ``dry``: ask only whether it would be taken."""
        path = kind.path(manifest["metadata"].get("namespace"))
        return await self._ask("POST", f"{path}?dryRun=All" if dry else path, manifest)

    async def apply(self, kind: Kind, manifest: Manifest, *, part: str | None = None) -> Manifest:
        """Server-side apply, taking over what others own."""
        meta = manifest["metadata"]
        path = kind.path(meta.get("namespace"), meta["name"], part)
        return await self._ask("PATCH", f"{path}?fieldManager={self.name}&force=true", manifest, _APPLY)

    async def merge(
        self, kind: Kind, namespace: str | None, name: str, change: Any, *, part: str | None = None, dry: bool = False
    ) -> Manifest:
        """Merge a change into an object, or into its subresource ``part``, as ``kubectl edit`` and ``patch`` do."""
        path = kind.path(namespace, name, part)
        return await self._ask("PATCH", f"{path}?dryRun=All" if dry else path, change, _MERGE)

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, steps: Sequence[Any], *, part: str | None = None
    ) -> Manifest:
        """Change an object by a JSON patch."""
        return await self._ask("PATCH", kind.path(namespace, name, part), list(steps), _JSON_PATCH)

    async def put_status(self, kind: Kind, namespace: str, name: str, status: Any) -> None:
        """Replace the whole status, whatever the operator writes meanwhile."""
        while True:
            found = await self.get(kind, namespace, name)
            assert found is not None, f"there is no {kind.kind} {namespace}/{name}"
            try:
                await self._ask("PUT", kind.path(namespace, name, "status"), {**found, "status": status})
            except RefusedError as error:
                if error.status != 409:
                    raise
            else:
                return

    async def delete(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Delete an object if it is there."""
        try:
            await self._ask("DELETE", kind.path(namespace, name), {"propagationPolicy": "Background"})
        except RefusedError as error:
            if error.status != 404:
                raise

    async def watch(self, kind: Kind) -> AsyncIterator[Manifest]:
        """Yield every version of every object of a kind from now on, for ever."""
        listed = await self._ask("GET", kind.path(None))
        for item in listed["items"]:
            yield item
        version = listed["metadata"]["resourceVersion"]
        path = f"{self._server}{kind.path(None)}?watch=1&resourceVersion={version}"
        forever = aiohttp.ClientTimeout(total=None)
        async with self._session.get(path, timeout=forever) as answer:
            buffer = bytearray()
            async for chunk in answer.content.iter_any():
                buffer += chunk
                *lines, rest = bytes(buffer).split(b"\n")
                buffer = bytearray(rest)
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise AssertionError(f"the watch broke: {event}")
                    if event["type"] != "DELETED":
                        yield event["object"]

    async def _ask(self, method: str, path: str, body: Any = None, content_type: str = _JSON) -> Manifest:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        async with self._session.request(method, f"{self._server}{path}", data=data, headers=headers) as answer:
            content: Manifest = await answer.json(content_type=None)
            if answer.status >= _REFUSED:
                raise RefusedError(answer.status, str(content.get("message", content)))
            return content


@asynccontextmanager
async def introduce(plane: ControlPlane, name: str, groups: Sequence[str] = ()) -> AsyncIterator[Person]:
    """Give somebody of this name and these groups."""
    connector = aiohttp.TCPConnector(ssl=plane.ssl_context_for(name, groups))
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield Person(name, plane.server, session)
