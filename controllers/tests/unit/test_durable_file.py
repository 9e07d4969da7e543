from pathlib import Path

import pytest
from aviary_bot.durable_file import write_durably


def test_the_content_is_replaced_and_no_draft_is_left(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "guard.json"
    write_durably(path, b"old")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_old_content_stays_when_the_new_cannot_be_put_in_place(tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match=r"guard\.json"):
        write_durably(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["guard.json"]
