"""Logs: JSON lines are read, everything else is passed over."""

from aviary_e2e.kubectl import log_lines


def test_json_objects_are_kept_and_other_lines_left_out() -> None:
    assert log_lines('Traceback\n{"event": "stopped"}\n[1]\n{broken\n') == [{"event": "stopped"}]
