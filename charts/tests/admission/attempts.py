"""Every way somebody may try to reach Live without what a gate asks for, and who must be the one to refuse it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aviary_crds.labels import CHANGED_BY_ANNOTATION, MODE_LABEL, REPORT_LABEL

from charts.tests.admission import desk
from charts.tests.admission.desk import DESK, DIGEST, OTHER_DIGEST
from charts.tests.admission.guarded import COLLECTOR, KUBELET, MASTER, OPERATOR, account

RIGHTS: Final = "Forbidden.*cannot |cannot |attempting to grant RBAC permissions not currently held"
"""RBAC said no."""
KIND: Final = "is invalid: "
"""A rule of the kind itself said no."""

CI: Final = account(DESK, "ci")
NAMESAKE: Final = account(DESK, "aviary-operator")
NOW: Final = "2026-01-01T00:00:00Z"
GRANT: Final = {
    "mode": "Live", "capitalQuote": "100000", "digest": DIGEST, "botUid": "u", "imageId": "i", "seal": "s",
    "grantedTime": NOW, "expiresTime": NOW,
}  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One try: who runs which kubectl command, and what the refusal must come from."""

    what: str
    user: str
    args: tuple[str, ...]
    refused_by: str
    manifest: dict[str, Any] | None = None


def policy(name: str, says: str = "") -> str:
    """Return a pattern for the refusal of a policy of the release."""
    return f"'aviary-system-aviary-{name}' .*denied request: .*{says}"


def create(what: str, user: str, manifest: dict[str, Any], refused_by: str) -> Attempt:
    """Return an attempt to make an object."""
    return Attempt(what, user, ("create", "-f", "-"), refused_by, manifest)


def patch(what: str, user: str, target: str, change: dict[str, Any], refused_by: str, *more: str) -> Attempt:
    """Return an attempt to merge ``change`` into an object."""
    args = ("patch", target, "-n", DESK, "--type=merge", "-p", json.dumps(change), *more)
    return Attempt(what, user, args, refused_by)


def run(what: str, user: str, refused_by: str, *args: str) -> Attempt:
    """Return an attempt by any other command in the desk's namespace."""
    return Attempt(what, user, (*args, "-n", DESK), refused_by)


def annotated(value: str | None, **spec: Any) -> dict[str, Any]:
    """Return a change that says who made it, and of the spec when there is one."""
    change: dict[str, Any] = {"metadata": {"annotations": {CHANGED_BY_ANNOTATION: value}}}
    return {**change, "spec": spec} if spec else change


def all_attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    yield from _approvals()
    yield from _approvals_changed()
    yield from _statuses()
    yield from _rights()
    yield from _kinds()
    yield from _authors()
    yield from _workloads()
    yield from _children()
    yield from _reports()
    yield from _attestations()
    yield from _attested()
    yield from _producers()


