import json
from pathlib import Path

import pytest
import yaml
from aviary_crds.__main__ import main
from aviary_crds.evidence import parse_report
from aviary_crds.report_schema import build_report_schema

DIGEST = "sha256:" + "a" * 64
DESK = ["report", "--producer", "reconciliation", "--namespace", "desk", "--result", "Pass"]
BOT = [*DESK, "--bot", "alpha", "--digest", DIGEST]
SIX = ["--time", "2026-11-25T06:00:00Z"]


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_a_report_is_printed_sealed(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, *BOT, *SIX, "--value", "drift=0.0012", "--value", "fresh=true", "--message", "all is well")
    report = parse_report(said.encode())
    assert report.values == {"drift": "0.0012", "fresh": True}
    assert (report.subject.bot, report.subject.digest) == ("alpha", DIGEST)
    assert report.time.isoformat() == "2026-11-25T06:00:00+00:00"
    assert said == _said(
        capsys, *BOT, "--time", "2026-11-25T07:00:00+01:00", "--value", "drift=0.0012", "--value", "fresh=true",
        "--message", "all is well",
    )  # fmt: skip


def test_without_a_time_it_is_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_report(_said(capsys, *DESK).encode()).time.tzinfo is not None


def test_with_a_config_map_it_is_ready_to_be_applied(capsys: pytest.CaptureFixture[str]) -> None:
    made = yaml.safe_load(_said(capsys, *BOT, *SIX, "--message", "größer: 1\n# no comment", "--config-map", "drill"))
    assert made["metadata"] == {"name": "drill", "namespace": "desk", "labels": {"aviary.trading/report": "true"}}
    assert parse_report(made["data"]["report.json"].encode()).message == "größer: 1\n# no comment"
    made = yaml.safe_load(_said(capsys, *BOT, *SIX, "--config-map", "drill", "--key", "latest"))
    assert list(made["data"]) == ["latest"]


def test_a_report_that_was_printed_is_found_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    file.write_text(_said(capsys, *BOT, *SIX))
    said = _said(capsys, "report", "--check", str(file))
    for word in ("reconciliation", "desk/alpha", DIGEST, "2026-11-25T06:00:00", "Pass"):
        assert word in said


def test_a_whole_report_of_bad_news_is_a_good_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    file.write_text(_said(capsys, *DESK[:-1], "Fail"))
    assert "the whole desk: Fail" in _said(capsys, "report", "--check", str(file))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "NotJson"),
        ("[]", "NotAReport"),
        ('{"result": "Pass"}', "NotAReport: producer"),
        ('{"a": 1, "a": 2}', "a key stands twice"),
        (" " * 262_145, "TooLarge"),
    ],
)
def test_a_bad_document_is_named_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    assert main(["report", "--check", str(file)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{file}: ")
    assert complaint in line


def test_an_edited_document_and_one_that_is_not_there_are_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    file.write_text(_said(capsys, *DESK[:-1], "Fail").replace('"Fail"', '"Pass"'))
    assert main(["report", "--check", str(file)]) == 1
    assert "HashMismatch" in capsys.readouterr().err
    for path in (tmp_path / "absent.json", tmp_path):
        assert main(["report", "--check", str(path)]) == 1
        assert f"{path}: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["report"], "needs --producer, --namespace, --result"),
        (DESK[:-2], "needs --result"),
        ([*DESK, "--bot", "alpha"], "bot and digest go together"),
        ([*DESK, "--digest", DIGEST], "bot and digest go together"),
        ([*BOT[:-1], "abc"], "digest: the digest is the bot's status.digest"),
        ([*DESK, "--producer", "Me"], "producer: a producer is named"),
        ([*DESK, "--value", "drift"], "--value drift: write NAME=FIGURE"),
        ([*DESK, "--value", "=1"], "write NAME=FIGURE"),
        ([*DESK, "--value", "a=1", "--value", "a=2"], "--value a is given twice"),
        ([*DESK, "--value", "a b=1"], "a value of a report is named"),
        ([*DESK, "--value", "a=few"], "value a is no number"),
        ([*DESK, "--value", "a=nan"], "value a is nan"),
        ([*DESK, "--value", "a=True"], "value a is no number"),
        ([*DESK, "--message", "x" * 2_049], "message: "),
        ([*DESK, "--message", "\udcff"], "UTF-8"),
        ([*DESK, "--time", "yesterday"], "--time yesterday is no time"),
        ([*DESK, "--time", "2026-11-25T06:00:00"], "has no zone"),
        ([*DESK, "--config-map", "Drill"], "ConfigMap name: "),
        ([*DESK, "--config-map", "drill", "--key", "a/b"], "ConfigMap key: "),
        ([*DESK, "--key", "a"], "name it with --config-map"),
        ([*DESK, "--check", "report.json"], "leave out --producer, --namespace, --result"),
        (["report", "--check", "report.json", "--config-map", "drill"], "leave out --config-map"),
    ],
)
def test_wrong_use_is_told_in_one_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert complaint in line


@pytest.mark.parametrize("words", [[*DESK[:-1], "Maybe"], ["schema"], ["schema", "tradingbot"]])
def test_a_word_that_is_no_choice_is_wrong_use(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2


def test_the_schema_is_printed_and_names_every_field_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(_said(capsys, "schema", "report"))
    assert schema == build_report_schema()
    document = json.loads(_said(capsys, *BOT, "--value", "a=1"))
    assert schema["properties"].keys() == document.keys()
    assert schema["$defs"]["ReportSubject"]["properties"].keys() == document["subject"].keys()
    assert set(schema["required"]) <= document.keys()
    assert schema["additionalProperties"] is False
    assert "null" not in json.dumps(schema)
