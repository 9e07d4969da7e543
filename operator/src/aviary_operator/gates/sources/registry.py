"""All sources that lie outside the operator, each with its own two slots: a slow one delays nobody but itself."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import structlog
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.measurement import Silence
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.runtime.metrics import Metrics

SLOTS: Final = 2
"""Requests in flight per kind of source: a Prometheus that is busy must not be made busier by gates."""

LONGEST_SECONDS: Final = 30.0
"""Every source has time-outs of its own; this one is for what nobody thought of."""

log = structlog.get_logger(__name__)


class Sources:
    """Asks the source of a check."""

    def __init__(self, readers: Mapping[str, Source], metrics: Metrics) -> None:
        self._readers = readers
        self._metrics = metrics
        self._slots = {kind: asyncio.Semaphore(SLOTS) for kind in readers}

    async def read(self, question: Question) -> Answer:
        """Return what the source of the check says. Never raises for what the outside, or a source, does."""
        kind = question.check.source_kind
        reader = self._readers.get(kind)
        if reader is None:
            return Silence(state=CheckState.ERRORED, reason="NoSource", message=f"source {kind} cannot be asked here")
        async with self._slots[kind]:
            begin = time.perf_counter()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    return await reader.read(question)
            except TimeoutError:
                message = f"source {kind} did not answer within {LONGEST_SECONDS:g} s"
                return Silence(state=CheckState.ERRORED, reason="TooSlow", message=message)
            except Exception as error:
                log.exception("a source failed", gate=question.gate, check=question.check.name, source=kind)
                message = f"source {kind} failed: {type(error).__name__}: {error}"[:500]
                return Silence(state=CheckState.ERRORED, reason="SourceFailed", message=message)
            finally:
                self._metrics.measurement_time.labels(source=kind).observe(time.perf_counter() - begin)
