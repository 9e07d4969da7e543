"""Manifests of a bot's children other than its pod: what each is, and nothing about whether it exists."""

import json
from collections.abc import Sequence
from typing import Any, Final

from aviary_crds.botconfig import BOT_JSON, CODE_FILE, CONTROL_TOKEN_FILE, VENUE_CA_FILE
from aviary_crds.digest import canonical_json
from aviary_crds.labels import BOT_HTTP_PORT, BOT_LABEL, REVISION_ANNOTATION
from aviary_crds.v1alpha1.tradingbot import Storage

from aviary_operator.bots.names import INPUTS_ANNOTATION, child_labels, claim_name
from aviary_operator.bots.podinputs import Applied
from aviary_operator.bots.records import BotRecord
from aviary_operator.bots.render.venue import Venue
from aviary_operator.runtime.kinds import (
    CONFIG_MAP,
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    TRADING_BOT,
    VOLUME_CLAIM,
    Kind,
    Manifest,
)

_TLS_PORT: Final = 443
_BINANCE_STREAM_PORT: Final = 9443
_NAMESPACE_NAME_LABEL: Final = "kubernetes.io/metadata.name"
_LINK_LOCAL: Final = "169.254.0.0/16"
"""Cloud metadata services live here; no venue does."""


def child_meta(bot: BotRecord, name: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the metadata of a child: labels to find it by, and the bot as its controlling owner."""
    return {
        "name": name,
        "namespace": bot.namespace,
        "labels": child_labels(bot.name),
        "annotations": dict(annotations or {}),
        "ownerReferences": [
            {
                "apiVersion": TRADING_BOT.api_version,
                "kind": TRADING_BOT.kind,
                "name": bot.name,
                "uid": bot.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def render_service_account(bot: BotRecord) -> Manifest:
    """Return the ServiceAccount: an identity for policies, without a token."""
    return _manifest(SERVICE_ACCOUNT, child_meta(bot, bot.name), automountServiceAccountToken=False)


def render_config_map(bot: BotRecord, applied: Applied, *, token_fingerprint: str) -> Manifest:
    """Return the ConfigMap that is mounted at ``/etc/aviary``. It also is the operator's memory of what was applied."""
    config, pod = applied.config, applied.pod
    body = config.model_dump(mode="json", by_alias=True)
    data = {
        BOT_JSON: json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n",
        CONTROL_TOKEN_FILE: token_fingerprint,
    }
    if pod.code is not None:
        data[CODE_FILE] = pod.code
    if pod.authorities:
        data[VENUE_CA_FILE] = pod.authorities
    inputs = canonical_json(pod.summary()).decode()
    meta = child_meta(bot, bot.name, {REVISION_ANNOTATION: config.revision, INPUTS_ANNOTATION: inputs})
    return _manifest(CONFIG_MAP, meta, data=data)


def render_volume_claim(bot: BotRecord, storage: Storage) -> Manifest:
    """Return the PersistentVolumeClaim: an object of its own, so that deleting the bot deletes it."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class_name is not None:
        spec["storageClassName"] = storage.storage_class_name
    return _manifest(VOLUME_CLAIM, child_meta(bot, claim_name(bot.name)), spec=spec)


def render_service(bot: BotRecord) -> Manifest:
    """Return the headless Service: the pod's name, also while it is not ready, since ``/state`` is asked then too."""
    return _manifest(
        SERVICE,
        child_meta(bot, bot.name),
        spec={
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {BOT_LABEL: bot.name},
            "ports": [{"name": "http", "port": BOT_HTTP_PORT, "protocol": "TCP", "targetPort": "http"}],
        },
    )


def render_network_policy(
    bot: BotRecord,
    *,
    connector: str,
    venues: Sequence[Venue],
    operator_namespace: str,
    metrics_label: tuple[str, str] | None,
) -> Manifest:
    """Return the NetworkPolicy: in from operator and metrics, out to names and the venue; nothing else.

    With venue overrides only the pods behind them are reachable; without, port 443 of the world, since venues have no
    fixed addresses.
    """
    callers = [{"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME_LABEL: operator_namespace}}}]
    if metrics_label is not None:
        callers.append({"namespaceSelector": {"matchLabels": dict([metrics_label])}})
    names = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    venue_rules = [_venue_rule(venue) for venue in venues] if venues else [_world_rule(connector)]
    return _manifest(
        NETWORK_POLICY,
        child_meta(bot, bot.name),
        spec={
            "podSelector": {"matchLabels": {BOT_LABEL: bot.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": callers, "ports": [{"protocol": "TCP", "port": BOT_HTTP_PORT}]}],
            "egress": [{"ports": names}, *venue_rules],
        },
    )


def _venue_rule(venue: Venue) -> dict[str, Any]:
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME_LABEL: venue.namespace}}}
    if venue.pod_labels:
        peer["podSelector"] = {"matchLabels": dict(venue.pod_labels)}
    return {"to": [peer], "ports": [{"protocol": "TCP", "port": venue.port}]}


def _world_rule(connector: str) -> dict[str, Any]:
    # Binance's spot stream is on 9443
    ports = [_TLS_PORT] + ([_BINANCE_STREAM_PORT] if connector.startswith("binance") else [])
    return {
        "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [_LINK_LOCAL]}}, {"ipBlock": {"cidr": "::/0"}}],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def _manifest(kind: Kind, meta: dict[str, Any], **content: Any) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, **content}
