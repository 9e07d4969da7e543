"""Edges: the work queue, the Kubernetes API, the bots' HTTP, metrics, health and logs. Decides nothing about bots."""
