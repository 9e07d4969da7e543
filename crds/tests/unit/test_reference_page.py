import pytest
from aviary_crds.kinds import KINDS, TRADING_BOT, TRADING_DESK, Kind
from aviary_crds.reference_page import render_reference_page


def _row(kind: Kind, field: str) -> list[str]:
    line = next(line for line in render_reference_page(kind).splitlines() if line.startswith(f"| `{field}` |"))
    return [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]


@pytest.mark.parametrize(
    ("kind", "field", "type_", "default", "bounds"),
    [
        (TRADING_BOT, "spec.mode", "`Disabled` ¦ `NoTrade` ¦ `Paper` ¦ `Testnet` ¦ `Live`", '`"Paper"`', ""),
        (TRADING_BOT, "spec.market.tradingPairs", "set of string", "required", "1 to 16 items"),
        (TRADING_BOT, "spec.market.leverage", "integer", "`1`", "1 to 20"),
        (TRADING_BOT, "spec.safety", "object", "see below", ""),
        (TRADING_BOT, "spec.strategy.parameters", "object, free-form", "empty", "up to 128 entries"),
        (TRADING_BOT, "spec.resources.limits", "object", '`{"memory": "512Mi"}`', ""),
        (TRADING_BOT, "spec.suspend", "boolean", "`false`", ""),
        (TRADING_BOT, "spec.paper.startBalances", "map of string", "empty", "up to 32 entries"),
        (TRADING_BOT, "status.conditions", "list-map of object", "", "up to 16 items"),
        (TRADING_BOT, "status.observed.lastFillTime", "time", "", ""),
        (TRADING_BOT, "status.observed.fills", "integer", "", "0 or more"),
        (TRADING_DESK, "spec.ceilings.maxLiveBots", "integer", "`0`", "0 to 1000"),
        (
            TRADING_DESK,
            "spec.venueOverrides[].ca.key",
            "string",
            '`"ca.crt"`',
            "up to 253 characters, `^[-._a-zA-Z0-9]+$`",
        ),
    ],
)
def test_field_has_its_row(kind: Kind, field: str, type_: str, default: str, bounds: str) -> None:
    _, *facts, meaning = _row(kind, field)
    assert facts == [type_, default, bounds]
    assert meaning


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_rule_and_column_is_on_the_page(kind: Kind) -> None:
    page = render_reference_page(kind)
    for rule in (*kind.spec.rules, *kind.object_model.rules):
        assert rule.message in page
    for column in kind.columns:
        assert f"| {column.name}" in page
