"""The errors of this package: each says what was wrong, where, and what to do about it."""


class ClusterError(Exception):
    """Something a person must decide or repair; the message is complete without a traceback."""


class ToolUnavailableError(ClusterError):
    """A program the cluster needs can be neither found, downloaded nor built."""


class ClusterTimeoutError(ClusterError):
    """A part of the cluster did not become ready in time; the message names its log."""