def _approvals() -> Iterator[Attempt]:
    mine, other, verb = "spec.approver is", desk.approval, "may not approve"
    yield create("approver in another's name", "amir", other("a", approver="rosa"), policy("approvals", mine))
    yield create("approver's own name in capitals", "amir", other("a", approver="Amir"), policy("approvals", mine))
    yield create("approver's name with a blank", "amir", other("a", approver="amir "), policy("approvals", mine))
    yield create("cluster-admin in another's name", "carla", other("a", approver="amir"), policy("approvals", mine))
    yield create("system:masters in another's name", MASTER, other("a", approver="amir"), policy("approvals", mine))
    yield create("service account in a person's name", CI, other("a", approver="amir"), policy("approvals", mine))
    yield create("replay of another's approval", "bo", other("b", approver="amir"), policy("approvals", mine))
    unnamed = other("a", approver="amir")
    unnamed["metadata"] = {"generateName": "a-", "namespace": DESK}
    yield create("another's name, name generated", "bo", unnamed, policy("approvals", mine))
    args = ("apply", "--server-side", "-f", "-")
    yield Attempt("another's name by apply", "bo", args, policy("approvals", mine), other("a", approver="amir"))
    yield create("risk approves", "rosa", other("a", approver="rosa"), policy("approvals", verb))
    warning = other("a", approver="rosa", type="Acknowledgement", check="fills")
    yield create("risk acknowledges", "rosa", warning, policy("approvals", verb))
    yield create("may create, has no verb", "faye", other("a", approver="faye"), policy("approvals", verb))
    yield create("verb for another gate", "nora", other("a", approver="nora"), policy("approvals", verb))
    glass = desk.break_glass
    yield create(
        "approver breaks glass", "amir", glass("a", approver="amir"), policy("approvals", "may not breakglass")
    )
    yield create(
        "glass of another gate", "nora", glass("a", approver="nora"), policy("approvals", "may not breakglass")
    )
    yield create("glass in risk's name", "amir", glass("a", approver="rosa"), policy("approvals", mine))
    yield create(
        "operator approves", OPERATOR, other("a", approver=OPERATOR), policy("approvals", "the operator neither")
    )
    yield create("trader approves", "tara", other("a", approver="tara"), RIGHTS)
    yield create("trader breaks glass", "tara", glass("a", approver="tara"), RIGHTS)
    yield create("viewer approves", "vera", other("a", approver="vera"), RIGHTS)
    elsewhere = other("a", approver="amir", namespace="other")
    yield create("approver in another namespace", "amir", elsewhere, RIGHTS)
    posing = ("create", "-f", "-", "--as=amir", "--validate=false")
    yield Attempt("trader as the approver", "tara", posing, "cannot impersonate", other("a", approver="amir"))


def _approvals_changed() -> Iterator[Attempt]:
    for field, value in {
        "digest": OTHER_DIGEST, "approver": "bo", "type": "BreakGlass", "validSeconds": 2_592_000,
        "gateRef": {"name": "other-to-live"}, "check": "fills", "reason": "something quite different",
    }.items():  # fmt: skip
        yield patch(f"approval's {field} changed", "amir", "papproval/yes", {"spec": {field: value}}, KIND)
    yield patch("cluster-admin changes the digest", "carla", "papproval/yes", {"spec": {"digest": OTHER_DIGEST}}, KIND)
    replay = desk.approval("yes", approver="bo", digest=OTHER_DIGEST)
    yield Attempt("approval replaced as a whole", MASTER, ("replace", "-f", "-"), KIND, replay)
    label = {"metadata": {"labels": {"touched": "yes"}}}
    yield patch("operator labels an approval", OPERATOR, "papproval/yes", label, policy("approvals"))
    yield run("operator deletes an approval", OPERATOR, policy("approvals"), "delete", "papproval/yes")
    yield run("trader deletes an approval", "tara", RIGHTS, "delete", "papproval/yes")


def _statuses() -> Iterator[Attempt]:
    granted = {"status": {"grantedMode": "Live"}}
    passed = {"status": {"grant": GRANT, "level": 7}}
    counts = {"status": {"expiresTime": NOW, "observedGeneration": 1}}
    sub = "--subresource=status"
    for user, where in ((MASTER, "system:masters"), ("carla", "cluster-admin"), (NAMESAKE, "the operator's namesake")):
        yield patch(f"{where}: bot granted Live", user, "tbot/btc", granted, policy("status"), sub)
        yield patch(f"{where}: gate's grant", user, "pgate/btc-to-live", passed, policy("status"), sub)
        yield patch(f"{where}: approval counts", user, "papproval/yes", counts, policy("status"), sub)
        yield patch(f"{where}: desk's bots", user, "tdesk/demo", {"status": {"bots": 0}}, policy("status"), sub)
    write = '[{"op":"add","path":"/status","value":{"grantedMode":"Live"}}]'
    yield run("status by JSON patch", MASTER, policy("status"), "patch", "tbot/btc", "--type=json", "-p", write, sub)
    args = ("apply", "--server-side", "--force-conflicts", sub, "-f", "-")
    forged = {**desk.bot("btc"), **granted}
    yield Attempt("status by server-side apply", MASTER, args, policy("status"), forged)
    yield Attempt("status replaced", MASTER, ("replace", sub, "-f", "-"), policy("status"), forged)
    for user in ("tara", "amir", "rosa", "bo", CI):
        yield patch(f"{user.rsplit(':', 1)[-1]}: bot granted Live", user, "tbot/btc", granted, RIGHTS, sub)
        yield patch(f"{user.rsplit(':', 1)[-1]}: gate's grant", user, "pgate/btc-to-live", passed, RIGHTS, sub)


