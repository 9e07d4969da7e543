import json
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.botconfig import BotConfig, OrderLimits, changed_paths, restart_paths
from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.envelope import Safety
from pydantic import ValidationError

LIMITS: dict[str, Any] = {
    "allowedPairs": ["BTC-USDT"],
    "maxOrderNotionalQuote": "250",
    "maxNotionalQuote": "1000",
    "maxLeverage": 1,
}
CONTROLLER: dict[str, Any] = {"file": "maker.yml", "config": {"id": "maker", "spread": 0.001, "leverage": 1}}


def _document(**changes: Any) -> dict[str, Any]:
    return {
        "name": "btc-maker",
        "namespace": "desk",
        "uid": "7f0c",
        "mode": "Paper",
        "digest": "sha256:00",
        "controller": "pmm_simple",
        "controllerType": "market_making",
        "controllers": [CONTROLLER],
        "client": {"log_level": "INFO", "telemetry": {"enabled": False}},
        "script": {"controllers_config": ["maker.yml"]},
        "market": {"connector": "bitget", "tradingPairs": ["BTC-USDT"]},
        "totalAmountQuote": "1000",
        "limits": LIMITS,
        "paper": {},
        "startBalances": {"USDT": "1000", "BTC": "0.01"},
        "fees": {},
        "telemetry": {},
        "stopBudgetSeconds": 45,
        **changes,
    }


def _config(**changes: Any) -> BotConfig:
    return BotConfig.model_validate(_document(**changes))


def test_sealed_document_is_intact_also_after_the_wire() -> None:
    sealed = _config().sealed()
    assert sealed.intact
    assert sealed.boot_revision == sealed.revision
    again = BotConfig.model_validate_json(sealed.model_dump_json(by_alias=True))
    assert again == sealed
    assert again.intact


def test_sealed_document_of_an_older_version_can_be_read() -> None:
    wire = json.loads(_config().sealed().model_dump_json(by_alias=True))
    older = {key: value for key, value in wire.items() if key not in {"grantedMode", "revision", "bootRevision"}}
    older["limits"] = {key: value for key, value in wire["limits"].items() if key != "maxDrawdownBps"}
    older["revision"] = sha256_hex(canonical_json(older))
    read = BotConfig.read_sealed(json.dumps(older))
    assert read.limits.max_drawdown_bps == Safety().max_drawdown_bps
    assert read.revision == older["revision"]
    assert not read.intact


@pytest.mark.parametrize("edit", [{"mode": "NoTrade"}, {"revision": "sha256:00"}, {"surprise": 1}])
def test_sealed_document_that_was_edited_cannot_be_read(edit: dict[str, Any]) -> None:
    wire = json.loads(_config().sealed().model_dump_json(by_alias=True))
    assert BotConfig.read_sealed(json.dumps(wire)).intact
    with pytest.raises(ValueError, match=r"edited by hand|Extra inputs"):
        BotConfig.read_sealed(json.dumps(wire | edit))


def test_limits_left_out_are_those_of_safety() -> None:
    limits, safety = OrderLimits.model_validate(LIMITS).model_dump(), Safety().model_dump()
    stated = {"max_order_notional_quote", "max_notional_quote", "max_leverage"}
    shared = (limits.keys() & safety.keys()) - stated
    assert len(shared) == 6
    assert {name: limits[name] for name in shared} == {name: safety[name] for name in shared}


def test_unsealed_document_is_not_intact() -> None:
    assert not _config().intact


