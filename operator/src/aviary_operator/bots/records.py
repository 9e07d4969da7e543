"""What is kept in memory of each object: the part that decisions need, and nothing else.

Records are made from the API's JSON when an object is seen and never changed. A field that is missing or of the wrong
type reads as absent: an object that cannot be understood must not stop the operator from seeing the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aviary_crds.labels import (
    APPROVE_RESTART_ANNOTATION,
    BOOT_REVISION_ANNOTATION,
    BOT_CONTAINER,
    CHANGED_BY_ANNOTATION,
    FIELD_MANAGER_BOT,
)

from aviary_operator.runtime.kinds import Kind, Manifest

_ASSIGNED_BY_THE_CLUSTER: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
_OTHERS_FIELDS: Final = ("f:spec", "f:data", "f:binaryData", "f:automountServiceAccountToken", "f:secrets")


@dataclass(frozen=True, slots=True)
class BotRecord:
    """A TradingBot."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created: str
    deleting: bool
    approved: str | None
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    changed_by: str | None = None
    """Who last changed the spec, where the desk has the API server check it."""

    @property
    def gate(self) -> str | None:
        """Name of the gate the bot names, if any."""
        return _referred(self.spec, "gateRef")

    @property
    def desk(self) -> str | None:
        """Name of the desk the bot names, if any."""
        return _referred(self.spec, "deskRef")


@dataclass(frozen=True, slots=True)
class DeskRecord:
    """A TradingDesk."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    deleting: bool
    spec: Mapping[str, Any]
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GateRecord:
    """A PromotionGate."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created: str
    deleting: bool
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def bot(self) -> str | None:
        """Name of the bot the gate is about."""
        return _referred(self.spec, "botRef")


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A PromotionApproval."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created: str
    deleting: bool
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def gate(self) -> str | None:
        """Name of the gate the approval is about."""
        return _referred(self.spec, "gateRef")


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """A child of a bot, as it is in the cluster."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    deleting: bool
    owner: str | None
    """uid of the controlling owner."""
    strangers: tuple[str, ...]
    """Field managers other than ours that own part of the wanted state."""
    replaced: bool
    """Whether it was once replaced whole by us; then apply alone no longer removes fields."""
    body: Manifest
    """Labels, annotations and content, without what the cluster assigns."""
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """The bot's container in its pod."""

    image_id: str | None
    restarts: int
    ready: bool
    running: bool
    waiting_reason: str | None
    waiting_message: str | None
    exit_code: int | None
    exit_reason: str | None
    exit_message: str | None
    """Of the present end, or of the one before the present run."""


@dataclass(frozen=True, slots=True)
class PodRecord:
    """The bot's pod."""

    namespace: str
    name: str
    uid: str
    version: int
    deleting: bool
    phase: str
    address: str | None
    boot_revision: str | None
    template_revision: str | None
    ready: bool
    unschedulable: str | None
    """The scheduler's message while no node takes the pod."""
    reason: str | None
    message: str | None
    container: ContainerRecord | None


