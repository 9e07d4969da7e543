"""Kubernetes Events, on transitions only.

Whoever calls decides what is a transition; this module only keeps the same words about the same object from being said
again within ten minutes (kopf does not aggregate, and every Event is a write to etcd). A lost Event is no error: the
conditions hold the truth.
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
from aviary_crds.labels import EVENT_REPORTER

from aviary_operator.runtime.kinds import EVENT, Kind, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

SILENCE_SECONDS: Final = 600.0
_LONGEST_NOTE: Final = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EventSubject:
    """The object an Event is about."""

    kind: Kind
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, for ``kubectl describe``."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


class EventRecorder:
    """Writes Events, each once."""

    def __init__(self, kube: KubeApi, *, instance: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._instance = instance
        self._clock = clock
        self._said: dict[tuple[str, Notice], float] = {}

    async def record(self, subject: EventSubject, notice: Notice) -> None:
        """Write ``notice`` about ``subject`` unless the same was said within the last ten minutes."""
        now = self._clock()
        self._said = {key: since for key, since in self._said.items() if now - since < SILENCE_SECONDS}
        if (subject.uid, notice) in self._said:
            return
        self._said[subject.uid, notice] = now
        try:
            await self._kube.create(EVENT, build_event(subject, notice, instance=self._instance, now=datetime.now(UTC)))
        except ApiError as error:
            log.log(
                logging.DEBUG if error.ending else logging.WARNING,
                "event not written",
                subject=subject.name,
                reason=notice.reason,
                error=str(error),
            )


def build_event(subject: EventSubject, notice: Notice, *, instance: str, now: datetime) -> Manifest:
    """Return the Event object."""
    seconds = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{subject.name}.{uuid.uuid4().hex[:16]}", "namespace": subject.namespace},
        "involvedObject": {
            "apiVersion": subject.kind.api_version,
            "kind": subject.kind.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
        "type": notice.type,
        "reason": notice.reason,
        "message": notice.message[:_LONGEST_NOTE],
        "action": notice.reason,
        "reportingComponent": EVENT_REPORTER,
        "reportingInstance": instance,
        "source": {"component": EVENT_REPORTER},
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
    }
