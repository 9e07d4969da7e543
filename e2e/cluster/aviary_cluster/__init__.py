"""Clusters to run Aviary on: `local` (this machine, no Docker), `kind` and `existing`.

The command line is ``python -m aviary_cluster``; component tests take `aviary_cluster.pytest_controlplane`.
"""
