"""The page about reports says what the model says, and its examples work."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from aviary_crds.__main__ import main
from aviary_crds.evidence import Report, ReportSubject, parse_report
from aviary_crds.v1alpha1.gatechecks import Check

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "report.md").read_text(encoding="utf-8")
DIGEST = "sha256:" + "a" * 64


def _blocks(language: str) -> list[str]:
    found = re.findall(r"^```([a-z]*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for written_in, text in found if written_in == language]


def test_the_example_is_a_whole_report() -> None:
    (example,) = _blocks("json")
    report = parse_report(example.encode())
    assert report.result == "Pass"
    assert json.loads(example).keys() == {field.alias or name for name, field in Report.model_fields.items()}


def test_every_field_has_its_row_which_says_whether_it_must_be_there() -> None:
    rows = dict(re.findall(r"^\| `([A-Za-z0-9.]+)` \| [^|]* \| ([^|]*) \|.*\|$", PAGE, re.MULTILINE))
    wanted = {field.alias or name: field for name, field in Report.model_fields.items() if name != "subject"}
    wanted |= {f"subject.{name}": field for name, field in ReportSubject.model_fields.items()}
    assert rows.keys() == wanted.keys()
    assert {name for name, said in rows.items() if said == "yes"} == {
        name for name, field in wanted.items() if field.is_required()
    }


def test_the_check_on_the_page_is_what_the_api_takes() -> None:
    (example,) = _blocks("yaml")
    check = Check.model_validate(yaml.safe_load(example), by_alias=True, by_name=False)
    assert check.report is not None
    assert check.report.config_map is not None
    assert f"--config-map {check.report.config_map.name}" in PAGE


def test_the_commands_on_the_page_make_reports(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(_blocks("")).replace("\\\n", " ").replace("$digest", DIGEST)
    commands = re.findall(r"python -m aviary_crds (report --producer [^|>\n]*)", text)
    assert len(commands) == 2
    said = []
    for command in commands:
        assert main(shlex.split(command)) == 0, command
        said.append(capsys.readouterr().out)
    assert parse_report(said[0].encode()).values == {"critical": "0", "drift_bps": "1.25", "fresh": True}
    assert yaml.safe_load(said[1])["metadata"]["namespace"] == "desk-demo"
