"""Names: the keys of the work queue, and what a bot's children are called.

Children have fixed names derived from the bot's, so that nothing has to be remembered: what should exist can be named
without looking.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, override

from aviary_crds.labels import BOT_LABEL, GROUP, MANAGED_BY, MANAGED_BY_LABEL, PART_LABEL

INPUTS_ANNOTATION: Final = f"{GROUP}/pod-inputs"
"""On the ConfigMap: hash of everything outside ``bot.json`` that a restart would change, such as the image."""

MANIFEST_ANNOTATION: Final = f"{GROUP}/manifest"
"""On every child: hash of the manifest it was applied with; tells a field that is no longer wanted."""

LONGEST_BOT_NAME: Final = 52
"""A pod carries the label ``controller-revision-hash: NAME-HASH`` of at most 63 characters; the hash takes 11."""

_SERVICE_NAME: Final = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What is reconciled: one object of one of the API's kinds."""

    kind: Literal["TradingBot", "TradingDesk", "PromotionGate", "PromotionApproval"]
    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


def bot_key(namespace: str, name: str) -> Key:
    """Return the key of a TradingBot."""
    return Key("TradingBot", namespace, name)


def desk_key(namespace: str, name: str) -> Key:
    """Return the key of a TradingDesk."""
    return Key("TradingDesk", namespace, name)


def gate_key(namespace: str, name: str) -> Key:
    """Return the key of a PromotionGate."""
    return Key("PromotionGate", namespace, name)


def approval_key(namespace: str, name: str) -> Key:
    """Return the key of a PromotionApproval."""
    return Key("PromotionApproval", namespace, name)


def find_name_problem(name: str) -> str | None:
    """Return why children cannot be named after a bot of this name, or None."""
    if len(name) > LONGEST_BOT_NAME:
        return f"the name has {len(name)} characters; at most {LONGEST_BOT_NAME} fit into the names of its pod"
    if not _SERVICE_NAME.fullmatch(name):
        return (
            "a Service cannot have this name: use lower-case letters, digits and '-', "
            "begin with a letter and end with a letter or digit"
        )
    return None


def child_labels(bot: str) -> dict[str, str]:
    """Return the labels of every child of the bot."""
    return {
        BOT_LABEL: bot,
        MANAGED_BY_LABEL: MANAGED_BY,
        PART_LABEL: "bot",
        "app.kubernetes.io/name": "aviary-bot",
        "app.kubernetes.io/instance": bot,
    }


def claim_name(bot: str) -> str:
    """Return the name of the bot's PersistentVolumeClaim."""
    return f"data-{bot}"


def pod_name(bot: str) -> str:
    """Return the name of the bot's one pod."""
    return f"{bot}-0"
