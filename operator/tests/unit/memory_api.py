"""A KubeApi that keeps objects in memory: for what asks and decides; what writes is tested on a real API server."""

from collections.abc import Sequence
from typing import override

from aviary_operator.runtime.kinds import Kind, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi


class MemoryApi(KubeApi):
    """Holds objects and counts calls."""

    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, str, str], Manifest] = {}
        self.calls: list[str] = []
        self.error: ApiError | None = None

    def put(self, kind: Kind, namespace: str, name: str, **content: object) -> None:
        """Store an object."""
        meta = {"name": name, "namespace": namespace, "uid": f"{kind.kind}-{name}"}
        self.objects[kind, namespace, name] = {"metadata": meta, **content}

    def _note(self, verb: str, kind: Kind, name: str) -> None:
        self.calls.append(f"{verb} {kind.kind} {name}".strip())
        if self.error is not None:
            raise self.error

    @override
    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        self._note("get", kind, name)
        return self.objects.get((kind, namespace, name))

    @override
    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", limit: int | None = None, slim: bool = False
    ) -> Sequence[Manifest]:
        self._note("list", kind, "")
        found = self.objects.items()
        return [item for (kind_, place, _), item in found if kind_ == kind and namespace in {None, place}]

    @override
    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        meta = manifest["metadata"]
        self._note("create", kind, meta["name"])
        key = (kind, meta["namespace"], meta["name"])
        if key in self.objects:
            raise ApiError(409, "exists")
        self.objects[key] = manifest
        return manifest

    @override
    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        raise AssertionError("not in memory")

    @override
    async def apply_status(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        self._note("status", kind, manifest["metadata"]["name"])
        return manifest

    @override
    async def replace(self, kind: Kind, manifest: Manifest, *, manager: str) -> Manifest:
        raise AssertionError("not in memory")

    @override
    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> bool:
        self._note("delete", kind, name)
        return self.objects.pop((kind, namespace, name), None) is not None
