"""A spec is validated again in every reconcile."""

from typing import Any

import pytest
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec
from aviary_operator.bots.guard import RESERVED_PARAMETERS, InvalidSpec, check_bot, check_desk
from aviary_operator_simulation.world import BOT_SPEC, CEILINGS, merged


def refused(name: str = "alpha", **changes: Any) -> InvalidSpec:
    found = check_bot(name, merged(BOT_SPEC, changes))
    assert isinstance(found, InvalidSpec)
    return found


def test_valid_spec_passes() -> None:
    assert isinstance(check_bot("alpha", BOT_SPEC), TradingBotSpec)


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"capital": {"totalAmountQuote": 5.5}}, "InvalidSpec", "spec.capital.totalAmountQuote"),
        ({"surprise": 1}, "InvalidSpec", "spec.surprise"),
        ({"market": {"leverage": 3}}, "InvalidSpec", "perpetual"),
        ({"image": "aviary.local/bot:latest"}, "InvalidSpec", "latest"),
        ({"market": {"tradingPairs": ["BTC-USDT", "ETH-BTC"]}}, "InvalidSpec", "spec.market"),
    ],
)
def test_invalid_spec_is_refused_with_the_field(changes: dict[str, Any], reason: str, says: str) -> None:
    found = refused(**changes)
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize("parameter", sorted(RESERVED_PARAMETERS))
def test_reserved_parameter_is_refused_with_what_to_do(parameter: str) -> None:
    found = refused(strategy={"parameters": {parameter: 1}})
    assert found.reason == "ReservedParameter"
    assert RESERVED_PARAMETERS[parameter] in found.message


@pytest.mark.parametrize("name", ["a" * 53, "1alpha", "al.pha", "alpha-"])
def test_name_that_no_child_can_have_is_refused(name: str) -> None:
    assert refused(name).reason == "InvalidName"


@pytest.mark.parametrize("raw", [{}, {"mode": "Paper"}, {"market": "none"}, {"market": None}])
def test_spec_of_any_shape_is_an_answer_and_no_error(raw: dict[str, Any]) -> None:
    assert isinstance(check_bot("alpha", raw), InvalidSpec)


def test_many_errors_are_told_in_part() -> None:
    changes: dict[str, Any] = {f"surprise{number}": 1 for number in range(9)}
    found = refused(**changes)
    assert "and 6 more" in found.message


def test_desk_without_ceilings_is_refused() -> None:
    assert isinstance(check_desk({}), InvalidSpec)
    assert not isinstance(check_desk({"ceilings": dict(CEILINGS)}), InvalidSpec)
