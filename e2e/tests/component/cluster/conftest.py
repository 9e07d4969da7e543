"""Fixtures of the cluster providers' component tests."""

from aviary_cluster.pytest_controlplane import kube_apiserver

__all__ = ["kube_apiserver"]