def _rights() -> Iterator[Attempt]:
    live = {"spec": {"mode": "Live", "gateRef": {"name": "btc-to-live"}}}
    for user in ("amir", "rosa", "vera"):
        yield patch(f"{user} asks for Live", user, "tbot/btc", live, RIGHTS)
    for user in ("tara", "amir", "bo", "vera"):
        yield create(f"{user} makes a gate", user, desk.gate("easy"), RIGHTS)
        yield patch(f"{user} loosens the gate", user, "pgate/btc-to-live", {"spec": {"minLevel": 3}}, RIGHTS)
        one = {"spec": {"promotion": {"twoPersons": False}}}
        yield patch(f"{user} takes two persons off the desk", user, "tdesk/demo", one, RIGHTS)
    yield patch("operator asks for Live", OPERATOR, "tbot/btc", live, RIGHTS)
    yield patch("operator loosens the gate", OPERATOR, "pgate/btc-to-live", {"spec": {"minLevel": 3}}, RIGHTS)
    yield run("trader reads the keys", "tara", RIGHTS, "get", "secret/keys")
    yield run("trader makes a token of the operator", "tara", RIGHTS, "create", "token", "aviary-operator")
    words = ("create", "rolebinding", "mine", "--clusterrole=aviary-approver", "--user=tara")
    yield run("trader takes the approver's role", "tara", RIGHTS, *words)
    yield Attempt("trader puts the policies out of force", "tara", ("delete", *_BINDING), RIGHTS)
    yield Attempt("operator puts the policies out of force", OPERATOR, ("delete", *_BINDING), RIGHTS)


_BINDING: Final = ("validatingadmissionpolicybinding", "aviary-system-aviary-status")


def _kinds() -> Iterator[Attempt]:
    yield patch("gate below the floor", "rosa", "pgate/btc-to-live", {"spec": {"minLevel": 0}}, KIND)
    nobody = {"spec": {"approvals": {"required": 0}}}
    yield patch("gate without approvals", "rosa", "pgate/btc-to-live", nobody, KIND)
    yield patch("gate turned to another bot", "rosa", "pgate/btc-to-live", {"spec": {"botRef": {"name": "eth"}}}, KIND)
    yield patch("gate turned to another step", "rosa", "pgate/btc-to-live", {"spec": {"from": "Live"}}, KIND)
    live = annotated("tara", mode="Live")
    yield patch("Live without a gate", "tara", "tbot/btc", live, KIND)
    longer = desk.approval("a", approver="rosa", type="BreakGlass", validSeconds=86_400)
    yield create("glass broken for a day", "rosa", longer, KIND)


