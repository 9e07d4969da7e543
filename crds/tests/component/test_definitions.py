import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from aviary_crds.kinds import KINDS, Kind
from aviary_crds.labels import GROUP, VERSION
from kubernetes.client import ApiClient, ApiextensionsV1Api, CustomObjectsApi
from kubernetes.client.exceptions import ApiException

type Create = Callable[..., dict[str, Any]]
type Kubectl = Callable[..., subprocess.CompletedProcess[str]]

ALL_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


@ALL_KINDS
def test_definition_is_established_without_complaint(kind: Kind, api_client: ApiClient) -> None:
    extensions = ApiextensionsV1Api(api_client)
    deadline = time.monotonic() + 30
    said: dict[str, str] = {}
    while said.get("Established") != "True" and time.monotonic() < deadline:
        definition = extensions.read_custom_resource_definition(f"{kind.plural}.{GROUP}")
        assert definition.status is not None
        said = {condition.type: condition.status for condition in definition.status.conditions or ()}
    # a schema that is not structural would be a third condition, NonStructuralSchema
    assert said == {"NamesAccepted": "True", "Established": "True"}


def test_spec_and_status_are_written_apart(
    minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    made = create(minimal_bot | {"status": {"grantedMode": "Live"}})
    assert "status" not in made

    where = (GROUP, VERSION, namespace, "tradingbots", "btc-maker")
    change = {"spec": {"mode": "Disabled"}, "status": {"grantedMode": "Paper"}}
    told: Any = custom_objects.patch_namespaced_custom_object_status(
        *where, change, _content_type="application/merge-patch+json"
    )
    assert (told["spec"]["mode"], told["status"]["grantedMode"]) == ("Paper", "Paper")
    assert told["metadata"]["generation"] == 1

    changed: Any = custom_objects.patch_namespaced_custom_object(
        *where,
        {"spec": {"mode": "Disabled"}, "status": {"grantedMode": "Live"}},
        _content_type="application/merge-patch+json",
    )
    assert (changed["spec"]["mode"], changed["status"]["grantedMode"]) == ("Disabled", "Paper")
    assert changed["metadata"]["generation"] == 2


def test_status_gets_no_figure_that_nobody_observed(
    minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str
) -> None:
    create(minimal_bot)
    stored: Any = custom_objects.patch_namespaced_custom_object_status(
        GROUP,
        VERSION,
        namespace,
        "tradingbots",
        "btc-maker",
        {"status": {"podName": "btc-maker-0"}},
        _content_type="application/merge-patch+json",
    )
    assert stored["status"] == {"podName": "btc-maker-0"}


@ALL_KINDS
def test_objects_cannot_be_scaled(kind: Kind, custom_objects: CustomObjectsApi, namespace: str) -> None:
    with pytest.raises(ApiException) as caught:
        custom_objects.get_namespaced_custom_object_scale(GROUP, VERSION, namespace, kind.plural, "any")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("spec.mode=Paper", ["paper"]),
        ("spec.mode=Disabled", ["off"]),
        ("spec.mode=Live", []),
        ("spec.market.connector=bitget", ["off", "paper"]),
        ("spec.market.connector=binance", []),
    ],
)
def test_bots_are_selected_by_mode_and_connector(
    selector: str,
    found: list[str],
    minimal_bot: dict[str, Any],
    create: Create,
    custom_objects: CustomObjectsApi,
    namespace: str,
) -> None:
    create(minimal_bot | {"metadata": {"name": "paper"}})
    create(minimal_bot | {"metadata": {"name": "off"}, "spec": minimal_bot["spec"] | {"mode": "Disabled"}})
    listed: Any = custom_objects.list_namespaced_custom_object(
        GROUP, VERSION, namespace, "tradingbots", field_selector=selector
    )
    assert sorted(bot["metadata"]["name"] for bot in listed["items"]) == found


def test_kubectl_shows_bots_as_a_board(
    minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str, kubectl: Kubectl
) -> None:
    create(minimal_bot)
    since = "2026-11-21T11:00:00Z"
    status = {
        "grantedMode": "Paper",
        "digest": "sha256:00",
        "observed": {"equityQuote": "1003.2", "dayPnlQuote": "-0.8", "openOrders": 4, "fills": 17},
        "conditions": [
            {"type": "ConfigInSync", "status": "False", "reason": "RestartRequired", "lastTransitionTime": since},
            {
                "type": "Ready",
                "status": "True",
                "reason": "Running",
                "message": "trading on paper",
                "lastTransitionTime": since,
            },
        ],
    }
    custom_objects.patch_namespaced_custom_object_status(
        GROUP,
        VERSION,
        namespace,
        "tradingbots",
        "btc-maker",
        {"status": status},
        _content_type="application/merge-patch+json",
    )
    board = kubectl("get", "tbot").stdout.splitlines()
    assert " ".join(board[0].split()) == (
        "NAME MODE GRANTED READY STRATEGY PAIR EQUITY DAY PNL ORDERS FILLS MESSAGE AGE"
    )
    assert " ".join(board[1].split()).startswith(
        "btc-maker Paper Paper True pmm_simple BTC-USDT 1003.2 -0.8 4 17 trading on paper"
    )
    wide = kubectl("get", "tbot", "-o", "wide").stdout.splitlines()
    assert wide[0].split()[-5:] == ["CONNECTOR", "IN", "SYNC", "GUARD", "DIGEST"]
    assert wide[1].split()[-3:] == ["bitget", "False", "sha256:00"]


def test_category_lists_all_kinds_at_once(
    minimal_bot: dict[str, Any], minimal_desk: dict[str, Any], create: Create, kubectl: Kubectl
) -> None:
    create(minimal_bot)
    create(minimal_desk)
    assert kubectl("get", "aviary", "-o", "name").stdout.split() == [
        "tradingbot.aviary.trading/btc-maker",
        "tradingdesk.aviary.trading/main",
    ]


def test_kubectl_refuses_a_misspelled_field_by_default(minimal_bot: dict[str, Any], kubectl: Kubectl) -> None:
    minimal_bot["spec"]["safety"] = {"maxLeverge": 2}
    refused = kubectl("apply", "--server-side", "-f", "-", given=minimal_bot)
    assert refused.returncode != 0
    assert "maxLeverge" in refused.stderr


def test_kubectl_waits_for_ready(
    minimal_bot: dict[str, Any], create: Create, custom_objects: CustomObjectsApi, namespace: str, kubectl: Kubectl
) -> None:
    create(minimal_bot)
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Running",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-21T11:00:00Z",
    }
    custom_objects.patch_namespaced_custom_object_status(
        GROUP,
        VERSION,
        namespace,
        "tradingbots",
        "btc-maker",
        {"status": {"observedGeneration": 1, "conditions": [ready]}},
        _content_type="application/merge-patch+json",
    )
    waited = kubectl("wait", "--for=condition=Ready", "--timeout=10s", "tbot/btc-maker")
    assert waited.returncode == 0, waited.stderr
