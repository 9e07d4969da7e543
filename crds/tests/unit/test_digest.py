import copy
import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.digest import OUTSIDE_SUBJECT, canonical_json, sha256_hex, subject_digest
from aviary_crds.schema import Part, structural_schema
from aviary_crds.v1alpha1.tradingbot import TradingBotSpec
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

FULL: dict[str, Any] = {
    "mode": "Live",
    "image": f"registry.example/bot@sha256:{'a' * 64}",
    "deskRef": {"name": "main"},
    "gateRef": {"name": "to-live"},
    "credentialsRef": {"name": "keys"},
    "strategy": {
        "controller": "pmm_simple",
        "type": "market_making",
        "version": "2",
        "parameters": {"spreads": [0.001, 0.002], "note": None},
        "code": {"configMapRef": {"name": "code", "key": "strategy.py"}},
    },
    "market": {
        "connector": "bitget_perpetual",
        "tradingPairs": ["BTC-USDT"],
        "positionMode": "OneWay",
        "leverage": 2,
    },
    "capital": {"totalAmountQuote": "1000"},
    "safety": {
        "maxOrderNotionalQuote": "250",
        "maxNotionalQuote": "1000",
        "maxLeverage": 5,
        "maxDailyLossBps": 300,
        "maxDrawdownBps": 500,
        "maxDailyTurnoverBps": 30000,
    },
    "paper": {
        "seed": 7,
        "latencyMillis": 150,
        "queueParticipationBps": 3500,
        "partialMinBps": 1500,
        "partialMaxBps": 8500,
        "startBalances": {"USDT": "1000"},
    },
    "fees": {"mode": "Manual", "makerBps": 2, "takerBps": 6},
    "telemetry": {"logLevel": "Info", "csvBufferRows": 10, "csvFlushSeconds": 5},
    "storage": {"size": "1Gi", "storageClassName": "local-path"},
    "resources": {
        "requests": {"cpu": "100m", "memory": "300Mi"},
        "limits": {"cpu": "1", "memory": "512Mi"},
    },
    "updatePolicy": "Auto",
    "suspend": False,
}

# one other value for each field of the subject, with what else must change for the spec to stay valid
CHANGES: dict[str, dict[str, Any]] = {
    "image": {"image": f"registry.example/bot@sha256:{'b' * 64}"},
    "strategy.controller": {"strategy.controller": "pmm_other"},
    "strategy.type": {"strategy.type": "generic"},
    "strategy.version": {"strategy.version": "3"},
    "strategy.parameters": {"strategy.parameters": {"spreads": [0.001, 0.003], "note": None}},
    "market.connector": {"market.connector": "binance_perpetual"},
    "market.tradingPairs": {"market.tradingPairs": ["BTC-USDT", "ETH-USDT"]},
    "market.positionMode": {"market.positionMode": "Hedge"},
    "market.leverage": {"market.leverage": 3},
    "safety.maxOrderNotionalQuote": {"safety.maxOrderNotionalQuote": "250.01"},
    "safety.maxNotionalQuote": {"safety.maxNotionalQuote": "1001"},
    "safety.maxLeverage": {"safety.maxLeverage": 6},
    "safety.maxDailyLossBps": {"safety.maxDailyLossBps": 301},
    "safety.maxDrawdownBps": {"safety.maxDrawdownBps": 501},
    "safety.maxDailyTurnoverBps": {"safety.maxDailyTurnoverBps": 30001},
    "safety.maxCancelsPerMinute": {"safety.maxCancelsPerMinute": 51},
    "safety.minBaseShareBps": {"safety.minBaseShareBps": 1},
    "safety.maxBaseShareBps": {"safety.maxBaseShareBps": 9001},
    "paper.seed": {"paper.seed": 8},
    "paper.latencyMillis": {"paper.latencyMillis": 151},
    "paper.queueParticipationBps": {"paper.queueParticipationBps": 3501},
    "paper.partialMinBps": {"paper.partialMinBps": 1501},
    "paper.partialMaxBps": {"paper.partialMaxBps": 8501},
    "paper.startBalances": {"paper.startBalances": {"USDT": "1000", "BTC": "1"}},
    "fees.mode": {"fees.mode": "Auto", "fees.makerBps": None, "fees.takerBps": None},
    "fees.makerBps": {"fees.makerBps": 3},
    "fees.takerBps": {"fees.takerBps": 7},
    "deskRef.name": {"deskRef": {"name": "other"}},
    "gateRef.name": {"gateRef": {"name": "other"}},
    "credentialsRef.name": {"credentialsRef": {"name": "other"}},
    "telemetry.logLevel": {"telemetry.logLevel": "Debug"},
    "telemetry.csvBufferRows": {"telemetry.csvBufferRows": 1},
    "telemetry.csvFlushSeconds": {"telemetry.csvFlushSeconds": 1},
    "storage.size": {"storage.size": "2Gi"},
    "storage.storageClassName": {"storage.storageClassName": "fast"},
    "resources.requests.cpu": {"resources.requests": {"cpu": "101m", "memory": "300Mi"}},
    "resources.requests.memory": {"resources.requests": {"cpu": "100m", "memory": "301Mi"}},
    "resources.limits.cpu": {"resources.limits": {"cpu": "2", "memory": "512Mi"}},
    "resources.limits.memory": {"resources.limits": {"cpu": "1", "memory": "1Gi"}},
    "updatePolicy": {"updatePolicy": "Manual"},
    "suspend": {"suspend": True},
}