def read_bot(body: Mapping[str, Any]) -> BotRecord:
    """Read a TradingBot."""
    meta = _mapping(body.get("metadata"))
    return BotRecord(
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        generation=_int(meta.get("generation")),
        created=str(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        approved=_text(_mapping(meta.get("annotations")).get(APPROVE_RESTART_ANNOTATION)),
        spec=_mapping(body.get("spec")),
        status=_mapping(body.get("status")),
        changed_by=_text(_mapping(meta.get("annotations")).get(CHANGED_BY_ANNOTATION)),
    )


def read_gate(body: Mapping[str, Any]) -> GateRecord:
    """Read a PromotionGate."""
    meta = _mapping(body.get("metadata"))
    return GateRecord(
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        generation=_int(meta.get("generation")),
        created=str(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        spec=_mapping(body.get("spec")),
        status=_mapping(body.get("status")),
    )


def read_approval(body: Mapping[str, Any]) -> ApprovalRecord:
    """Read a PromotionApproval."""
    meta = _mapping(body.get("metadata"))
    return ApprovalRecord(
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        generation=_int(meta.get("generation")),
        created=str(meta.get("creationTimestamp")),
        deleting="deletionTimestamp" in meta,
        spec=_mapping(body.get("spec")),
        status=_mapping(body.get("status")),
    )


def read_desk(body: Mapping[str, Any]) -> DeskRecord:
    """Read a TradingDesk."""
    meta = _mapping(body.get("metadata"))
    return DeskRecord(
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        generation=_int(meta.get("generation")),
        deleting="deletionTimestamp" in meta,
        spec=_mapping(body.get("spec")),
        status=_mapping(body.get("status")),
    )


def read_child(kind: Kind, body: Mapping[str, Any]) -> ChildRecord:
    """Read a child of a bot."""
    meta = _mapping(body.get("metadata"))
    content = {key: value for key, value in body.items() if key not in _ASSIGNED_BY_THE_CLUSTER}
    content["metadata"] = {
        key: meta[key] for key in ("labels", "annotations", "ownerReferences") if meta.get(key) is not None
    }
    owners = meta.get("ownerReferences") or []
    return ChildRecord(
        kind=kind,
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        generation=_int(meta.get("generation")),
        deleting="deletionTimestamp" in meta,
        owner=next((_text(owner.get("uid")) for owner in owners if owner.get("controller")), None),
        strangers=_strangers(meta),
        replaced=any(
            entry.get("manager") == FIELD_MANAGER_BOT and entry.get("operation") == "Update"
            for entry in meta.get("managedFields") or []
        ),
        body=content,
        status=_mapping(body.get("status")),
    )


def read_pod(body: Mapping[str, Any]) -> PodRecord:
    """Read a bot's pod."""
    meta, status = _mapping(body.get("metadata")), _mapping(body.get("status"))
    conditions = {str(item.get("type")): item for item in status.get("conditions") or []}
    scheduled, ready = _mapping(conditions.get("PodScheduled")), _mapping(conditions.get("Ready"))
    unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    containers = [item for item in status.get("containerStatuses") or [] if item.get("name") == BOT_CONTAINER]
    return PodRecord(
        namespace=str(meta.get("namespace")),
        name=str(meta.get("name")),
        uid=str(meta.get("uid")),
        version=_version(meta),
        deleting="deletionTimestamp" in meta,
        phase=str(status.get("phase", "Unknown")),
        address=_text(status.get("podIP")),
        boot_revision=_text(_mapping(meta.get("annotations")).get(BOOT_REVISION_ANNOTATION)),
        template_revision=_text(_mapping(meta.get("labels")).get("controller-revision-hash")),
        ready=ready.get("status") == "True",
        unschedulable=_text(scheduled.get("message")) or "no node takes it" if unschedulable else None,
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        container=_read_container(containers[0]) if containers else None,
    )


def _read_container(status: Mapping[str, Any]) -> ContainerRecord:
    state = _mapping(status.get("state"))
    waiting = _mapping(state.get("waiting"))
    ended = _mapping(state.get("terminated")) or _mapping(_mapping(status.get("lastState")).get("terminated"))
    code = ended.get("exitCode")
    return ContainerRecord(
        image_id=_text(status.get("imageID")),
        restarts=_int(status.get("restartCount")),
        ready=status.get("ready") is True,
        running="running" in state,
        waiting_reason=_text(waiting.get("reason")),
        waiting_message=_text(waiting.get("message")),
        exit_code=code if isinstance(code, int) else None,
        exit_reason=_text(ended.get("reason")),
        exit_message=_text(ended.get("message")),
    )


def _strangers(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who else owns part of the object's content. Subresources (status, scale) are not content."""
    found = {
        str(entry.get("manager"))
        for entry in meta.get("managedFields") or []
        if entry.get("manager") != FIELD_MANAGER_BOT
        and not entry.get("subresource")
        and any(field in _mapping(entry.get("fieldsV1")) for field in _OTHERS_FIELDS)
    }
    return tuple(sorted(found))


def _referred(spec: Mapping[str, Any], field: str) -> str | None:
    reference = spec.get(field)
    name = reference.get("name") if isinstance(reference, Mapping) else None
    return name if isinstance(name, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _version(meta: Mapping[str, Any]) -> int:
    """Return the resource version as a number: since Kubernetes 1.35 they are defined to be comparable."""
    text = str(meta.get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0
