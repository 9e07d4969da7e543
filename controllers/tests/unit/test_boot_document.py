import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from aviary_bot.boot_document import BotFailed, MountedFiles, NotYet, decide_boot, read_mounted
from aviary_crds.botconfig import BotConfig
from aviary_crds.botstate import FailureReason

CODE = b"class Strategy: ..."


def _text(config: BotConfig) -> str:
    return config.model_dump_json(by_alias=True)


def test_the_document_of_the_pods_boot_revision_is_taken(make_config: Callable[..., BotConfig]) -> None:
    config = make_config()
    assert decide_boot(MountedFiles(_text(config), None), boot_revision=config.boot_revision) == config


def test_a_retuned_document_of_the_same_boot_revision_is_taken(make_config: Callable[..., BotConfig]) -> None:
    config = make_config(digest="sha256:two").sealed(boot_revision="sha256:first")
    assert decide_boot(MountedFiles(_text(config), None), boot_revision="sha256:first") == config


@pytest.mark.parametrize("document", [None, "other"])
def test_a_missing_or_older_document_is_waited_for(make_config: Callable[..., BotConfig], document: str | None) -> None:
    text = None if document is None else _text(make_config())
    found = decide_boot(MountedFiles(text, None), boot_revision="sha256:mine")
    assert isinstance(found, NotYet)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda text: text[:-10], "bot.json does not fit"),
        (lambda text: text.replace('"maxLeverage":5', '"maxLeverage":500'), "limits.maxLeverage"),
        (lambda text: text.replace('"maxLeverage":5', '"maxLeverage":6'), "edited by hand"),
        (lambda text: text.replace('"name"', '"surname"'), "does not fit"),
    ],
)
def test_a_document_that_was_edited_is_refused(
    make_config: Callable[..., BotConfig], change: Callable[[str], str], part: str
) -> None:
    config = make_config()
    with pytest.raises(BotFailed, match=part) as refused:
        decide_boot(MountedFiles(change(_text(config)), None), boot_revision=config.boot_revision)
    assert refused.value.reason is FailureReason.CONFIG_CORRUPT


def test_code_with_the_right_hash_is_taken(make_config: Callable[..., BotConfig]) -> None:
    config = make_config(codeSha256="sha256:" + hashlib.sha256(CODE).hexdigest())
    assert decide_boot(MountedFiles(_text(config), CODE), boot_revision="") == config


@pytest.mark.parametrize(("code", "part"), [(None, "not mounted"), (b"other", "has SHA-256")])
def test_code_that_is_missing_or_another_is_refused(
    make_config: Callable[..., BotConfig], code: bytes | None, part: str
) -> None:
    config = make_config(codeSha256="sha256:" + hashlib.sha256(CODE).hexdigest())
    with pytest.raises(BotFailed, match=part):
        decide_boot(MountedFiles(_text(config), code), boot_revision="")


def test_files_that_are_not_there_are_read_as_missing(tmp_path: Path) -> None:
    assert read_mounted(tmp_path) == MountedFiles(None, None)


def test_mounted_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "bot.json").write_text("{}")
    (tmp_path / "strategy.py").write_bytes(CODE)
    assert read_mounted(tmp_path) == MountedFiles("{}", CODE)
