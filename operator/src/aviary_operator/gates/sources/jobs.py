"""The Job of a check: what it is called, what it may do, and whether the one in the cluster is the one wanted."""

from collections.abc import Mapping
from typing import Any, Final

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.labels import CHECK_LABEL, GATE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, PART_LABEL
from aviary_crds.v1alpha1.gatechecks import JobSource

from aviary_operator.gates.sources.question import Question
from aviary_operator.runtime.kinds import JOB, PROMOTION_GATE, Manifest

EVIDENCE_CONTAINER: Final = "evidence"
_USER: Final = 65_532
_LONGEST_LABEL: Final = 63
_LONGEST_PART: Final = 22
_DECIDING: Final = ("name", "image", "command", "args", "env", "envFrom", "volumeMounts", "lifecycle")
"""What decides what a container does; the API server fills in nothing of it."""


def label_value(name: str) -> str:
    """Return ``name`` as the value of a label: itself, or its beginning and a hash when it is too long for one."""
    if len(name) <= _LONGEST_LABEL:
        return name
    return f"{name[:40].rstrip('.-')}-{_short(name.encode())}"


def job_labels(question: Question) -> dict[str, str]:
    """Return the labels that find the Jobs of a check, and their pods."""
    return {GATE_LABEL: label_value(question.gate), CHECK_LABEL: label_value(question.check.name)}


def job_name(question: Question, source: JobSource) -> str:
    """Return the one name of the Job for this gate, check, subject and wording of the check."""
    what = {
        "gateUid": question.gate_uid,
        "check": question.check.name,
        "digest": question.digest,
        "source": source.model_dump(mode="json", by_alias=True),
    }
    gate, check = (text.replace(".", "-")[:_LONGEST_PART].strip("-") for text in (question.gate, question.check.name))
    return f"{gate}-{check}-{_short(canonical_json(what))}"


def build_job(question: Question, source: JobSource) -> Manifest:
    """Return the Job: one pod, once, with no rights, no key and nothing it can write but its last words."""
    labels = {
        **job_labels(question),
        MANAGED_BY_LABEL: MANAGED_BY,
        PART_LABEL: "evidence",
        "app.kubernetes.io/name": "aviary-evidence",
    }
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": job_name(question, source),
            "namespace": question.namespace,
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": PROMOTION_GATE.api_version,
                    "kind": PROMOTION_GATE.kind,
                    "name": question.gate,
                    "uid": question.gate_uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": source.timeout_seconds,
            "template": {"metadata": {"labels": labels}, "spec": _build_pod(question, source)},
        },
    }


def _build_pod(question: Question, source: JobSource) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": EVIDENCE_CONTAINER,
                "image": source.image,
                **({"command": list(source.command)} if source.command else {}),
                **({"args": list(source.args)} if source.args else {}),
                "env": [
                    {"name": "AVIARY_NAMESPACE", "value": question.namespace},
                    {"name": "AVIARY_BOT", "value": question.bot},
                    {"name": "AVIARY_SUBJECT_DIGEST", "value": question.digest},
                ],
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                    "limits": {"cpu": "1", "memory": "512Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }


def is_ours(job: Manifest, question: Question) -> bool:
    """Whether the gate owns this Job."""
    owners = job["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == question.gate_uid and owner.get("controller") for owner in owners)


def is_as_wanted(job: Manifest, wanted: Manifest) -> bool:
    """Whether the Job runs what the check says, and nothing else: somebody may have made one of its name before."""
    spec = _pod_spec(job)
    containers = spec.get("containers") or []
    if len(containers) != 1 or spec.get("initContainers") or spec.get("ephemeralContainers"):
        return False
    (own,) = wanted["spec"]["template"]["spec"]["containers"]
    return not spec.get("volumes") and all(containers[0].get(key) == own.get(key) for key in _DECIDING)


def _pod_spec(job: Manifest) -> Mapping[str, Any]:
    template = (job.get("spec") or {}).get("template") or {}
    found: Mapping[str, Any] = template.get("spec") or {}
    return found


def _short(data: bytes) -> str:
    return sha256_hex(data).removeprefix("sha256:")[:12]
