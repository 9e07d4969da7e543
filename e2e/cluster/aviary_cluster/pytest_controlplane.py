"""A pytest plugin: the fixture `kube_apiserver`, a real API server with etcd, one per test session.

Give it to a test tree by two lines in its `conftest.py` (or `-p aviary_cluster.pytest_controlplane`)::

    from aviary_cluster.pytest_controlplane import kube_apiserver

    __all__ = ["kube_apiserver"]

and in a test::

    def test_api_server_refuses_leverage(kube_apiserver: ControlPlane) -> None:
        client = kubernetes.config.new_client_from_config(str(kube_apiserver.kubeconfig))

With pytest-xdist every worker has its own server. Tests share it within a worker: use names of your own.
What is in it and what is not: `aviary_cluster.controlplane`.
"""

from collections.abc import Iterator

import pytest

from aviary_cluster.controlplane import ControlPlane, run_control_plane


@pytest.fixture(scope="session")
def kube_apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Give a ready API server and a way to make kubeconfigs for any user."""
    with run_control_plane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane
