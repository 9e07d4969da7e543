"""Argo CD shows of every kind what is true, and never green of what it cannot read."""

import copy
from typing import Any

import pytest
from aviary_crds.kinds import KINDS
from aviary_crds.labels import API_VERSION
from aviary_crds.manifests import check_manifest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua51

from manifests.tests.argo_lua import STATUSES, BadHealthError, Health, run_health
from manifests.tests.cases import CUSTOMIZATIONS, Case, find_cases, read_script

CASES = find_cases()
HEALTHY = [case for case in CASES if case.expected.status == "Healthy"]
KIND_NAMES = sorted(kind.kind for kind in KINDS)
INVALID = {"TradingDesk/degraded_invalid", "PromotionGate/degraded_invalid"}
"""Objects that are older than a rule of the API."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "True", "False", "Ready", "Live", "Lost"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


def find_places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything in ``value``."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in find_places(item, (*path, key)))]


def put(obj: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return ``obj`` with ``value`` at ``path``."""
    changed: Any = copy.deepcopy(obj)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    result: dict[str, Any] = changed
    return result


def conditions(obj: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conditions of an object, and nothing of what has none."""
    status = obj.get("status")
    found = status.get("conditions") if isinstance(status, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_health_is_as_its_case_says(case: Case) -> None:
    assert run_health(read_script(case.kind), case.read()) == case.expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_an_object_as_the_api_server_holds_it(case: Case) -> None:
    obj = case.read()
    assert (obj["apiVersion"], obj["kind"]) == (API_VERSION, case.kind)
    assert {"uid", "resourceVersion", "creationTimestamp", "generation"} <= set(obj["metadata"])
    assert "managedFields" not in obj["metadata"]
    faults = check_manifest(obj, source=case.name)
    assert bool(faults) == (case.name in INVALID), faults


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_name_of_a_case_says_its_health(case: Case) -> None:
    assert case.path.stem.split("_")[0].capitalize() == case.expected.status


def test_every_kind_of_the_api_has_a_script_and_cases_of_what_it_can_be() -> None:
    assert KIND_NAMES
    assert sorted(folder.name for folder in CUSTOMIZATIONS.iterdir()) == KIND_NAMES
    for kind in KIND_NAMES:
        assert {"Healthy", "Degraded", "Progressing"} <= {case.expected.status for case in CASES if case.kind == kind}


def test_every_test_file_has_its_case() -> None:
    files = {file for file in CUSTOMIZATIONS.rglob("testdata/*") if file.is_file()}
    assert {case.path for case in CASES} == files


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"metadata": None, "spec": None, "status": None},
        {"metadata": "m", "spec": "s", "status": "s"},
        {"metadata": {}, "status": {}},
        {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}},
        {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": "Ready"}},
        {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": {"type": "Ready"}}},
        {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": ["Ready", 1, None, []]}},
        {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        {
            "metadata": {"generation": 1},
            "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True", "message": {}}]},
        },
    ],
)
def test_object_that_cannot_be_read_is_progressing(kind: str, hostile: dict[str, Any]) -> None:
    assert run_health(read_script(kind), hostile).status == "Progressing"


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata", "deletionTimestamp"), "2026-11-25T12:00:00Z"),
        (("metadata", "generation"), 99),
        (("metadata", "generation"), "1"),
        (("metadata", "generation"), None),
        (("metadata",), None),
        (("status", "observedGeneration"), 0),
        (("status", "observedGeneration"), None),
        (("status", "conditions"), []),
        (("status", "conditions"), None),
        (("status", "conditions"), "Ready"),
        (("status",), None),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else repr(value),
)
def test_healthy_object_is_not_healthy_without_what_says_so(case: Case, path: tuple[str, ...], value: Any) -> None:
    assert run_health(read_script(case.kind), put(case.read(), path, value)).status == "Progressing"


@pytest.mark.parametrize("case", HEALTHY, ids=lambda case: case.name)
def test_healthy_object_whose_ready_condition_is_old_or_unknown_is_not_healthy(case: Case) -> None:
    obj = case.read()
    place = next(number for number, item in enumerate(conditions(obj)) if item["type"] == "Ready")
    for key, value in (
        ("observedGeneration", 0),
        ("observedGeneration", None),
        ("status", "Unknown"),
        ("type", "ready"),
    ):
        changed = put(obj, ("status", "conditions", place, key), value)
        assert run_health(read_script(case.kind), changed).status == "Progressing", key


@given(data=st.data())
@settings(deadline=None)
def test_no_damage_to_a_real_object_breaks_a_script(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    obj = case.read()
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path in find_places(obj) if path]
        obj = put(obj, data.draw(st.sampled_from(places)), data.draw(JSON)) if places else obj
    health = run_health(read_script(case.kind), obj)
    assert health.status in STATUSES
    if health.status != "Healthy":
        return
    generation = obj["metadata"]["generation"]
    assert "deletionTimestamp" not in obj["metadata"] or obj["metadata"]["deletionTimestamp"] is None
    assert obj["status"]["observedGeneration"] == generation
    assert all(item.get("status") != "True" for item in conditions(obj) if item.get("type") in ("Stalled", "Halted"))
    ready = next(item for item in conditions(obj) if item.get("type") == "Ready")
    assert ready["observedGeneration"] == generation
    assert ready["status"] == "True" or (ready["reason"], obj["spec"]["mode"]) == ("Disabled", "Disabled")


@given(obj=st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON), kind=st.sampled_from(KIND_NAMES))
@settings(deadline=None)
def test_what_is_no_object_at_all_is_progressing(obj: dict[str, Any], kind: str) -> None:
    assert run_health(read_script(kind), obj).status == "Progressing"


@pytest.mark.parametrize(
    "script",
    [
        "return os.time()",
        'return io.open("/etc/passwd")',
        'return {status = string.upper("healthy"), message = ""}',
        'return {status = ("Healthy"):lower(), message = ""}',
        'return {status = obj.kind.name, message = ""}',
        'return {status = math.floor(1), message = ""}',
        'return require("os")',
        'return python.eval("1")',
        "return",
        'return "Healthy"',
        'return {status = "Fine", message = ""}',
        'return {status = "Healthy", message = {}}',
        'return {status = "Healthy"',
    ],
)
def test_what_argo_cd_would_refuse_is_refused_here(script: str) -> None:
    with pytest.raises((BadHealthError, lua51.LuaError)):
        run_health(script, {"kind": "TradingBot"})


def test_numbers_are_as_in_argo_cd() -> None:
    script = 'return {status = obj.a == 3 and type(obj.a) == "number" and "Healthy", message = tostring(obj.a)}'
    assert run_health(script, {"a": 3}) == Health("Healthy", "3")