def _authors() -> Iterator[Attempt]:
    changed, two, either = policy("changed-by"), policy("two-persons"), policy("(changed-by|two-persons)")
    retuned: dict[str, Any] = {"capital": {"totalAmountQuote": "999"}}
    yield patch("second author under the first's name", "bo", "tbot/btc", {"spec": retuned}, either)
    yield patch("the other in my name", "bo", "tbot/btc", annotated("amir", **retuned), either)
    yield patch("cluster-admin under the trader's name", "carla", "tbot/btc", {"spec": retuned}, either)
    yield patch("system:masters under the trader's name", MASTER, "tbot/btc", {"spec": retuned}, either)
    yield patch("service account under the trader's name", CI, "tbot/btc", {"spec": retuned}, either)
    yield patch("a change by nobody", "bo", "tbot/btc", annotated(None, **retuned), two)
    yield patch("a change by the empty name", "bo", "tbot/btc", annotated("", **retuned), two)
    yield patch("the author put off afterwards", "tara", "tbot/btc", annotated(None), two)
    yield patch("the author passed on afterwards", "tara", "tbot/btc", annotated("bo"), either)
    yield patch("the author taken over afterwards", "bo", "tbot/btc", annotated("bo"), either)
    yield patch("off the desk by nobody", "bo", "tbot/btc", annotated(None, deskRef={"name": "solo"}), two)
    yield patch("off any desk by nobody", "bo", "tbot/btc", annotated(None, deskRef=None), two)
    yield patch("onto the desk by nobody", "bo", "tbot/eth", {"spec": {"deskRef": {"name": "demo"}}}, two)
    yield create("made by nobody", "tara", desk.bot("new"), two)
    yield create("made in another's name", "tara", desk.bot("new", changed_by="bo"), either)
    yield create(
        "made in another's name where nobody asks", "tara", desk.bot("new", desk="solo", changed_by="bo"), changed
    )
    yield create(
        "made in another's name without a desk", "tara", desk.bot("new", desk="none", changed_by="bo"), changed
    )
    yield patch("a name afterwards where nobody asks", "bo", "tbot/eth", annotated("bo"), changed)
    yield Attempt("replaced under the first's name", "bo", ("replace", "-f", "-"), either,
                  desk.bot("btc", changed_by="tara", **retuned))  # fmt: skip
    args = ("apply", "--server-side", "--force-conflicts", "--field-manager=bo", "-f", "-")
    forged = {"apiVersion": "aviary.trading/v1alpha1", "kind": "TradingBot",
              "metadata": {"name": "btc", "namespace": DESK}, "spec": retuned}  # fmt: skip
    yield Attempt("applied beside the first's name", "bo", args, either, forged)
    yield Attempt("applied without a name", "bo", ("apply", "-f", "-"), either, desk.bot("btc", **retuned))


def _workloads() -> Iterator[Attempt]:
    by = policy("live-workloads", "template of")
    kinds = (
        "StatefulSet",
        "Deployment",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob",
        "PodTemplate",
        "ReplicationController",
    )
    for kind in kinds:
        yield create(f"{kind} with a Live template", "carla", desk.workload(kind, "mine", "Live"), by)
    yield create("StatefulSet with a Testnet template", MASTER, desk.workload("StatefulSet", "mine", "Testnet"), by)
    to_live = {"spec": {"template": {"metadata": {"labels": {MODE_LABEL: "Live"}}}}}
    yield patch("paper StatefulSet becomes Live", "carla", "statefulset/eth", to_live, by)
    to_paper = {"spec": {"template": {"metadata": {"labels": {MODE_LABEL: "Paper"}}}}}
    yield patch("Live StatefulSet passes for paper", "carla", "statefulset/btc", to_paper, by)
    yield run("image of the Live StatefulSet", MASTER, by, "set", "image", "statefulset/btc", "bot=evil:1")
    yield patch("two of the Live StatefulSet", MASTER, "statefulset/btc", {"spec": {"replicas": 2}}, by)
    scaled = policy("live-workloads", "is not scaled")
    yield run("Live bot scaled", MASTER, scaled, "scale", "statefulset/btc", "--replicas=2")
    yield run("paper bot scaled", "carla", scaled, "scale", "statefulset/eth", "--replicas=2")
    yield run("trader edits the StatefulSet", "tara", RIGHTS, "set", "image", "statefulset/btc", "bot=evil:1")


