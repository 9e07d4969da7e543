"""Source ``job``: one Job per gate, check and subject; what its pod said is judged as any report."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, override

import pytest
from aviary_crds.evidence import seal_report
from aviary_crds.labels import CHECK_LABEL, GATE_LABEL
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_operator.gates.measurement import Reading, Silence
from aviary_operator.gates.sources.job import JobReader
from aviary_operator.gates.sources.jobs import EVIDENCE_CONTAINER, build_job, label_value
from aviary_operator.gates.sources.question import Answer, Question
from aviary_operator.runtime.kinds import JOB, POD, Kind, Manifest
from aviary_operator.runtime.kube import ApiError

from ..memory_api import MemoryApi  # noqa: TID252  the tests are no installed package
from .questions import DIGEST, GATE_UID, OTHER_DIGEST, check, question

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DRILL = check(
    {"job": {"producer": "kill-drill", "value": "orders", "image": "aviary.local/drill:1", "args": ["--once"]}},
    maxAgeSeconds=600,
    periodSeconds=60,
)


type Jobs = list[Manifest]


class Cluster(MemoryApi):
    """Keeps Jobs and pods by label, gives uids, and deletes as the API server does."""

    @override
    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", limit: int | None = None, slim: bool = False
    ) -> Sequence[Manifest]:
        wanted = dict(part.split("=") for part in labels.split(",") if part)
        found = await super().list(kind, namespace, labels=labels, limit=limit, slim=slim)
        return [item for item in found if wanted.items() <= (item["metadata"].get("labels") or {}).items()]

    @override
    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        made = await super().create(kind, manifest)
        made["metadata"].setdefault("uid", f"uid-{len(self.calls)}")
        return made

    def jobs(self) -> Jobs:
        return [item for (kind, _, _), item in self.objects.items() if kind == JOB]

    def finish(self, message: str, *, failed: str = "", code: int = 0, ago: float = 0.0) -> None:
        """End the one Job: its pod leaves ``message``."""
        (job,) = self.jobs()
        ended = {"type": "Failed" if failed else "Complete", "status": "True", "reason": failed}
        ended["lastTransitionTime"] = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        job["status"] = {"conditions": [ended]}
        state = {"terminated": {"exitCode": code, "message": message}}
        self.put(
            POD,
            "desk",
            "drill-pod",
            spec=job["spec"]["template"]["spec"],
            status={"containerStatuses": [{"name": EVIDENCE_CONTAINER, "state": state}]},
        )
        meta = self.objects[POD, "desk", "drill-pod"]["metadata"]
        meta["labels"] = job["spec"]["template"]["metadata"]["labels"]
        meta["ownerReferences"] = [{"uid": job["metadata"]["uid"], "controller": True}]


def ask(**changes: Any) -> Question:
    return question(DRILL, now=NOW, **changes)


def report(**changes: Any) -> str:
    body = {
        "schemaVersion": 1,
        "producer": "kill-drill",
        "time": NOW.isoformat(),
        "subject": {"namespace": "desk", "bot": "alpha", "digest": DIGEST},
        "result": "Pass",
        "values": {"orders": "3.5"},
    }
    return seal_report({**body, **changes}).decode()


async def read(cluster: Cluster, **changes: Any) -> Answer:
    return await JobReader(cluster).read(ask(**changes))


def told(answer: Answer) -> tuple[CheckState, str]:
    assert isinstance(answer, Silence), answer
    return answer.state, answer.reason


async def test_first_look_starts_the_job_and_later_ones_wait_for_it() -> None:
    cluster = Cluster()
    assert told(await read(cluster)) == (CheckState.PENDING, "JobStarted")
    assert told(await read(cluster)) == (CheckState.PENDING, "JobRunning")
    assert len(cluster.jobs()) == 1


async def test_job_may_nothing_and_goes_with_its_gate() -> None:
    cluster = Cluster()
    await read(cluster)
    (job,) = cluster.jobs()
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("PromotionGate", GATE_UID, True)
    assert job["metadata"]["labels"][GATE_LABEL] == "to-live"
    assert job["metadata"]["labels"][CHECK_LABEL] == "it"
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["activeDeadlineSeconds"] == 600
    assert "ttlSecondsAfterFinished" not in job["spec"]
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65_532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {item["name"]: item["value"] for item in container["env"]} == {
        "AVIARY_NAMESPACE": "desk",
        "AVIARY_BOT": "alpha",
        "AVIARY_SUBJECT_DIGEST": DIGEST,
    }


async def test_report_that_its_pod_left_is_the_value() -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish(report())
    answer = await read(cluster)
    assert isinstance(answer, Reading)
    assert str(answer.value) == "3.5"
    assert len(cluster.jobs()) == 1


@pytest.mark.parametrize(
    ("message", "state", "reason"),
    [
        ("", CheckState.ERRORED, "NoReport"),
        ("panic: no network", CheckState.ERRORED, "NotJson"),
        (report()[:50], CheckState.ERRORED, "NotJson"),
        (report(producer="other"), CheckState.INCONCLUSIVE, "WrongProducer"),
        (report(subject={"namespace": "desk", "bot": "alpha", "digest": OTHER_DIGEST}), CheckState.INCONCLUSIVE, None),
        (report(values={}), CheckState.INCONCLUSIVE, "NoValue"),
        (report(result="Fail"), CheckState.FAILED, "ReportSaysFail"),
    ],
)
async def test_bad_last_words_never_pass(message: str, state: CheckState, reason: str | None) -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish(message)
    answer = told(await read(cluster))
    assert answer == (state, reason or "WrongSubject")


async def test_job_that_timed_out_and_lost_its_pod_is_an_error_that_says_so() -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish("", failed="DeadlineExceeded")
    del cluster.objects[POD, "desk", "drill-pod"]
    answer = await read(cluster)
    assert told(answer) == (CheckState.ERRORED, "NoPod")
    assert isinstance(answer, Silence)
    assert "DeadlineExceeded" in answer.message


async def test_job_of_another_subject_is_deleted_and_a_new_one_started() -> None:
    cluster = Cluster()
    await read(cluster, digest=OTHER_DIGEST)
    (old,) = cluster.jobs()
    assert told(await read(cluster)) == (CheckState.PENDING, "JobStarted")
    (new,) = cluster.jobs()
    assert new["metadata"]["name"] != old["metadata"]["name"]


async def test_result_is_renewed_before_it_is_stale() -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish(report(time=(NOW - timedelta(seconds=299)).isoformat()), ago=299)
    assert isinstance(await read(cluster), Reading)
    assert len(cluster.jobs()) == 1
    cluster.finish(report(time=(NOW - timedelta(seconds=301)).isoformat()), ago=301)
    assert isinstance(await read(cluster), Reading)
    assert cluster.jobs() == []
    assert told(await read(cluster)) == (CheckState.PENDING, "JobStarted")


async def test_job_without_a_report_is_run_again_after_a_period() -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish("oops", ago=30)
    await read(cluster)
    assert len(cluster.jobs()) == 1
    cluster.finish("oops", ago=61)
    await read(cluster)
    assert cluster.jobs() == []


@pytest.mark.parametrize("edit", ["image", "args", "env", "volume", "owner"])
async def test_job_that_somebody_else_made_under_the_name_says_nothing(edit: str) -> None:
    cluster = Cluster()
    await read(cluster)
    (job,) = cluster.jobs()
    container = job["spec"]["template"]["spec"]["containers"][0]
    match edit:
        case "image":
            container["image"] = "evil:1"
        case "args":
            container["args"] = ["--pass"]
        case "env":
            container["env"].append({"name": "PASS", "value": "1"})
        case "volume":
            container["volumeMounts"] = [{"name": "evil", "mountPath": "/usr/bin"}]
        case _:
            job["metadata"]["ownerReferences"] = []
    cluster.finish(report())
    assert told(await read(cluster)) == (CheckState.ERRORED, "NotOurJob")
    assert cluster.jobs() == []


async def test_pod_that_is_not_the_jobs_or_one_too_many_says_nothing() -> None:
    cluster = Cluster()
    await read(cluster)
    cluster.finish(report())
    pod = cluster.objects[POD, "desk", "drill-pod"]
    pod["metadata"]["ownerReferences"] = [{"uid": "another", "controller": True}]
    assert told(await read(cluster)) == (CheckState.ERRORED, "NoPod")
    cluster.finish(report())
    cluster.objects[POD, "desk", "second"] = cluster.objects[POD, "desk", "drill-pod"]
    assert told(await read(cluster)) == (CheckState.ERRORED, "SeveralPods")


async def test_api_server_that_refuses_is_an_error() -> None:
    cluster = Cluster()
    cluster.error = ApiError(403, "jobs.batch is forbidden")
    assert told(await read(cluster)) == (CheckState.ERRORED, "ApiError")


def test_names_fit_however_long_the_gate_and_the_check_are() -> None:
    long = check({"job": {"producer": "p", "image": "a:1"}}, name="c" * 63)
    asked = question(long, gate="a.very.long.gate" * 15)
    assert long.job is not None
    made = build_job(asked, long.job)
    assert len(made["metadata"]["name"]) <= 63
    assert all(len(value) <= 63 for value in made["metadata"]["labels"].values())
    assert label_value("x" * 70) != label_value("x" * 71)
