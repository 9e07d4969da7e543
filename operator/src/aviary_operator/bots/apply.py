"""Does what a plan says, and nothing that is already so."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from aviary_crds.labels import FIELD_MANAGER_BOT

from aviary_operator.bots.drift import decide_repair, find_drift, is_repair
from aviary_operator.bots.fleet import Fleet
from aviary_operator.bots.neighbours import Neighbours
from aviary_operator.bots.observed import Observed
from aviary_operator.bots.records import PodRecord, read_child
from aviary_operator.runtime.kinds import CHILD_KINDS, POD, STATEFUL_SET, Kind, Manifest
from aviary_operator.runtime.kube import KubeApi

log = structlog.get_logger(__name__)

_KINDS = {kind.kind: kind for kind in CHILD_KINDS}


class NameTakenError(Exception):
    """An object has the name of a child and is not the bot's; it is left alone."""


@dataclass(frozen=True, slots=True)
class Written:
    """A child that was written, and why."""

    what: str
    repair: bool
    """Somebody else had changed or deleted it; otherwise what it should be has changed."""


class Applier:
    """Writes children and deletes pods."""

    def __init__(self, kube: KubeApi, fleet: Fleet) -> None:
        self._kube = kube
        self._fleet = fleet
        self._neighbours = Neighbours(kube)

    async def apply_children(self, observed: Observed, manifests: Sequence[Manifest]) -> list[Written]:
        """Make the children as ``manifests`` say; return those that had to be written.

        The StatefulSet comes last: its pod needs all the others.

        Raises:
            ExceptionGroup: of NameTakenError when an object of that name is not the bot's, of ApiError when the API
                server refuses.
        """
        wrong: list[tuple[Kind, Manifest, Written]] = []
        for manifest in manifests:
            kind = _KINDS[manifest["kind"]]
            live = observed.children.get(kind)
            drift = observed.memo.once(f"drift of {kind.kind}", (manifest, live), partial(find_drift, manifest, live))
            if drift is not None:
                what = f"{kind.kind} {manifest['metadata']['name']} {drift}"
                wrong.append((kind, manifest, Written(what, repair=is_repair(manifest, live))))
        early = [item for item in wrong if item[0] != STATEFUL_SET]
        late = [item for item in wrong if item[0] == STATEFUL_SET]
        for batch in (early, late):
            async with asyncio.TaskGroup() as group:
                for kind, manifest, _ in batch:
                    group.create_task(self._write(observed, kind, manifest))
        return [written for _, _, written in wrong]

    async def delete_pod(self, pod: PodRecord) -> bool:
        """Delete exactly this pod; return False when it is gone already."""
        deleted = await self._kube.delete(POD, pod.namespace, pod.name, uid=pod.uid)
        if not deleted:
            self._fleet.note_gone(pod.uid)
        return deleted

    async def _write(self, observed: Observed, kind: Kind, manifest: Manifest) -> None:
        live = observed.children.get(kind)
        if live is None:
            await self._refuse_foreign(observed, kind, manifest)
        if decide_repair(manifest, live) == "Replace":
            result = await self._kube.replace(kind, manifest, manager=FIELD_MANAGER_BOT)
        else:
            result = await self._kube.apply(kind, manifest, manager=FIELD_MANAGER_BOT)
        self._fleet.note_child(read_child(kind, result))

    async def _refuse_foreign(self, observed: Observed, kind: Kind, manifest: Manifest) -> None:
        """Look before making: server-side apply would merge into whatever has the name, and deletion take it along."""
        name = manifest["metadata"]["name"]
        owner = await self._neighbours.find_owner(kind, observed.bot.namespace, name)
        if owner is not None and owner != observed.bot.uid:
            raise NameTakenError(
                f"{kind.kind} {name} exists and does not belong to this bot: rename one of them; if a bot of "
                "the same name was just deleted, wait for its children to go"
            )
