"""Desk services, one sub-package each. `python -m aviary_services <name>...` runs one or several in one process.

Services talk to each other by events, never by import; what they share lives in `kit`.
"""
