"""Decisions about gates: pure, time is an argument."""