OUTSIDE: dict[str, dict[str, Any]] = {
    "mode": {"mode": "Testnet"},
    "capital.totalAmountQuote": {"capital.totalAmountQuote": "2000"},
}

CODE = "class Strategy: ...\n"


def _digest(spec: dict[str, Any], code: str | None = CODE) -> str:
    return subject_digest(TradingBotSpec.model_validate(spec), code=code)


def _changed(changes: dict[str, Any]) -> dict[str, Any]:
    spec = copy.deepcopy(FULL)
    for path, value in changes.items():
        *parents, last = path.split(".")
        part = spec
        for parent in parents:
            part = part[parent]
        part[last] = value
    return spec


def _leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, field in schema["properties"].items():
        here = f"{path}{name}"
        if "properties" in field:
            yield from _leaves(field, f"{here}.")
        else:
            yield here


def _shuffled(value: Any, chance: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: _shuffled(value[key], chance) for key in keys}
    return value


@pytest.mark.parametrize(
    ("spec", "code", "digest"),
    [
        pytest.param(
            {
                "image": "registry.example/bot:0.1.0",
                "strategy": {"controller": "pmm_simple"},
                "market": {"connector": "bitget", "tradingPairs": ["BTC-USDT"]},
                "capital": {"totalAmountQuote": "1000"},
            },
            None,
            "sha256:10e47211e3cbe237014336e53be2ab0285e6b290ba98b40979b190d3006d9838",
            id="the least spec",
        ),
        pytest.param(
            FULL, CODE, "sha256:de129540d1683370e05c7c965d5ef3d6e745d4e2dd96cca60cb2fb1b71aa2beb", id="every field"
        ),
    ],
)
def test_digest_is_the_same_on_every_machine(spec: dict[str, Any], code: str | None, digest: str) -> None:
    assert _digest(spec, code) == digest


@given(st.randoms(use_true_random=False))
def test_order_of_keys_is_irrelevant(chance: Any) -> None:
    assert _digest(_shuffled(FULL, chance)) == _digest(FULL)


@given(st.integers(min_value=0, max_value=12))
def test_spelling_of_decimals_is_irrelevant(zeros: int) -> None:
    fraction = "." + "0" * zeros if zeros else ""
    respelled = _changed(
        {
            "safety.maxOrderNotionalQuote": f"250{fraction}",
            "paper.startBalances": {"USDT": f"1000{fraction}"},
        }
    )
    assert _digest(respelled) == _digest(FULL)


