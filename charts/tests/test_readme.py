"""The charts' READMEs name every value with its default, and no value that is not there."""

import json
import re
from pathlib import Path

import pytest
import yaml

CHARTS = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| `(?P<key>[A-Za-z.]+)` \| `(?P<default>.*?)` \| (?P<meaning>.+) \|$", re.MULTILINE)


def _leaves(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, dict) and value and not path.endswith(("resources", "requests", "limits")):
        return {key: leaf for name, inner in value.items() for key, leaf in _leaves(inner, f"{path}.{name}").items()}
    return {path.removeprefix("."): value}


@pytest.mark.parametrize("chart", ["aviary", "aviary-crds"])
def test_the_readme_s_table_is_the_values_file(chart: str) -> None:
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    rows = {row["key"]: row for row in ROW.finditer((CHARTS / chart / "README.md").read_text())}
    assert {key: json.loads(row["default"]) for key, row in rows.items()} == _leaves(values)
    assert all(len(row["meaning"]) > 10 for row in rows.values())
