"""The StatefulSet and its pod: one replica, restricted, and restarted by nobody but the operator.

``updateStrategy: OnDelete`` is on purpose (docs/adr/0011): a restart of a bot is a trading action, and a controller
that restarts pods when a template changes would make one of every operator upgrade. The layout is that of
docs/design/bot-contract.md.
"""

from typing import Any, Final

from aviary_crds.botconfig import BOOT_REVISION_ENV, CONFIG_DIR, VENUE_CA_FILE
from aviary_crds.labels import BOOT_REVISION_ANNOTATION, BOT_CONTAINER, BOT_HTTP_PORT, BOT_LABEL, MODE_LABEL
from aviary_crds.v1alpha1.tradingbot import ResourceAmounts

from aviary_operator.bots.names import child_labels, claim_name
from aviary_operator.bots.podinputs import Applied, PodInputs
from aviary_operator.bots.records import BotRecord
from aviary_operator.bots.render.children import child_meta
from aviary_operator.bots.render.config import STOP_BUDGET_SECONDS
from aviary_operator.runtime.kinds import STATEFUL_SET, Manifest

NOBODY: Final = 65534
GRACE_SECONDS: Final = STOP_BUDGET_SECONDS + 15
"""The engine's budget, and what the launcher needs before and after it."""

_HOME: Final = "/home/hummingbot"
_HUNG_GRACE_SECONDS: Final = 15
"""For a process that failed its liveness probe: it hardly hears SIGTERM, and the full grace would only delay."""


def render_stateful_set(bot: BotRecord, applied: Applied, *, replicas: int) -> Manifest:
    """Return the StatefulSet whose pod runs ``applied``; ``replicas`` is 0 for a bot that is Disabled, else 1."""
    config, pod = applied.config, applied.pod
    labels = {**child_labels(bot.name), MODE_LABEL: config.mode.value}
    return {
        "apiVersion": STATEFUL_SET.api_version,
        "kind": STATEFUL_SET.kind,
        "metadata": child_meta(bot, bot.name),
        "spec": {
            "replicas": replicas,
            "serviceName": bot.name,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "selector": {"matchLabels": {BOT_LABEL: bot.name}},
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {
                        BOOT_REVISION_ANNOTATION: config.boot_revision,
                        "kubectl.kubernetes.io/default-container": BOT_CONTAINER,
                    },
                },
                "spec": {
                    "serviceAccountName": bot.name,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": GRACE_SECONDS,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": NOBODY,
                        "runAsGroup": NOBODY,
                        "fsGroup": NOBODY,
                        "fsGroupChangePolicy": "OnRootMismatch",
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "hostAliases": [{"ip": address, "hostnames": list(names)} for address, names in pod.hosts],
                    "containers": [render_container(config.boot_revision, pod)],
                    "volumes": [
                        {"name": "config", "configMap": {"name": bot.name, "defaultMode": 0o444}},
                        {"name": "data", "persistentVolumeClaim": {"claimName": claim_name(bot.name)}},
                        {"name": "conf", "emptyDir": {"sizeLimit": "16Mi"}},
                        {"name": "logs", "emptyDir": {"sizeLimit": "256Mi"}},
                        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
                    ],
                },
            },
        },
    }


def render_container(boot_revision: str, pod: PodInputs) -> dict[str, Any]:
    """Return the bot's container."""
    env = [{"name": BOOT_REVISION_ENV, "value": boot_revision}]
    if pod.authorities:
        env.append({"name": "SSL_CERT_FILE", "value": f"{CONFIG_DIR}/{VENUE_CA_FILE}"})
    return {
        "name": BOT_CONTAINER,
        "image": pod.image,
        "imagePullPolicy": "IfNotPresent",
        "env": env,
        "ports": [{"name": "http", "containerPort": BOT_HTTP_PORT, "protocol": "TCP"}],
        "startupProbe": _probe("/startupz", periodSeconds=1, failureThreshold=300),
        "livenessProbe": _probe(
            "/livez", periodSeconds=5, failureThreshold=6, terminationGracePeriodSeconds=_HUNG_GRACE_SECONDS
        ),
        "readinessProbe": _probe("/readyz", periodSeconds=1, failureThreshold=2),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": _amounts(pod.requests), "limits": _amounts(pod.limits)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
            {"name": "data", "mountPath": f"{_HOME}/data"},
            {"name": "conf", "mountPath": f"{_HOME}/conf"},
            {"name": "logs", "mountPath": f"{_HOME}/logs"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  a mount point
        ],
    }


def _probe(path: str, **figures: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 5, **figures}


def _amounts(amounts: ResourceAmounts) -> dict[str, str]:
    return amounts.model_dump(exclude_none=True)
