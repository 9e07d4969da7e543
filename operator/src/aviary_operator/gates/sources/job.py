"""Source ``job``: a Job per gate, check and subject, whose pod leaves a report as its termination message.

A measurement is one look: it starts the Job when there is none, waits while it runs, and reads what its pod said. A
Job of another subject is deleted. A result is renewed when half of its age is used up, so that the next one is there
before the old is stale; the last value stays what it is meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, override

from aviary_crds.v1alpha1.gatechecks import JobSource, ReportScope
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.measurement import NoValue, Silence
from aviary_operator.gates.sources.jobs import (
    EVIDENCE_CONTAINER,
    build_job,
    is_as_wanted,
    is_ours,
    job_labels,
)
from aviary_operator.gates.sources.question import Answer, Question, Source
from aviary_operator.gates.sources.reports import Expected, judge_report
from aviary_operator.runtime.kinds import JOB, POD, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

_CONFLICT: Final = 409
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class JobReader(Source):
    """Runs Jobs and reads their pods."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube

    @override
    async def read(self, question: Question) -> Answer:
        source = question.check.job
        if source is None:
            raise ValueError(f"check {question.check.name} is not of source job")
        try:
            return await self._look(question, source)
        except ApiError as error:
            return Silence(state=CheckState.ERRORED, reason="ApiError", message=str(error)[:500])

    async def _look(self, question: Question, source: JobSource) -> Answer:
        wanted = build_job(question, source)
        name = wanted["metadata"]["name"]
        selector = ",".join(f"{key}={value}" for key, value in job_labels(question).items())
        found = await self._kube.list(JOB, question.namespace, labels=selector)
        for job in found:
            if job["metadata"]["name"] != name and is_ours(job, question):
                await self._delete(job)
        own = [item for item in found if item["metadata"]["name"] == name]
        if not own:
            return await self._start(wanted)
        return await self._read(own[0], wanted, selector, question, source)

    async def _read(
        self, job: Manifest, wanted: Manifest, selector: str, question: Question, source: JobSource
    ) -> Answer:
        name = wanted["metadata"]["name"]
        if "deletionTimestamp" in job["metadata"]:
            return _say(name, CheckState.PENDING, "JobEnding", "an older Job of this name is being deleted")
        if not is_ours(job, question) or not is_as_wanted(job, wanted):
            await self._delete(job)
            return _say(
                name, CheckState.ERRORED, "NotOurJob", "a Job of this name was not what the check says; deleted"
            )
        ended = _read_end(job)
        if ended is None:
            return _say(name, CheckState.PENDING, "JobRunning", "the Job has not finished yet")
        pods = [
            pod
            for pod in await self._kube.list(POD, question.namespace, labels=selector)
            if _owned_by(pod, str(job["metadata"]["uid"]))
        ]
        answer = judge_pods(job, pods, question, source)
        if is_due_again(ended[1], question, unusable=isinstance(answer, Silence) and answer.reason != "ReportSaysFail"):
            await self._delete(job)
        return answer

    async def _start(self, wanted: Manifest) -> Silence:
        name = wanted["metadata"]["name"]
        try:
            await self._kube.create(JOB, wanted)
        except ApiError as error:
            if error.status == _CONFLICT:
                return _say(name, CheckState.ERRORED, "NameTaken", "a Job of this name exists and is not the gate's")
            raise
        return _say(name, CheckState.PENDING, "JobStarted", "the Job has been started")

    async def _delete(self, job: Manifest) -> None:
        meta = job["metadata"]
        await self._kube.delete(JOB, str(meta["namespace"]), str(meta["name"]), uid=str(meta["uid"]))


def is_due_again(finished: datetime, question: Question, *, unusable: bool) -> bool:
    """Whether a Job that finished then has to be run anew."""
    age = question.now - finished
    wait = question.check.period_seconds if unusable else question.check.max_age_seconds / 2
    return age >= timedelta(seconds=wait)


def judge_pods(job: Manifest, pods: Sequence[Manifest], question: Question, source: JobSource) -> Answer:
    """Return what the pod of a finished Job said."""
    name = str(job["metadata"]["name"])
    if len(pods) != 1:
        end = _read_end(job)
        why = f"; the Job ended with {end[0]}" if end and end[0] else ""
        return _say(name, CheckState.ERRORED, "NoPod" if not pods else "SeveralPods", f"{len(pods)} pods of it{why}")
    (pod,) = pods
    containers = (pod.get("spec") or {}).get("containers") or []
    if len(containers) != 1 or containers[0].get("image") != source.image:
        return _say(name, CheckState.ERRORED, "NotOurPod", "its pod does not run the image of the check")
    ended = _terminated(pod)
    if ended is None:
        return _say(name, CheckState.ERRORED, "JobFailed", "its container has no end to read; it never started")
    message = str(ended.get("message") or "")
    if not message.strip():
        said = f"it left no report in its termination message; exit code {ended.get('exitCode')}"
        return _say(name, CheckState.ERRORED, "NoReport", said)
    expected = Expected(source.producer, source.value, ReportScope.SUBJECT, f"Job {question.namespace}/{name}")
    return judge_report(message.encode(), expected, question)


def _say(name: str, state: NoValue, reason: str, message: str) -> Silence:
    return Silence(state=state, reason=reason, message=f"Job {name}: {message}", query=f"Job {name}")


def _read_end(job: Manifest) -> tuple[str, datetime] | None:
    """Return the reason of a Job's failure ("" when it completed) and when it ended, None while it runs."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("status") == "True" and condition.get("type") in {"Complete", "Failed"}:
            reason = str(condition.get("reason") or "Failed") if condition["type"] == "Failed" else ""
            try:
                moment = datetime.fromisoformat(str(condition.get("lastTransitionTime")))
            except ValueError:
                return reason, _LONG_AGO
            return reason, moment if moment.tzinfo else _LONG_AGO
    return None


def _owned_by(pod: Manifest, uid: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def _terminated(pod: Manifest) -> Mapping[str, Any] | None:
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        if status.get("name") == EVIDENCE_CONTAINER:
            found: Mapping[str, Any] | None = (status.get("state") or {}).get("terminated")
            return found
    return None
