import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from aviary_crds.labels import API_VERSION, GROUP, VERSION
from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

type Create = Callable[..., dict[str, Any]]
type Kubectl = Callable[..., subprocess.CompletedProcess[str]]

_APPLY = "application/apply-patch+yaml"


@pytest.mark.parametrize("kind", ["bot", "desk"])
def test_applying_twice_changes_nothing_and_diff_is_clean(
    kind: str, minimal_bot: dict[str, Any], minimal_desk: dict[str, Any], kubectl: Kubectl
) -> None:
    manifest = minimal_bot if kind == "bot" else minimal_desk
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"

    def apply() -> str:
        applied = kubectl("apply", "--server-side", "-f", "-", given=manifest)
        assert applied.returncode == 0, applied.stderr
        return kubectl("get", name, "-o", "jsonpath={.metadata.resourceVersion}").stdout

    assert apply() == apply()
    difference = kubectl("diff", "--server-side", "-f", "-", given=manifest)
    assert (difference.returncode, difference.stdout) == (0, ""), difference.stderr


def test_client_side_apply_is_clean_too(minimal_bot: dict[str, Any], kubectl: Kubectl) -> None:
    applied = kubectl("apply", "-f", "-", given=minimal_bot)
    assert applied.returncode == 0, applied.stderr
    difference = kubectl("diff", "-f", "-", given=minimal_bot)
    assert (difference.returncode, difference.stdout) == (0, ""), difference.stderr


def test_two_appliers_each_own_their_condition(
    minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    create(minimal_bot)

    def apply(manager: str, *types: str) -> list[str]:
        conditions = [
            {"type": type_, "status": "True", "reason": "Said", "lastTransitionTime": "2026-11-21T11:00:00Z"}
            for type_ in types
        ]
        stored: Any = custom_objects.patch_namespaced_custom_object_status(
            GROUP,
            VERSION,
            namespace,
            "tradingbots",
            "btc-maker",
            {"apiVersion": API_VERSION, "kind": "TradingBot", "status": {"conditions": conditions}},
            field_manager=manager,
            _content_type=_APPLY,
        )
        return sorted(condition["type"] for condition in stored["status"].get("conditions", []))

    assert apply("operator", "Ready", "ModeGranted") == ["ModeGranted", "Ready"]
    assert apply("killer", "Halted") == ["Halted", "ModeGranted", "Ready"]
    assert apply("operator", "Ready") == ["Halted", "Ready"]


def test_two_appliers_each_own_their_pairs_of_a_desk(
    minimal_desk: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    create(minimal_desk)

    def apply(manager: str, *pairs: str) -> set[str]:
        stored: Any = custom_objects.patch_namespaced_custom_object(
            GROUP,
            VERSION,
            namespace,
            "tradingdesks",
            "main",
            {"apiVersion": API_VERSION, "kind": "TradingDesk", "spec": {"ceilings": {"tradingPairs": list(pairs)}}},
            field_manager=manager,
            _content_type=_APPLY,
        )
        return set(stored["spec"]["ceilings"]["tradingPairs"])

    base = set(minimal_desk["spec"]["ceilings"]["tradingPairs"])
    assert apply("git", "SOL-USDT") == base | {"SOL-USDT"}
    assert apply("risk", "XRP-USDT") == base | {"SOL-USDT", "XRP-USDT"}
    assert apply("git", "ADA-USDT") == base | {"ADA-USDT", "XRP-USDT"}


def test_a_reference_is_replaced_as_a_whole(minimal_bot: dict[str, Any], kubectl: Kubectl) -> None:
    strategy = minimal_bot["spec"]["strategy"]
    strategy["code"] = {"configMapRef": {"name": "one", "key": "one.py"}}
    assert kubectl("apply", "--server-side", "--field-manager=git", "-f", "-", given=minimal_bot).returncode == 0
    strategy["code"] = {"configMapRef": {"name": "two", "key": "one.py"}}
    taken = kubectl("apply", "--server-side", "--field-manager=person", "-f", "-", given=minimal_bot)
    assert taken.returncode != 0
    assert ".spec.strategy.code.configMapRef" in taken.stderr
    assert "configMapRef.name" not in taken.stderr


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        pytest.param(
            {"market": {"connector": "binance"}},
            "the connector of a bot cannot change: its history belongs to one venue; make a new TradingBot",
            id="connector",
        ),
        pytest.param(
            {"storage": {"size": "2Gi"}}, "the volume of a bot cannot change; make a new TradingBot", id="volume size"
        ),
        pytest.param({"storage": {"storageClassName": "fast"}}, "the volume of a bot cannot change", id="volume class"),
        pytest.param({"mode": "Live"}, "mode Testnet and Live need gateRef", id="mode without a gate"),
        pytest.param({"market": {"leverage": 3}}, "leverage above 1 needs a perpetual connector", id="leverage"),
    ],
)
def test_a_change_is_refused_with_words_a_person_can_act_on(
    patch: dict[str, Any],
    words: str,
    minimal_bot: dict[str, Any],
    create: Create,
    custom_objects: CustomObjectsApi,
    namespace: str,
) -> None:
    create(minimal_bot)
    with pytest.raises(ApiException, match=words):
        custom_objects.patch_namespaced_custom_object(
            GROUP,
            VERSION,
            namespace,
            "tradingbots",
            "btc-maker",
            {"spec": patch},
            field_validation="Strict",
            _content_type="application/merge-patch+json",
        )


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"mode": "Disabled"}, id="mode"),
        pytest.param({"market": {"tradingPairs": ["ETH-USDT"]}}, id="pairs"),
        pytest.param({"safety": {"maxOrderNotionalQuote": "100"}}, id="envelope"),
        pytest.param({"storage": {"size": "1Gi"}}, id="the same volume"),
    ],
)
def test_what_may_change_changes(
    patch: dict[str, Any],
    minimal_bot: dict[str, Any],
    create: Create,
    custom_objects: CustomObjectsApi,
    namespace: str,
) -> None:
    create(minimal_bot)
    stored: Any = custom_objects.patch_namespaced_custom_object(
        GROUP,
        VERSION,
        namespace,
        "tradingbots",
        "btc-maker",
        {"spec": patch},
        _content_type="application/merge-patch+json",
    )
    part, value = next(iter(patch.items()))
    kept = {key: stored["spec"][part][key] for key in value} if isinstance(value, dict) else stored["spec"][part]
    assert kept == value


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        pytest.param({"botRef": {"name": "other"}}, "the bot of a gate cannot change", id="bot"),
        pytest.param({"from": "Testnet"}, "the step of a gate cannot change", id="from"),
        pytest.param({"to": "Testnet"}, "the step of a gate cannot change", id="to"),
    ],
)
def test_bot_and_step_of_a_gate_are_for_ever(
    patch: dict[str, Any],
    words: str,
    minimal_gate: dict[str, Any],
    create: Create,
    custom_objects: CustomObjectsApi,
    namespace: str,
) -> None:
    create(minimal_gate)
    with pytest.raises(ApiException, match=words):
        _patch(custom_objects, namespace, "promotiongates", "to-live", patch)


