"""The provider for somebody else's cluster looks and never touches; here on a real API server without nodes."""

from pathlib import Path

import pytest
from aviary_cluster.controlplane import ControlPlane
from aviary_cluster.errors import ClusterError
from aviary_cluster.existing import ExistingCluster


def test_a_cluster_without_ready_nodes_is_not_ready_and_up_says_so(kube_apiserver: ControlPlane) -> None:
    cluster = ExistingCluster(kube_apiserver.kubeconfig)
    status = cluster.status()
    assert (status.running, status.ready, status.version) == (True, False, "v1.34.4")
    with pytest.raises(ClusterError, match="is not ready"):
        cluster.up(nodes=1)


def test_down_leaves_it_alone_and_says_so(kube_apiserver: ControlPlane, capfd: pytest.CaptureFixture[str]) -> None:
    ExistingCluster(kube_apiserver.kubeconfig).down()
    assert "not ours to take down" in capfd.readouterr().err
    assert kube_apiserver.probe.is_ready()


def test_an_image_cannot_be_loaded_from_here_and_the_ways_are_named(kube_apiserver: ControlPlane) -> None:
    with pytest.raises(ClusterError, match=r"registry.*k3s ctr images import"):
        ExistingCluster(kube_apiserver.kubeconfig).load_image(Path("bot.tar"))


def test_a_cluster_that_does_not_answer_is_not_running(tmp_path: Path, kube_apiserver: ControlPlane) -> None:
    dead = tmp_path / "config"
    dead.write_text(kube_apiserver.kubeconfig.read_text().replace(kube_apiserver.server, "https://127.0.0.1:1"))
    status = ExistingCluster(dead).status()
    assert not status.running
    assert "127.0.0.1:1" in status.detail
