"""Attempts to reach Live without a grant, on a real API server with the charts installed and an operator running."""
