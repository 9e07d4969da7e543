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

GATE_TEMPLATE_LABEL: Final = f"{GROUP}/gate-template"
"""On a gate of the catalogue (``manifests/gates``) and on those made from it; the value is the template's name."""

GATE_TEMPLATE_VERSION_LABEL: Final = f"{GROUP}/gate-template-version"
"""Beside ``GATE_TEMPLATE_LABEL``: a whole number that rises with every change of what the template asks."""

DESCRIPTION_ANNOTATION: Final = "kubernetes.io/description"
"""Kubernetes' own annotation: what an object is for, in a line for people."""

REPORT_LABEL: Final = f"{GROUP}/report"
"""On a ConfigMap that holds a report for a gate. Who puts it on, and who changes what carries it, needs ATTEST_VERB."""

REPORT_LABEL_VALUE: Final = "true"
"""The one value of ``REPORT_LABEL`` with which a ConfigMap counts as evidence."""

APPROVE_VERB: Final = "approve"
"""RBAC verb on a PromotionGate that a PromotionApproval of type Approval or Acknowledgement needs."""

BREAKGLASS_VERB: Final = "breakglass"
"""RBAC verb on a PromotionGate that a PromotionApproval of type BreakGlass needs."""

ATTEST_VERB: Final = "attest"
"""RBAC verb on the PromotionGates of a namespace that a ConfigMap with ``REPORT_LABEL`` needs: who may be believed."""

FIELD_MANAGER_GATE: Final = "aviary-gate-controller"
"""Server-side apply field manager of the gate controller."""

FIELD_MANAGER_BOT: Final = "aviary-bot-controller"
"""Server-side apply field manager of the bot controller."""

EVENT_REPORTER: Final = f"{GROUP}/operator"

BOT_CONTAINER: Final = "bot"
BOT_HTTP_PORT: Final = 8080
"""Port of ``/livez /readyz /state /metrics /control`` in a bot's pod."""

CONTROL_TOKEN_HEADER: Final = "X-Aviary-Control-Token"  # noqa: S105  the name of a header
