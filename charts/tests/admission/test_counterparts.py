"""What the policies are not in the way of: everybody does what is theirs to do, and a cluster's own parts go on."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from aviary_crds.labels import CHANGED_BY_ANNOTATION, REPORT_LABEL
from aviary_crds.v1alpha1.gatestatus import PromotionGateStatus
from aviary_crds.v1alpha1.promotionapproval import PromotionApprovalStatus
from aviary_crds.v1alpha1.tradingbot import TradingBotStatus
from aviary_crds.v1alpha1.tradingdesk import TradingDeskStatus

from charts.tests.admission import desk
from charts.tests.admission.attempts import annotated
from charts.tests.admission.desk import DESK, Manifest
from charts.tests.admission.guarded import COLLECTOR, KUBELET, MASTER, OPERATOR, STATEFUL_SETS, Guarded, account

CI = account(DESK, "ci")
STATUSES = {
    "TradingBot/btc": TradingBotStatus(observed_generation=1),
    "TradingDesk/demo": TradingDeskStatus(observed_generation=1),
    "PromotionGate/btc-to-live": PromotionGateStatus(observed_generation=1),
    "PromotionApproval/yes": PromotionApprovalStatus(observed_generation=1),
}


def _get(cluster: Guarded, target: str) -> Manifest:
    found: Manifest = json.loads(cluster.must(MASTER, "get", target, "-n", DESK, "-o", "json"))
    return found


def _patch(cluster: Guarded, user: str, target: str, change: Manifest, *more: str) -> None:
    cluster.must(user, "patch", target, "-n", DESK, "--type=merge", "-p", json.dumps(change), *more)


@pytest.mark.parametrize("target", STATUSES)
def test_the_operator_writes_every_status(guarded: Guarded, target: str) -> None:
    kind, name = target.split("/")
    head = {"apiVersion": "aviary.trading/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": DESK}}
    body = json.dumps({**head, "status": STATUSES[target].model_dump(mode="json", by_alias=True, exclude_none=True)})
    args = ("apply", "--server-side", "--force-conflicts", "--subresource=status", "-f", "-")
    guarded.must(OPERATOR, *args, stdin=body)
    assert _get(guarded, target)["status"]["observedGeneration"] == 1


def test_a_status_that_comes_with_a_new_object_is_nothing(guarded: Guarded) -> None:
    made = desk.gate("claims") | {"status": {"level": 7}}
    assert "status" not in guarded.create("rosa", made)
    approval = desk.approval("claims", approver="amir") | {"status": {"observedGeneration": 5}}
    assert "status" not in guarded.create("amir", approval)


@pytest.mark.parametrize("user", ["amir", "bo", CI])
def test_whoever_may_approve_approves_in_their_own_name(guarded: Guarded, user: str) -> None:
    name = f"own-{user.rsplit(':', 1)[-1]}"
    assert guarded.create(user, desk.approval(name, approver=user))["spec"]["approver"] == user
    warning = desk.approval(f"{name}-seen", approver=user, type="Acknowledgement", check="fills")
    apply = ("apply", "--server-side", "-f", "-")
    guarded.must(user, *apply, stdin=json.dumps(warning))
    guarded.must(user, *apply, stdin=json.dumps(warning))
    _patch(guarded, user, f"papproval/{name}", {"metadata": {"labels": {"ticket": "42"}}})
    guarded.must(user, "delete", f"papproval/{name}", "-n", DESK)


def test_risk_breaks_glass_and_withdraws(guarded: Guarded) -> None:
    guarded.create("rosa", desk.break_glass("glass", approver="rosa"))
    guarded.must("rosa", "delete", "papproval/glass", "-n", DESK)


def test_a_verb_for_one_gate_is_enough_for_that_gate(guarded: Guarded) -> None:
    guarded.create("nora", desk.approval("one-gate", approver="nora", gateRef={"name": "other-to-live"}))


def test_risk_writes_gates_and_desks(guarded: Guarded) -> None:
    guarded.create("rosa", desk.gate("strict"))
    _patch(guarded, "rosa", "pgate/strict", {"spec": {"minLevel": 4, "suspend": True}})
    guarded.must("rosa", "delete", "pgate/strict", "-n", DESK)
    _patch(guarded, "rosa", "tdesk/solo", {"spec": {"ceilings": {"maxLiveBots": 0}}})


def test_a_change_names_whoever_makes_it(guarded: Guarded) -> None:
    guarded.create("tara", desk.bot("shared", changed_by="tara"))
    for user in ("bo", CI, "carla", MASTER, "tara"):
        amount = {"totalAmountQuote": str(100 + len(user))}
        _patch(guarded, user, "tbot/shared", annotated(user, capital=amount))
        assert _get(guarded, "tbot/shared")["metadata"]["annotations"][CHANGED_BY_ANNOTATION] == user
    _patch(guarded, "tara", "tbot/shared", annotated("tara", deskRef={"name": "solo"}))


def test_what_is_no_change_of_the_spec_leaves_the_author(guarded: Guarded) -> None:
    guarded.create("tara", desk.bot("noted", changed_by="tara"))
    note = {"metadata": {"annotations": {"aviary.trading/approve-restart": "sha256:x"}, "labels": {"team": "a"}}}
    _patch(guarded, "bo", "tbot/noted", note)
    same = {"spec": {"capital": {"totalAmountQuote": "1000"}}}
    _patch(guarded, "bo", "tbot/noted", same)
    guarded.must("bo", "delete", "tbot/noted", "-n", DESK)


def test_a_desk_of_one_person_asks_for_no_name(guarded: Guarded) -> None:
    guarded.create("tara", desk.bot("alone", desk="solo"))
    _patch(guarded, "bo", "tbot/alone", {"spec": {"capital": {"totalAmountQuote": "7"}}})
    _patch(guarded, "bo", "tbot/alone", annotated("bo", capital={"totalAmountQuote": "8"}))
    _patch(guarded, "tara", "tbot/alone", annotated(None, capital={"totalAmountQuote": "9"}))


def test_the_command_in_the_refusal_works_as_it_is(guarded: Guarded, tmp_path: Path) -> None:
    guarded.create("tara", desk.bot("taught", changed_by="tara"))
    file = tmp_path / "bot.json"
    file.write_text(json.dumps(desk.bot("taught", capital={"totalAmountQuote": "77"})))
    refused = guarded.run("bo", "apply", "-f", str(file)).stderr
    command = re.search(r"kubectl annotate .* kubectl apply -f -", refused)
    assert command, refused
    words = command.group().replace("FILE", str(file)).replace("kubectl ", f"{guarded.kubectl} ")
    environment = {"KUBECONFIG": str(guarded.kubeconfig("bo")), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    stored = _get(guarded, "tbot/taught")
    assert stored["spec"]["capital"]["totalAmountQuote"] == "77"
    assert stored["metadata"]["annotations"][CHANGED_BY_ANNOTATION] == "bo"


def test_a_live_pod_is_made_run_and_collected(guarded: Guarded) -> None:
    workload = guarded.create(OPERATOR, desk.workload("StatefulSet", "run", "Live"))
    guarded.create(STATEFUL_SETS, desk.pod("run-0", "Live", owner=workload) | {"spec": _on_node()})
    image = {"name": "bot", "image": "a:1", "imageID": "sha256:a", "ready": True, "restartCount": 0}
    running = {"status": {"phase": "Running", "containerStatuses": [image]}}
    path = f"/api/v1/namespaces/{DESK}/pods/run-0/status"  # a kubelet may write it and not read it
    guarded.must(KUBELET, "replace", "--raw", path, "-f", "-", stdin=json.dumps(_get(guarded, "pod/run-0") | running))
    condition = {"status": {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}}
    disrupted = ("--subresource=status", "-p", json.dumps(condition))
    guarded.must("carla", "patch", "pod/run-0", "-n", DESK, *disrupted)
    _patch(guarded, "carla", "pod/run-0", {"metadata": {"annotations": {"cni.example.org/address": "10.0.0.1"}}})
    _patch(guarded, COLLECTOR, "pod/run-0", {"metadata": {"ownerReferences": None}})
    guarded.must("carla", "delete", "pod/run-0", "-n", DESK, "--force", "--grace-period=0")
    _patch(guarded, COLLECTOR, "statefulset/run", {"metadata": {"finalizers": None}})
    guarded.must("carla", "delete", "statefulset/run", "-n", DESK, "--cascade=orphan", "--wait=false")


def _on_node() -> Manifest:
    return {"nodeName": "n1", "containers": [{"name": "bot", "image": "aviary.local/bot:0.1.0"}]}


def test_the_operator_changes_live_children(guarded: Guarded) -> None:
    config = desk.config_map("btc", "Live")
    config["data"]["bot.json"] = '{"round": 2}'
    args = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    guarded.must(OPERATOR, *args, stdin=json.dumps(config))
    guarded.must(OPERATOR, *args, stdin=json.dumps(desk.workload("StatefulSet", "btc", "Live")))


def test_children_on_paper_may_be_edited(guarded: Guarded) -> None:
    guarded.create(OPERATOR, desk.config_map("paper", "Paper"))
    _patch(guarded, "carla", "configmap/paper", {"data": {"bot.json": "{}"}})
    _patch(guarded, "carla", "statefulset/eth", {"spec": {"replicas": 2}})
    _patch(guarded, "carla", "pod/eth-0", {"metadata": {"labels": {"seen": "yes"}}})
    guarded.must("carla", "set", "image", "statefulset/eth", "bot=aviary.local/bot:0.2.0", "-n", DESK)


@pytest.mark.parametrize("user", ["prue", "carla", MASTER])
def test_whoever_may_attest_does_as_they_like_with_reports(guarded: Guarded, user: str) -> None:
    name = f"own-{user}"
    guarded.create(user, desk.report_map(name))
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    changed = desk.report_map(name) | {"data": {"report.json": '{"result": "Fail"}'}}
    guarded.must(user, *apply, stdin=json.dumps(changed))
    assert _get(guarded, f"cm/{name}")["data"] == changed["data"]
    guarded.must(user, "label", f"cm/{name}", "-n", DESK, f"{REPORT_LABEL}-")
    guarded.must(user, "label", f"cm/{name}", "-n", DESK, f"{REPORT_LABEL}=true")
    guarded.must(user, "delete", f"cm/{name}", "-n", DESK)
    unnamed = desk.report_map(name)
    unnamed["metadata"] |= {"generateName": f"{name}-", "name": None}
    made = guarded.create(user, unnamed)["metadata"]["name"]
    guarded.must(user, "delete", f"cm/{made}", "-n", DESK)


def test_config_maps_without_the_label_are_the_traders_own(guarded: Guarded) -> None:
    code = desk.report_map("code", label=None)
    guarded.create("tara", code)
    _patch(guarded, "tara", "cm/code", {"data": {"mine.py": "pass"}, "metadata": {"labels": {"team": "a"}}})
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=bo", "-f", "-")
    guarded.must("bo", *apply, stdin=json.dumps(code | {"data": {"report.json": "{}"}}))
    guarded.must("bo", "label", "cm/code", "-n", DESK, "team-", "aviary.trading/reports=none")
    guarded.must("tara", "delete", "cm/code", "-n", DESK)


def test_a_report_goes_with_its_namespace_and_with_its_owner(guarded: Guarded) -> None:
    owner = guarded.create("prue", desk.report_map("owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    for user in (COLLECTOR, account("kube-system", "namespace-controller")):
        owned = desk.report_map("owned")
        owned["metadata"]["ownerReferences"] = [reference]
        guarded.create("prue", owned)
        if user == COLLECTOR:
            _patch(guarded, user, "cm/owned", {"metadata": {"ownerReferences": None}})
        guarded.must(user, "delete", "cm/owned", "-n", DESK, "--wait=false")
    guarded.must("prue", "delete", "cm/owner", "-n", DESK)


def test_the_operator_takes_the_label_off_what_is_its_own(guarded: Guarded) -> None:
    own = desk.config_map("labelled", "Paper")
    guarded.create(OPERATOR, own)
    guarded.must("prue", "label", "cm/labelled", "-n", DESK, f"{REPORT_LABEL}=true")
    guarded.must(OPERATOR, "replace", "-f", "-", stdin=json.dumps(own))
    assert REPORT_LABEL not in _get(guarded, "cm/labelled")["metadata"]["labels"]


def test_other_people_s_workloads_are_none_of_the_policies_business(guarded: Guarded) -> None:
    made = {"name": "web", "namespace": "other"}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    for kind in ("Deployment", "StatefulSet"):
        manifest = {"apiVersion": "apps/v1", "kind": kind, "metadata": made, "spec": spec}
        guarded.create("carla", manifest)
        guarded.must("carla", "scale", kind, "web", "-n", "other", "--replicas=3")
    guarded.create("carla", {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]})
    guarded.must("carla", "label", "pod/web", "-n", "other", "app=web", "aviary.trading/mode=Paper")
