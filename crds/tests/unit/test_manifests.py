from pathlib import Path
from typing import Any

import pytest
import yaml
from aviary_crds.__main__ import main
from aviary_crds.manifests import check_manifest, check_manifests


def test_models_refuse_with_words_a_person_can_act_on(refused_manifest: dict[str, Any], model_says: list[str]) -> None:
    told = "\n".join(str(fault) for fault in check_manifest(refused_manifest, source="bot.yaml"))
    assert told, "the model took it"
    assert [words for words in model_says if words not in told] == [], told


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "objects.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_minimal_objects_have_no_fault(minimal_bot: dict[str, Any], minimal_desk: dict[str, Any]) -> None:
    assert check_manifest(minimal_bot, source="bot.yaml") == []
    assert check_manifest(minimal_desk, source="desk.yaml") == []


def test_object_as_the_api_server_returns_it_has_no_fault(minimal_bot: dict[str, Any]) -> None:
    minimal_bot["metadata"] |= {"uid": "7f0c", "generation": 2, "managedFields": [{"manager": "kubectl"}]}
    minimal_bot["status"] = {"grantedMode": "Paper", "ofTheFuture": 1}
    assert check_manifest(minimal_bot, source="bot.yaml") == []


def test_fault_names_file_document_field_and_remedy(
    tmp_path: Path, minimal_desk: dict[str, Any], minimal_bot: dict[str, Any]
) -> None:
    minimal_bot["spec"]["market"]["tradingPairs"] = ["BTC-USDT", "ETHUSDT"]
    path = _written(tmp_path, yaml.safe_dump_all([minimal_desk, minimal_bot]))
    checked, faults = check_manifests([path])
    assert checked == 2
    message = "a trading pair is BASE-QUOTE in upper case with a hyphen, such as BTC-USDT"
    assert [str(fault) for fault in faults] == [f"{path}#2: spec.market.tradingPairs[1]: {message}"]


def test_all_faults_of_an_object_are_told_at_once(minimal_bot: dict[str, Any]) -> None:
    minimal_bot["spec"] |= {"image": "bot:latest", "capital": {"totalAmountQuote": 5}, "leverge": 2}
    fields = {fault.field for fault in check_manifest(minimal_bot, source="bot.yaml")}
    assert fields == {"spec.image", "spec.capital.totalAmountQuote", "spec.leverge"}


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        pytest.param("{when: 2026-11-21}", "parameters.when", id="a date"),
        pytest.param("{deep: [{1: a}]}", "parameters.deep[0]: the key 1 must be a string", id="a key that is a number"),
        pytest.param("{spread: .nan}", "parameters.spread", id="not a number"),
        pytest.param("{spread: .inf}", "parameters.spread", id="infinity"),
    ],
)
def test_parameters_that_json_cannot_carry_are_found_before_they_are_applied(
    parameters: str, where: str, minimal_bot: dict[str, Any]
) -> None:
    minimal_bot["spec"]["strategy"]["parameters"] = yaml.safe_load(parameters)
    (fault,) = check_manifest(minimal_bot, source="bot.yaml")
    assert fault.field == "spec.strategy.parameters"
    assert where in fault.message
    assert "put it in quotes" in fault.message


@pytest.mark.parametrize(
    "wrong", [{"kind": "TradingBots"}, {"apiVersion": "aviary.trading/v1"}, {"kind": None}], ids=str
)
def test_unknown_kind_of_this_group_is_a_fault(wrong: dict[str, Any], minimal_bot: dict[str, Any]) -> None:
    (fault,) = check_manifest(minimal_bot | wrong, source="bot.yaml")
    assert fault.field == "kind"
    assert "TradingBot, TradingDesk" in fault.message


def test_objects_of_others_and_empty_documents_are_passed_over(tmp_path: Path) -> None:
    path = _written(tmp_path, "---\n---\napiVersion: v1\nkind: Secret\n---\n- a list\n---\njust text\n")
    assert check_manifests([path]) == (0, [])


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tkey: 1"])
def test_file_that_is_no_yaml_is_a_fault(text: str, tmp_path: Path) -> None:
    path = _written(tmp_path, text)
    checked, (fault,) = check_manifests([path])
    assert checked == 0
    assert "cannot be read as YAML" in fault.message
    assert "\n" not in str(fault)


def test_validate_fails_for_a_missing_file_and_goes_on(
    tmp_path: Path, minimal_bot: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    good = _written(tmp_path, yaml.safe_dump(minimal_bot))
    assert main(["validate", str(tmp_path / "absent.yaml"), str(good)]) == 1
    told = capsys.readouterr()
    assert "absent.yaml" in told.err
    assert told.out == "1 objects of aviary.trading checked, 1 faults\n"


def test_validate_succeeds_for_good_manifests(
    tmp_path: Path, minimal_bot: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(_written(tmp_path, yaml.safe_dump(minimal_bot)))]) == 0
    assert capsys.readouterr().err == ""


def test_validate_searches_folders(
    tmp_path: Path, minimal_bot: dict[str, Any], minimal_desk: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "bot.yaml").write_text(yaml.safe_dump(minimal_bot), encoding="utf-8")
    (tmp_path / "deep" / "deeper" / "desk.yml").write_text(yaml.safe_dump(minimal_desk), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("a: [", encoding="utf-8")
    assert main(["validate", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "2 objects of aviary.trading checked, 0 faults\n"


def test_validate_of_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_validate_asks_for_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["validate"])
    assert caught.value.code == 2
    assert "PATH" in capsys.readouterr().err
