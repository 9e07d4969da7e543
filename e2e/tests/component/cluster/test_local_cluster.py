"""A running local cluster of two nodes: what pods, volumes, images and faults do on it."""

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.errors import ClusterError
from aviary_cluster.local import LocalCluster
from aviary_cluster.oci_image import ImagePlan, build_image
from aviary_cluster.provider import Faults
from aviary_cluster.runtime_packages import ensure_runtime

from .conftest import Kubectl

WaitFor = Callable[..., None]
SHELL = "aviary.local/shell:1"

RESTRICTED_POD = """
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, labels: {app: %(name)s}}
spec:
  nodeName: %(node)s
  terminationGracePeriodSeconds: 0
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: shell
      image: aviary.local/shell:1
      command: [sh, -c, "echo started; while true; do nc -l -p 8080 -e cat /etc/hostname; done"]
      ports: [{name: http, containerPort: 8080}]
      securityContext:
        {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
"""

STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: keeper}
spec:
  serviceName: keeper
  selector: {matchLabels: {app: keeper}}
  template:
    metadata: {labels: {app: keeper}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: shell
          image: aviary.local/shell:1
          command: [sh, -c, "echo life >> /data/lives; sleep 100000"]
          readinessProbe: {exec: {command: [cat, /data/lives]}, periodSeconds: 1}
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
"""


def make_pod(kubectl: Kubectl, name: str, node: str) -> str:
    """Start a pod and return its address."""
    kubectl.ok("apply", "-f", "-", stdin=RESTRICTED_POD % {"name": name, "node": node})
    kubectl.ok("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    return str(kubectl.json("get", "pod", name)["status"]["podIP"])


def answers(kubectl: Kubectl, source: str, target: str, port: int = 8080) -> bool:
    """Whether a pod reaches an address (with `nc`, which ends by itself)."""
    run = kubectl("exec", source, "--", "sh", "-c", f"nc -w 1 {target} {port} </dev/null | grep -q .")
    return run.returncode == 0


def is_ready(kubectl: Kubectl, node: str) -> bool:
    conditions = kubectl.json("get", "node", node)["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def test_both_nodes_are_ready_with_the_pinned_version(kubectl: Kubectl, local_cluster: LocalCluster) -> None:
    nodes = kubectl.json("get", "nodes")["items"]
    assert {n["metadata"]["name"]: n["status"]["nodeInfo"]["kubeletVersion"] for n in nodes} == {
        "node1": "v1.34.4",
        "node2": "v1.34.4",
    }
    assert local_cluster.status().nodes == (("node1", True), ("node2", True))


def test_restricted_pods_reach_each_other_across_nodes_and_by_service_name(kubectl: Kubectl, wait_for: WaitFor) -> None:
    make_pod(kubectl, "near", "node1")
    address = make_pod(kubectl, "far", "node2")
    assert answers(kubectl, "near", address)
    kubectl.ok("expose", "pod", "far", "--name=far", "--port=80", "--target-port=8080")
    wait_for(lambda: answers(kubectl, "near", "far.default.svc.cluster.local", 80), seconds=15, what="Service far")
    status = kubectl.ok("exec", "far", "--", "cat", "/proc/self/status")
    facts = {key: value.split() for key, _, value in (line.partition(":") for line in status.splitlines())}
    assert facts["CapEff"] == ["0000000000000000"]
    assert facts["NoNewPrivs"] == ["1"]
    assert facts["Seccomp"] == ["2"]
    assert facts["Uid"][0] == "10001"
    kubectl.ok("delete", "pod/near", "pod/far", "service/far", "--wait=false")


def test_a_new_volume_is_bound_in_seconds_keeps_its_data_over_the_pod_and_goes_with_its_claim(
    local_cluster: LocalCluster, kubectl: Kubectl, wait_for: WaitFor
) -> None:
    kubectl.ok("apply", "-f", "-", stdin=STATEFUL)
    kubectl.ok("rollout", "status", "statefulset/keeper", "--timeout=30s")
    node = kubectl.json("get", "pod", "keeper-0")["spec"]["nodeName"]
    volume = kubectl.json("get", "pvc", "data-keeper-0")["spec"]["volumeName"]
    folder = local_cluster.state / node / "lib" / "volumes" / volume
    assert (folder / "lives").read_text() == "life\n", "the data is on the pod's own node"
    kubectl.ok("delete", "pod", "keeper-0")

    def lived_twice() -> bool:
        return kubectl("exec", "keeper-0", "--", "cat", "/data/lives").stdout.split() == ["life", "life"]

    wait_for(lived_twice, seconds=30, what="the second pod sees the first one's line")
    kubectl.ok("delete", "statefulset/keeper", "pvc/data-keeper-0")
    wait_for(lambda: not folder.exists(), seconds=30, what="the volume's folder is gone with its claim")


def test_pods_see_policies_admission_denies_privileges_in_a_restricted_namespace(kubectl: Kubectl) -> None:
    kubectl.ok("create", "namespace", "restricted")
    kubectl.ok("label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted")
    refused = kubectl("-n", "restricted", "run", "bad", f"--image={SHELL}", "--privileged")
    assert "violates PodSecurity" in refused.stderr


def write_archive(folder: Path, name: str, marker: str) -> Path:
    busybox = ensure_runtime().busybox
    (folder / "marker").write_text(marker)
    plan = ImagePlan(
        name=name,
        arch="amd64",
        files={"/bin/busybox": busybox, "/marker": folder / "marker"},
        links={"/bin/cat": "busybox"},
        command=["/bin/cat", "/marker"],
    )
    archive = folder / f"{marker}.tar"
    archive.write_bytes(build_image(plan))
    return archive


def test_an_image_is_imported_once_per_content_and_runs_on_every_node(
    local_cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "aviary.local/marked:1"
    local_cluster.load_image(write_archive(tmp_path, name, "first"))
    for node in ("node1", "node2"):
        overrides = json.dumps({"spec": {"nodeName": node}})
        arguments = (f"--image={name}", "--restart=Never", f"--overrides={overrides}")
        kubectl.ok("run", f"marked-{node}", *arguments)
        kubectl.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/marked-{node}", "--timeout=30s")
        assert kubectl.ok("logs", f"marked-{node}") == "first"
    capfd.readouterr()
    local_cluster.load_image(tmp_path / "first.tar")
    assert capfd.readouterr().err.count("has first.tar already") == 2
    # The same name with other content is another image.
    local_cluster.load_image(write_archive(tmp_path, name, "second"))
    assert run_to_end(kubectl, "marked-again", name) == "second"
    capfd.readouterr()
    local_cluster.load_image(tmp_path / "first.tar")
    assert capfd.readouterr().err.count("has first.tar already") == 2, "going back to a build needs no import"
    assert run_to_end(kubectl, "marked-back", name) == "first"
    kubectl.ok("delete", "pod", "marked-node1", "marked-node2", "marked-again", "marked-back", "--wait=false")


def run_to_end(kubectl: Kubectl, pod: str, image: str) -> str:
    """Run a pod until it ends and return its log."""
    kubectl.ok("run", pod, f"--image={image}", "--restart=Never")
    kubectl.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{pod}", "--timeout=30s")
    return kubectl.ok("logs", pod)


def test_an_image_runs_by_its_digest_alone(local_cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path) -> None:
    archive = write_archive(tmp_path, "aviary.local/pinned:1", "pinned")
    local_cluster.load_image(archive)
    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        digest = json.loads(index.read())["manifests"][0]["digest"]
    reference = f"aviary.local/pinned@{digest}"
    assert run_to_end(kubectl, "by-digest", reference) == "pinned"
    [container] = kubectl.json("get", "pod", "by-digest")["status"]["containerStatuses"]
    assert container["imageID"] == reference
    kubectl.ok("delete", "pod", "by-digest", "--wait=false")


def test_a_file_that_is_no_image_is_refused_by_name(local_cluster: LocalCluster, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.tar"
    nothing.write_bytes(b"not a tar")
    with pytest.raises(ClusterError, match=r"cannot load .*nothing\.tar"):
        local_cluster.load_image(nothing)


def test_the_api_server_stops_and_comes_back_while_pods_run_on(local_cluster: LocalCluster, kubectl: Kubectl) -> None:
    assert isinstance(local_cluster, Faults)
    make_pod(kubectl, "steady", "node2")
    local_cluster.stop_apiserver()
    assert kubectl("get", "nodes", "--request-timeout=2s").returncode != 0
    local_cluster.start_apiserver()
    statuses = kubectl.json("get", "pod", "steady")["status"]["containerStatuses"]
    assert [(s["ready"], s["restartCount"]) for s in statuses] == [(True, 0)]
    kubectl.ok("delete", "pod", "steady", "--wait=false")


def test_a_cut_node_is_not_ready_until_mended_and_its_pods_run_on(
    local_cluster: LocalCluster, kubectl: Kubectl, wait_for: WaitFor
) -> None:
    make_pod(kubectl, "cut-off", "node2")
    local_cluster.cut_node(2)
    wait_for(lambda: not is_ready(kubectl, "node2"), seconds=30, what="node2 NotReady")
    local_cluster.mend_node(2)
    assert is_ready(kubectl, "node2")
    statuses = kubectl.json("get", "pod", "cut-off")["status"]["containerStatuses"]
    assert [s["restartCount"] for s in statuses] == [0]
    kubectl.ok("delete", "pod", "cut-off", "--wait=false")


def test_a_killed_node_is_not_ready_and_comes_back_with_its_pods_restarted(
    local_cluster: LocalCluster, kubectl: Kubectl, wait_for: WaitFor
) -> None:
    make_pod(kubectl, "survivor", "node2")
    local_cluster.kill_node(2)
    with pytest.raises(ClusterError, match=r"node 2 is not running; `node-mend 2`"):
        local_cluster.cut_node(2)
    wait_for(lambda: not is_ready(kubectl, "node2"), seconds=30, what="node2 NotReady")
    assert not local_cluster.status().ready
    local_cluster.mend_node(2)

    def restarted() -> bool:
        statuses = kubectl.json("get", "pod", "survivor")["status"].get("containerStatuses", [])
        return [(s["ready"], s["restartCount"]) for s in statuses] == [(True, 1)]

    wait_for(restarted, seconds=60, what="the pod runs again after one restart")
    assert local_cluster.status().ready
    kubectl.ok("delete", "pod", "survivor", "--wait=false")


def test_logs_of_daemons_and_pods_are_collected(local_cluster: LocalCluster, kubectl: Kubectl, tmp_path: Path) -> None:
    make_pod(kubectl, "talker", "node2")
    local_cluster.collect_logs(tmp_path)
    assert (tmp_path / "node1" / "kube-apiserver.log").stat().st_size > 0
    assert (tmp_path / "node2" / "kubelet.log").stat().st_size > 0
    said = [log.read_text() for log in (tmp_path / "node2" / "pods").glob("default_talker_*/shell/*.log")]
    assert len(said) == 1
    assert "started" in said[0]
    kubectl.ok("delete", "pod", "talker", "--wait=false")


def test_this_machine_reaches_pods_and_services(
    local_cluster: LocalCluster, kubectl: Kubectl, slot_plan: AddressPlan
) -> None:
    address = make_pod(kubectl, "reached", "node2")
    assert local_cluster.plan == slot_plan
    probe = ["bash", "-c", f"exec 3<>/dev/tcp/{address}/8080; cat <&3"]
    run = subprocess.run(probe, capture_output=True, text=True, timeout=10, check=False)
    assert run.stdout.strip() == "reached"
    kubectl.ok("delete", "pod", "reached", "--wait=false")