def test_whether_defaults_are_written_out_is_irrelevant() -> None:
    spec = copy.deepcopy(FULL)
    for part in ("paper", "telemetry"):
        del spec[part]
    written = TradingBotSpec.model_validate(spec)
    filled_in = TradingBotSpec.model_validate(written.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert subject_digest(written, code=CODE) == subject_digest(filled_in, code=CODE)


def test_every_field_of_the_spec_is_in_one_table() -> None:
    leaves = set(_leaves(structural_schema(TradingBotSpec, Part.SPEC)))
    code = {"strategy.code.configMapRef.name", "strategy.code.configMapRef.key"}
    assert leaves - set(OUTSIDE_SUBJECT) - code == CHANGES.keys(), "a new field belongs to the subject"
    assert OUTSIDE.keys() == set(OUTSIDE_SUBJECT)


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_the_subject_changes_the_digest(changes: dict[str, Any]) -> None:
    assert _digest(_changed(changes)) != _digest(FULL)


def test_no_two_changes_have_the_same_digest() -> None:
    digests = [_digest(_changed(changes)) for changes in CHANGES.values()]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("changes", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_asking_for_another_mode_or_amount_changes_nothing(changes: dict[str, Any]) -> None:
    assert _changed(changes) != FULL
    assert _digest(_changed(changes)) == _digest(FULL)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_parameters_differ_exactly_when_their_digests_do(one: dict[str, Any], other: dict[str, Any]) -> None:
    digests = {_digest(_changed({"strategy.parameters": parameters})) for parameters in (one, other)}
    assert (len(digests) == 1) == (canonical_json(one) == canonical_json(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": None}, {}, id="null and absent"),
        pytest.param({"a": 1}, {"a": True}, id="one and true"),
        pytest.param({"a": "1"}, {"a": 1}, id="text and number"),
        pytest.param({"a": "0.10"}, {"a": "0.1"}, id="texts that look like numbers"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, id="order of a list"),
        pytest.param({"a": {"b": 1}}, {"a.b": 1}, id="nested and dotted"),
        pytest.param({"a": ""}, {"a": None}, id="empty and null"),
    ],
)
def test_parameters_that_mean_something_else_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert _digest(_changed({"strategy.parameters": one})) != _digest(_changed({"strategy.parameters": other}))


def test_a_whole_number_is_the_same_with_and_without_a_point() -> None:
    one, other = ({"strategy.parameters": {"leverage": value}} for value in (2, 2.0))
    assert _digest(_changed(one)) == _digest(_changed(other))


def test_code_counts_and_where_it_lies_does_not() -> None:
    assert _digest(FULL, CODE + "\n") != _digest(FULL, CODE)
    moved = _changed({"strategy.code": {"configMapRef": {"name": "elsewhere", "key": "a.py"}}})
    assert _digest(moved, CODE) == _digest(FULL, CODE)


def test_code_is_given_exactly_when_the_spec_names_it() -> None:
    with pytest.raises(ValueError, match="code belongs to the digest"):
        _digest(FULL, None)
    with pytest.raises(ValueError, match="code belongs to the digest"):
        _digest(_changed({"strategy.code": None}), CODE)


@given(JSON)
def test_canonical_json_is_one_spelling(value: Any) -> None:
    assert canonical_json(value) == canonical_json(copy.deepcopy(value))
    assert b"\n" not in canonical_json(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.5, True, None, "ü"]}, '{"a":[1.5,true,null,"ü"],"b":1}'),
        ({"a": Decimal("1.50")}, '{"a":"1.5"}'),
        ((1, 2.0, -0.0, 1e-7, 1e21), "[1,2,0,1e-07,1000000000000000000000]"),
    ],
    ids=["order", "decimal", "numbers"],
)
def test_canonical_json_is_spelled_so(value: Any, text: str) -> None:
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], {"a": {"b": float("nan")}}], ids=repr)
def test_numbers_that_are_none_have_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)not json compliant"):
        canonical_json(value)


@pytest.mark.parametrize(
    "value", [{1: "a"}, {"a": {None: 1}}, {"a": object()}, {"a": {1, 2}}], ids=["1", "2", "3", "4"]
)
def test_types_that_json_does_not_know_have_no_canonical_form(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_hash_names_its_kind() -> None:
    assert sha256_hex(b"aviary") == "sha256:" + hashlib.sha256(b"aviary").hexdigest()
