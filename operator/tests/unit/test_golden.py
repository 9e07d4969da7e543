"""Manifests in and out: a TradingBot as a desk writes it, and all its children as they are applied.

After a change that is meant: AVIARY_WRITE_GOLDEN=1 pytest operator/tests/unit/test_golden.py, and read the diff.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_operator.bots.decide.plan import decide_plan
from aviary_operator.bots.guard import check_bot
from aviary_operator.bots.records import read_bot
from aviary_operator.bots.render.venue import Venue

from .builders import NOW, UID, desk_view, observed

FOLDER = Path(__file__).parent / "golden"
VENUE = Venue(
    hosts=("api.bitget.com", "ws.bitget.com"),
    address="10.96.0.40",
    namespace="aviary-system",
    pod_labels=(("app.kubernetes.io/component", "sim-venue"),),
    port="https",
    ca_pem="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
)
CODE = "class Mine: ...\n"


class Readable(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Readable.add_representer(str, _write_text)


@pytest.mark.parametrize("case", sorted(path.name.removesuffix(".in.yaml") for path in FOLDER.glob("*.in.yaml")))
def test_children_are_as_written_down(case: str) -> None:
    body: dict[str, Any] = yaml.safe_load((FOLDER / f"{case}.in.yaml").read_text(encoding="utf-8"))
    body["metadata"] |= {"uid": UID, "generation": 1, "resourceVersion": "7"}
    bot = read_bot(body)
    seen = observed(
        bot,
        spec=check_bot(bot.name, bot.spec),
        desk=desk_view() if bot.desk else None,
        venues=(VENUE,) if bot.desk else (),
        code=CODE if "code" in bot.spec["strategy"] else None,
    )
    children = list(decide_plan(seen, now=NOW).children)
    file = FOLDER / f"{case}.out.yaml"
    if os.environ.get("AVIARY_WRITE_GOLDEN"):
        file.write_text(yaml.dump_all(children, Dumper=Readable, sort_keys=False, width=118), encoding="utf-8")
    assert children == list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def test_there_are_cases() -> None:
    assert len(list(FOLDER.glob("*.in.yaml"))) >= 3
