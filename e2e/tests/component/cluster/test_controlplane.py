"""The control plane that component tests use: real, quick, several at once, gone afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from aviary_cluster.api_probe import ApiProbeError, probe_from_kubeconfig
from aviary_cluster.binaries import ensure, ensure_all
from aviary_cluster.controlplane import ControlPlane, run_control_plane
from aviary_cluster.daemon import is_running

WaitFor = Callable[..., None]

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.lab.aviary.trading}
spec:
  group: lab.aviary.trading
  names: {kind: Widget, plural: widgets, singular: widget}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {low: {type: integer, default: 1}, high: {type: integer}}
              x-kubernetes-validations:
                - {rule: self.low <= self.high, message: low must not be above high}
"""

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-secrets-called-key}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [secrets]}]
  validations: [{expression: object.metadata.name != 'key', message: keys do not live here}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-secrets-called-key}
spec: {policyName: no-secrets-called-key, validationActions: [Deny]}
"""


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(ensure("kubectl")), f"--kubeconfig={kubeconfig}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_two_control_planes_run_at_once_each_ready_in_under_ten_seconds(kube_apiserver: ControlPlane) -> None:
    ensure_all(("etcd", "kube-apiserver"))
    begin = time.monotonic()
    with run_control_plane() as second:
        took = time.monotonic() - begin
        assert second.server != kube_apiserver.server
        assert second.probe.is_ready()
        assert kube_apiserver.probe.is_ready()
    assert took < 10, f"ready after {took:.1f} s"


def test_api_server_reports_the_pinned_version_not_a_development_one(kube_apiserver: ControlPlane) -> None:
    assert kube_apiserver.probe.get_json("/version")["gitVersion"] == "v1.34.4"


def test_admission_policy_denies_with_its_message(kube_apiserver: ControlPlane, wait_for: WaitFor) -> None:
    applied = kubectl(kube_apiserver.kubeconfig, "apply", "-f", "-", stdin=POLICY)
    assert applied.returncode == 0, applied.stderr

    def denied() -> bool:
        refused = kubectl(kube_apiserver.kubeconfig, "create", "secret", "generic", "key", "--dry-run=server")
        return "keys do not live here" in refused.stderr

    wait_for(denied, seconds=20, what="the policy takes effect")


def test_crd_rules_are_evaluated_and_defaults_are_filled_in(kube_apiserver: ControlPlane) -> None:
    config = kube_apiserver.kubeconfig
    assert kubectl(config, "apply", "-f", "-", stdin=CRD).returncode == 0
    waited = kubectl(config, "wait", "--for=condition=Established", "crd/widgets.lab.aviary.trading")
    assert waited.returncode == 0, waited.stderr
    widget = "{apiVersion: lab.aviary.trading/v1, kind: Widget, metadata: {name: w}, spec: {high: %d}}"
    refused = kubectl(config, "apply", "-f", "-", stdin=widget % 0)
    assert "low must not be above high" in refused.stderr
    accepted = kubectl(config, "apply", "-f", "-", "-o", "json", stdin=widget % 5)
    assert json.loads(accepted.stdout)["spec"] == {"low": 1, "high": 5}


def test_rbac_refuses_a_user_until_a_role_binds_their_group(kube_apiserver: ControlPlane, wait_for: WaitFor) -> None:
    desk = probe_from_kubeconfig(kube_apiserver.kubeconfig_for("ann", ["desk:readers"]))
    with pytest.raises(ApiProbeError, match="cannot list resource"):
        desk.get_text("/api/v1/configmaps")
    for arguments in (
        ("clusterrole", "desk-reader", "--verb=list", "--resource=configmaps"),
        ("clusterrolebinding", "desk-readers", "--clusterrole=desk-reader", "--group=desk:readers"),
    ):
        created = kubectl(kube_apiserver.kubeconfig, "create", *arguments)
        assert created.returncode == 0, created.stderr

    def allowed() -> bool:
        try:
            return bool(desk.get_json("/api/v1/configmaps"))
        except ApiProbeError:
            return False

    wait_for(allowed, seconds=10, what="the binding takes effect")


def test_audit_log_names_who_did_what(kube_apiserver: ControlPlane, wait_for: WaitFor) -> None:
    kubectl(kube_apiserver.kubeconfig_for("eve"), "create", "namespace", "eves-own")

    def told() -> bool:
        events = [json.loads(line) for line in kube_apiserver.audit_log.read_text().splitlines()]
        return any(e["user"]["username"] == "eve" and e["responseStatus"]["code"] == 403 for e in events)

    wait_for(told, seconds=10, what="eve's refused request in the audit log")


def test_servers_end_with_the_process_that_started_them_even_by_sigkill(tmp_path: Path, wait_for: WaitFor) -> None:
    script = (
        "import pathlib, sys, time\n"
        "from aviary_cluster.controlplane import run_control_plane\n"
        "with run_control_plane(pathlib.Path(sys.argv[1])):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="utf-8").split()
        assert len(children) == 2
        os.kill(run.pid, signal.SIGKILL)
    for child in map(int, children):
        wait_for(partial(_ended, child), seconds=5, what=f"process {child} gone")


def _ended(pid: int) -> bool:
    return not is_running(pid)
