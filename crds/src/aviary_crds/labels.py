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

FIELD_MANAGER_BOT: Final = "aviary-bot-controller"
"""Server-side apply field manager of the bot controller."""

EVENT_REPORTER: Final = f"{GROUP}/operator"

BOT_CONTAINER: Final = "bot"
BOT_HTTP_PORT: Final = 8080
"""Port of ``/livez /readyz /state /metrics /control`` in a bot's pod."""

CONTROL_TOKEN_HEADER: Final = "X-Aviary-Control-Token"  # noqa: S105  the name of a header