@pytest.mark.parametrize(
    "patch",
    [
        {"gateRef": {"name": "other"}},
        {"digest": "sha256:" + "f" * 64},
        {"type": "BreakGlass"},
        {"type": "Acknowledgement", "check": "fills"},
        {"approver": "mallory"},
        {"reason": "changed my mind after the fact"},
        {"validSeconds": 7200},
    ],
    ids=lambda patch: next(iter(patch)),
)
def test_an_approval_is_for_ever(
    patch: dict[str, Any],
    minimal_approval: dict[str, Any],
    create: Create,
    custom_objects: CustomObjectsApi,
    namespace: str,
) -> None:
    create(minimal_approval)
    with pytest.raises(ApiException, match="an approval cannot be changed; delete it and make a new one"):
        _patch(custom_objects, namespace, "promotionapprovals", "to-live-1", patch)


def test_the_check_of_an_acknowledgement_is_for_ever(
    minimal_approval: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    minimal_approval["spec"] |= {"type": "Acknowledgement", "check": "fills"}
    create(minimal_approval)
    for patch in ({"check": "rejects"}, {"check": None}, {"check": None, "type": "Approval"}):
        with pytest.raises(ApiException, match=r"an approval cannot be changed|names the check"):
            _patch(custom_objects, namespace, "promotionapprovals", "to-live-1", patch)


def _patch(objects: CustomObjectsApi, namespace: str, plural: str, name: str, spec: dict[str, Any]) -> None:
    objects.patch_namespaced_custom_object(
        GROUP,
        VERSION,
        namespace,
        plural,
        name,
        {"spec": spec},
        field_validation="Strict",
        _content_type="application/merge-patch+json",
    )