def _children() -> Iterator[Attempt]:
    by = policy("live-children", "only the operator makes and changes it")
    label = {"metadata": {"labels": {MODE_LABEL: "Live"}}}
    yield create("Live pod", "carla", desk.pod("mine", "Live"), by)
    yield create("Testnet pod", MASTER, desk.pod("mine", "Testnet"), by)
    yield create("Live pod by the kubelet", KUBELET, desk.pod("mine", "Live"), f"{by}|{RIGHTS}")
    yield create("Live pod by another controller", account("kube-system", "replicaset-controller"),
                 desk.pod("mine", "Live"), by)  # fmt: skip
    yield patch("paper pod becomes Live", "carla", "pod/eth-0", label, by)
    yield run("Live pod passes for paper", "carla", by, "label", "--overwrite", "pod/btc-0", f"{MODE_LABEL}=Paper")
    yield run("Live pod without a mode", "carla", by, "label", "pod/btc-0", f"{MODE_LABEL}-")
    yield run("Live pod of another bot", MASTER, by, "label", "--overwrite", "pod/btc-0", "aviary.trading/bot=eth")
    image = {"spec": {"containers": [{"name": "bot", "image": "evil:1"}]}}
    yield run("image of the Live pod", MASTER, by, "patch", "pod/btc-0", "-p", json.dumps(image))
    spy = ("debug", "btc-0", "--image=spy:1", "-c", "spy", "--profile=general", "--attach=false")
    yield run("debug container in the Live pod", MASTER, by, *spy)
    more = {"spec": {"containers": [{"name": "bot", "resources": {"requests": {"cpu": "200m"}}}]}}
    resize = ("patch", "pod/btc-0", "--subresource=resize", "-p", json.dumps(more))
    yield run("Live pod resized", MASTER, by, *resize)
    revision = {"metadata": {"annotations": {"aviary.trading/boot-revision": "sha256:forged"}}}
    yield patch("Live pod with a forged revision", MASTER, "pod/btc-0", revision, by)
    yield patch("Live pod taken off its owner", "carla", "pod/btc-0", {"metadata": {"ownerReferences": None}}, by)
    data = {"data": {"bot.json": '{"totalAmountQuote": "999999"}'}}
    yield patch("configuration of a Live bot", "carla", "configmap/btc", data, by)
    yield patch("configuration by the trader", "tara", "configmap/btc", data, by)
    yield create("configuration forged as Live", "tara", desk.config_map("mine", "Live"), by)


def _reports() -> Iterator[Attempt]:
    state = {"name": "bot", "image": "good:1", "imageID": "sha256:good", "ready": True, "restartCount": 0}
    image = {"status": {"containerStatuses": [state]}}
    for pod in ("btc-0", "eth-0"):
        yield patch(
            f"forged image of {pod}", "carla", f"pod/{pod}", image, policy("bot-reports"), "--subresource=status"
        )
    revision = {
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 99, "data": {"spec": {}},
        "metadata": {"name": "btc-99", "namespace": DESK, "labels": {"aviary.trading/bot": "btc"}},
    }  # fmt: skip
    yield create("forged revision of a StatefulSet", "carla", revision, policy("bot-reports"))


def _attestations() -> Iterator[Attempt]:
    """Reports that somebody would like to be believed."""
    by, made = policy("attestations", "may not attest"), desk.report_map
    for user in ("tara", "bo", "nils", "edna", CI, OPERATOR):
        yield create(f"{user.rsplit(':', 1)[-1]} forges a report", user, made("forged"), by)
    for user in ("amir", "rosa", "vera"):
        yield create(f"{user} forges a report", user, made("forged"), RIGHTS)
    yield create("forged report with another value", "tara", made("forged", label="True"), by)
    unnamed = made("forged")
    unnamed["metadata"] |= {"generateName": "forged-", "name": None}
    yield create("forged report, name generated", "tara", unnamed, by)
    server = ("apply", "--server-side", "-f", "-")
    yield Attempt("forged report by apply", "tara", ("apply", "-f", "-"), by, made("forged"))
    yield Attempt("forged report by server-side apply", "tara", server, by, made("forged"))
    yield create("producer attests where they only trade", "prue", made("forged", namespace="other"), by)
    yield create("producer attests where they have no role", "prue", made("forged", namespace="default"), RIGHTS)
    posing = ("create", "-f", "-", "--as=prue", "--validate=false")
    yield Attempt("trader as the producer", "tara", posing, "cannot impersonate", made("forged"))
    yield run("own ConfigMap labelled", "tara", by, "label", "configmap/mine", f"{REPORT_LABEL}=true")
    label = {"metadata": {"labels": {REPORT_LABEL: "true"}}}
    yield patch("own ConfigMap labelled by patch", "tara", "configmap/mine", label, by)
    path = "/metadata/labels/" + REPORT_LABEL.replace("/", "~1")
    write = json.dumps([{"op": "add", "path": path, "value": "true"}])
    yield run("own ConfigMap labelled by JSON patch", "tara", by, "patch", "cm/mine", "--type=json", "-p", write)
    yield Attempt("own ConfigMap labelled by replace", "tara", ("replace", "-f", "-"), by, made("mine"))
    other = ("--force-conflicts", "--field-manager=tara")
    yield Attempt("own ConfigMap labelled by server-side apply", "tara", (*server, *other), by, made("mine"))


