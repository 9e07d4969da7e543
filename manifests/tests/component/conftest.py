"""A real API server for the scenes."""

from aviary_cluster.pytest_controlplane import kube_apiserver

__all__ = ["kube_apiserver"]
