"""`up` and `down` of a local cluster: what they promise about time, repetition and cleanliness."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aviary_cluster.address_plan import AddressPlan
from aviary_cluster.errors import ClusterError
from aviary_cluster.host_network import fetch_routes
from aviary_cluster.local import LocalCluster
from aviary_cluster.runtime_packages import ensure_runtime
from aviary_cluster.traces import find_traces

WaitFor = Callable[..., None]
pytestmark = pytest.mark.usefixtures("needs_root")


@pytest.fixture
def cluster(tmp_path: Path, slot_plan: AddressPlan, cluster_store: Path) -> Iterator[LocalCluster]:
    made = LocalCluster(plan=slot_plan, state=tmp_path / "state", store=cluster_store)
    yield made
    made.down()


@pytest.fixture
def machine() -> Callable[[], dict[str, object]]:
    """Give a look at everything a cluster could leave: independent of what the product itself looks at."""

    def look() -> dict[str, object]:
        links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
        runtime = ensure_runtime()
        rules = subprocess.run(
            ["nft", "list", "ruleset"],
            env={**os.environ, "PATH": runtime.search_path, "LD_LIBRARY_PATH": runtime.library_path},
            capture_output=True,
            text=True,
            check=True,
        )
        settings = ("net/ipv4/ip_forward", "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic")
        return {
            "links": sorted(line.split()[0] for line in links.splitlines()),
            "routes": sorted(f"{route.destination} {route.device}" for route in fetch_routes()),
            "mounts": sorted(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
            "rules": rules.stdout,
            "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("*/aviary*")),
            "settings": {name: Path("/proc/sys", name).read_text() for name in settings},
            "host name": os.uname().nodename,
        }

    return look


def test_down_leaves_the_machine_as_it_was_and_up_finds_a_running_cluster(
    cluster: LocalCluster, machine: Callable[[], dict[str, object]]
) -> None:
    before = machine()
    cluster.up(nodes=1)
    assert cluster.status().ready
    assert cluster.status().nodes == (("node1", True),)
    assert find_traces(cluster.plan, cluster.state)
    first = cluster.kubeconfig().read_bytes()
    begin = time.monotonic()
    cluster.up(nodes=1)
    assert time.monotonic() - begin < 2
    assert cluster.kubeconfig().read_bytes() == first, "the second up made a new cluster"
    with pytest.raises(ClusterError, match="1 nodes is running, 2 were asked for"):
        cluster.up(nodes=2)
    cluster.down()
    assert find_traces(cluster.plan, cluster.state) == []
    assert machine() == before
    assert not cluster.status().running


def test_down_without_a_cluster_does_nothing(cluster: LocalCluster, machine: Callable[[], dict[str, object]]) -> None:
    before = machine()
    cluster.down()
    assert machine() == before


# Where `up` is when it is killed: the file that shows it got there.
MOMENTS = {
    "keys written": "pki/admin.kubeconfig",
    "node described, its process about to start": "node1/spec.json",
    "node starting": "node1/init.log",
    "node's own mounts made": "node1/events.log",
    "API server started": "node1/kube-apiserver.log",
    "kubelet started": "node1/kubelet.log",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_down_cleans_up_after_up_was_killed(
    cluster: LocalCluster, machine: Callable[[], dict[str, object]], wait_for: WaitFor, moment: str
) -> None:
    before = machine()
    script = (
        "import sys; from pathlib import Path\n"
        "from aviary_cluster.address_plan import AddressPlan\n"
        "from aviary_cluster.local import LocalCluster\n"
        "slot, state, store = sys.argv[1:]\n"
        "LocalCluster(AddressPlan(int(slot)), Path(state), Path(store)).up(nodes=1)\n"
    )
    arguments = [str(cluster.plan.slot), str(cluster.state), str(cluster.store)]
    with subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.DEVNULL) as up:
        wait_for((cluster.state / MOMENTS[moment]).exists, seconds=60, what=moment)
        assert up.poll() is None, "up ended before it could be killed"
        os.kill(up.pid, signal.SIGKILL)
    assert find_traces(cluster.plan, cluster.state), "nothing was there to be cleaned up"
    cluster.down()
    assert find_traces(cluster.plan, cluster.state) == []
    assert machine() == before


def test_up_replaces_what_a_killed_up_left(cluster: LocalCluster) -> None:
    cluster.up(nodes=1)
    # As after a crash between the last step and the note that it was the last.
    (cluster.state / "complete").unlink()
    cluster.kill_node(1)
    cluster.up(nodes=1)
    assert cluster.status().ready


def test_up_refuses_addresses_that_are_in_use_and_says_what_to_do(cluster: LocalCluster) -> None:
    link = f"avtest{cluster.plan.slot}"
    subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
    try:
        address = f"{cluster.plan.service_network[200]}/25"
        subprocess.run(["ip", "addr", "add", address, "dev", link], check=True)
        subprocess.run(["ip", "link", "set", link, "up"], check=True)
        with pytest.raises(ClusterError, match=f"overlaps the route .* on {link}.*AVIARY_CLUSTER_SLOT"):
            cluster.up(nodes=1)
    finally:
        subprocess.run(["ip", "link", "del", link], check=True)


def test_up_refuses_a_slot_that_another_folder_s_cluster_uses(cluster: LocalCluster, tmp_path: Path) -> None:
    cluster.up(nodes=1)
    other = LocalCluster(plan=cluster.plan, state=tmp_path / "other", store=cluster.store)
    with pytest.raises(ClusterError, match="is taken by the cluster in"):
        other.up(nodes=1)
    assert cluster.status().ready, "the refused up harmed the running cluster"