def _attested() -> Iterator[Attempt]:
    """Reports of a producer that somebody would like to be otherwise, or gone."""
    by, made = policy("attestations", "may not attest"), desk.report_map
    target, forged = "configmap/review", {"data": {"report.json": '{"result": "Pass", "values": {"pnl": "9"}}'}}
    for user in ("tara", "edna", "nils", OPERATOR, COLLECTOR):
        yield patch(f"{user.rsplit(':', 1)[-1]} edits a report", user, target, forged, by)
    yield patch("report with binary data", "tara", target, {"binaryData": {"more": "AA=="}}, by)
    yield patch("report of no more keys", "tara", target, {"data": None}, by)
    yield patch("report for ever", "tara", target, {"immutable": True}, by)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "mine", "uid": "u"}
    yield patch("report of another owner", "tara", target, {"metadata": {"ownerReferences": [owner]}}, by)
    yield run("report without its label", "tara", by, "label", target, f"{REPORT_LABEL}-")
    yield run("report with another value", "tara", by, "label", "--overwrite", target, f"{REPORT_LABEL}=false")
    yield run("report annotated", "tara", by, "annotate", target, "seen=yes")
    unlabelled = made("review", label=None) | forged
    yield Attempt("report replaced by one without label", "tara", ("replace", "-f", "-"), by, unlabelled)
    yield Attempt("report replaced by force", "tara", ("replace", "--force", "-f", "-"), by, made("review") | forged)
    server = ("apply", "--server-side", "-f", "-")
    beside = ("--force-conflicts", "--field-manager=tara")
    more = unlabelled | {"data": {"more.json": "{}"}}
    yield Attempt("report applied beside its producer", "tara", (*server, "--field-manager=tara"), by, more)
    yield Attempt("report taken over", "tara", (*server, *beside), by, unlabelled)
    yield Attempt("report applied under its producer's manager", "tara", server, by, unlabelled)
    yield patch("operator takes over and keeps the label", OPERATOR, target, {"immutable": True}, by)
    yield run("trader deletes a report", "tara", by, "delete", target)
    yield run("edit deletes a report", "edna", by, "delete", target)
    every = f"/api/v1/namespaces/{DESK}/configmaps?labelSelector=aviary.trading%2Freport"
    yield Attempt("edit deletes all reports at once", "edna", ("delete", "--raw", every), by)


def _producers() -> Iterator[Attempt]:
    """A producer says what it found and decides nothing."""
    yield create("producer makes a gate", "prue", desk.gate("easy"), RIGHTS)
    yield create("producer makes a bot", "prue", desk.bot("new"), RIGHTS)
    yield create("producer approves", "prue", desk.approval("a", approver="prue"), RIGHTS)
    yield create("producer breaks glass", "prue", desk.break_glass("a", approver="prue"), RIGHTS)
    granted = {"status": {"grant": GRANT, "level": 7}}
    yield patch("producer writes a grant", "prue", "pgate/btc-to-live", granted, RIGHTS, "--subresource=status")
