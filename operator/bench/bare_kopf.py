"""The operator that a kopf tutorial leads to: handlers that write a status, and on request create six children."""

import os
from typing import Any

import kopf
from aviary_operator.runtime.kinds import (
    CONFIG_MAP,
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
    Manifest,
)
from aviary_operator.runtime.kube import DynamicKubeApi, connect
from aviary_operator.runtime.metrics import Metrics

KIND = ("aviary.trading", "v1alpha1", "tradingbots")
_client: list[DynamicKubeApi] = []


def build_children(name: str) -> list[tuple[Kind, Manifest]]:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "bot", "image": "aviary.local/bot:1"}]},
    }
    return [
        (SERVICE_ACCOUNT, {}),
        (CONFIG_MAP, {"data": {"bot.json": "x" * 4000}}),
        (VOLUME_CLAIM, {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        (SERVICE, {"spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": 8080}]}}),
        (NETWORK_POLICY, {"spec": {"podSelector": {"matchLabels": labels}}}),
        (STATEFUL_SET, {"spec": {"selector": {"matchLabels": labels}, "serviceName": name, "template": template}}),
    ]


@kopf.on.startup()
async def open_client(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.scanning.disabled = True
    settings.posting.enabled = False
    _client.append(await connect(Metrics()))


@kopf.on.create(*KIND)
@kopf.on.update(*KIND)
@kopf.on.resume(*KIND)
async def reconcile(name: str, namespace: str | None, meta: kopf.Meta, patch: kopf.Patch, **_: Any) -> None:
    if os.environ.get("AVIARY_BENCH_CHILDREN"):
        for kind, content in build_children(name):
            manifest = {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "metadata": {"name": name, "namespace": namespace},
                **content,
            }
            kopf.adopt(manifest)
            await _client[0].create(kind, manifest)
    patch.status["observedGeneration"] = meta["generation"]