@pytest.mark.parametrize(
    "edit",
    [
        {"limits": LIMITS | {"maxOrderNotionalQuote": "251"}},
        {"mode": "NoTrade"},
        {"totalAmountQuote": "10000"},
        {"client": {"log_level": "DEBUG", "telemetry": {"enabled": False}}},
        {"controllers": [{"file": "maker.yml", "config": {"id": "maker", "spread": 0.002, "leverage": 1}}]},
        {"codeSha256": "sha256:00"},
        {"startBalances": {"USDT": "1000", "BTC": "0.02"}},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_document_edited_by_hand_is_found_out(edit: dict[str, Any]) -> None:
    wire = json.loads(_config().sealed().model_dump_json(by_alias=True))
    assert not BotConfig.model_validate(wire | edit).intact


def test_revision_is_the_same_on_every_machine() -> None:
    assert _config().content_revision() == "sha256:e53e7311d7aeb7f7e5594e7a15a89ae74280175e21010b077ce793bf74a6d530"


def test_spelling_of_amounts_does_not_move_the_revision() -> None:
    respelled = _config(totalAmountQuote="1000.00", startBalances={"BTC": "0.0100", "USDT": "1000.0"})
    assert respelled.content_revision() == _config().content_revision()
    assert _config(startBalances={"USDT": Decimal("1E+3"), "BTC": Decimal("0.01")}) == _config()


def test_boot_revision_stays_when_a_hot_change_moves_the_revision() -> None:
    booted = _config().sealed()
    hot = _config(limits=LIMITS | {"maxOrderNotionalQuote": "100"}).sealed(boot_revision=booted.boot_revision)
    assert hot.intact
    assert hot.revision != booted.revision
    assert hot.boot_revision == booted.revision


def test_disabled_bot_has_no_configuration() -> None:
    with pytest.raises(ValidationError, match="a Disabled bot has no pod"):
        _config(mode="Disabled")


def test_two_controllers_cannot_share_a_file() -> None:
    with pytest.raises(ValidationError, match="same file name"):
        _config(controllers=[CONTROLLER, CONTROLLER])


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        ({"schemaVersion": 2}, "schemaVersion"),
        ({"limits": LIMITS | {"allowedPairs": []}}, "limits.allowedPairs"),
        ({"limits": LIMITS | {"maxOrderNotionalQuote": "0"}}, "limits.maxOrderNotionalQuote"),
        ({"limits": LIMITS | {"maxLeverage": 21}}, "limits.maxLeverage"),
        ({"controllers": []}, "controllers"),
        ({"controllers": [{"file": "../maker.yml", "config": {}}]}, "controllers.0.file"),
        ({"startBalances": {"USDT": "NaN"}}, "startBalances.USDT"),
        ({"startBalances": {"USDT": 1000.0}}, "startBalances.USDT"),
        ({"ofTheFuture": 1}, "ofTheFuture"),
    ],
)
def test_document_that_says_something_else_is_refused(edit: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _config(**edit)
    assert where in {".".join(map(str, error["loc"])) for error in caught.value.errors()}


def test_nan_in_a_controller_has_no_revision() -> None:
    with pytest.raises(ValueError, match=r"(?i)not json compliant"):
        _config(controllers=[{"file": "maker.yml", "config": {"spread": float("nan")}}]).sealed()


@pytest.mark.parametrize(
    ("edit", "paths"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"limits": LIMITS | {"maxLeverage": 2}}, {"limits.maxLeverage"}, id="one limit"),
        pytest.param({"telemetry": {"logLevel": "Debug"}}, {"telemetry.logLevel"}, id="log level"),
        pytest.param({"startBalances": {"USDT": "1"}}, {"startBalances"}, id="start balances as one"),
        pytest.param({"client": {}}, {"client.log_level", "client.telemetry"}, id="client fields"),
        pytest.param(
            {"controllers": [CONTROLLER | {"config": {"id": "maker", "spread": 0.002, "leverage": 1}}]},
            {"controllers.maker.yml.spread"},
            id="controller field",
        ),
        pytest.param(
            {"controllers": [CONTROLLER | {"config": {"id": "maker", "leverage": 1}}]},
            {"controllers.maker.yml.spread"},
            id="controller field taken out",
        ),
        pytest.param(
            {"controllers": [CONTROLLER | {"config": CONTROLLER["config"] | {"leverage": True}}]},
            {"controllers.maker.yml.leverage"},
            id="one and true are not the same",
        ),
        pytest.param(
            {"controllers": [CONTROLLER | {"config": CONTROLLER["config"] | {"stop": None}}]},
            {"controllers.maker.yml.stop"},
            id="null and absent are not the same",
        ),
        pytest.param(
            {"controllers": [CONTROLLER, {"file": "second.yml", "config": {"id": "b"}}]},
            {"controllers.second.yml", "controllers.second.yml.id"},
            id="another controller",
        ),
        pytest.param({"codeSha256": "sha256:01"}, {"codeSha256"}, id="code"),
    ],
)
def test_changed_paths_name_what_differs(edit: dict[str, Any], paths: set[str]) -> None:
    assert changed_paths(_config(), _config(**edit)) == paths
    assert changed_paths(_config(**edit), _config()) == paths


def test_changed_paths_are_empty_exactly_when_the_content_is_the_same() -> None:
    one, other = _config().sealed(), _config().sealed(boot_revision="sha256:ff")
    assert changed_paths(one, other) == frozenset()
    assert one.content_revision() == other.content_revision()


@pytest.mark.parametrize(
    "path",
    [
        "digest",
        "limits.maxOrderNotionalQuote",
        "limits.allowedPairs",
        "telemetry.logLevel",
        "client.log_level",
        "controllers.maker.yml.spread",
    ],
)
def test_running_bot_takes_what_is_known_to_be_hot(path: str) -> None:
    assert restart_paths([path], updatable={"spread"}) == frozenset()


@pytest.mark.parametrize(
    "path",
    [
        "controllers.maker.yml.leverage",
        "controllers.maker.yml",
        "controllers.spread",
        "telemetry.csvBufferRows",
        "mode",
        "totalAmountQuote",
        "codeSha256",
        "market.connector",
        "spread",
        "limits",
    ],
)
def test_everything_else_asks_for_a_restart(path: str) -> None:
    assert restart_paths([path, "digest"], updatable={"spread"}) == {path}
