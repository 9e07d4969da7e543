"""Names that tie objects together: the API group, labels, annotations and field managers.

One home for them, because a label that is spelled differently in two parts is an object that nobody finds.
"""

from typing import Final

GROUP: Final = "aviary.trading"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "aviary"

BOT_LABEL: Final = f"{GROUP}/bot"
"""On every child of a TradingBot; the value is the bot's name."""

MODE_LABEL: Final = f"{GROUP}/mode"
"""On a bot's pod: the granted mode it was started in."""

PART_LABEL: Final = "app.kubernetes.io/component"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "aviary-operator"

REVISION_ANNOTATION: Final = f"{GROUP}/revision"
"""On the ConfigMap: the revision of the configuration it carries."""

BOOT_REVISION_ANNOTATION: Final = f"{GROUP}/boot-revision"
"""On the StatefulSet's pod template: the revision a pod is started for. Hot changes leave it as it is."""

APPROVE_RESTART_ANNOTATION: Final = f"{GROUP}/approve-restart"
"""Set by a person on a TradingBot with ``updatePolicy: Manual``: the pending revision that may restart the bot."""

CHANGED_BY_ANNOTATION: Final = f"{GROUP}/changed-by"
"""On a TradingBot: the user who last changed its spec; where the desk asks for two persons the API server checks it."""

GATE_LABEL: Final = f"{GROUP}/gate"
"""On a Job that a gate's check runs, and on its pod; the value is the gate's name."""

CHECK_LABEL: Final = f"{GROUP}/check"
"""On a Job that a gate's check runs, and on its pod; the value is the check's name."""

BREAK_GLASS_VERB: Final = "breakglass"
"""RBAC verb on a PromotionGate that a PromotionApproval of type BreakGlass needs."""

FIELD_MANAGER_GATE: Final = "aviary-gate-controller"
"""Server-side apply field manager of the gate controller."""

FIELD_MANAGER_BOT: Final = "aviary-bot-controller"
"""Server-side apply field manager of the bot controller."""

EVENT_REPORTER: Final = f"{GROUP}/operator"

BOT_CONTAINER: Final = "bot"
BOT_HTTP_PORT: Final = 8080
"""Port of ``/livez /readyz /state /metrics /control`` in a bot's pod."""

CONTROL_TOKEN_HEADER: Final = "X-Aviary-Control-Token"  # noqa: S105  the name of a header
