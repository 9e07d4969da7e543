"""What a restart would change besides ``bot.json``: image, resources, venue addresses, authorities, code.

From the spec and the cluster, never from the pod template: a new operator that renders the same bot differently
restarts nothing. Kept with the applied configuration, so that a change that is held back is held back whole.
"""

import json
from dataclasses import dataclass
from typing import Any

from aviary_crds.botconfig import BOT_JSON, CODE_FILE, VENUE_CA_FILE, BotConfig
from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.tradingbot import ResourceAmounts, TradingBotSpec
from pydantic import ValidationError

from aviary_operator.bots.names import INPUTS_ANNOTATION
from aviary_operator.bots.records import ChildRecord


@dataclass(frozen=True, slots=True)
class PodInputs:
    """Everything about a pod that comes from the spec, the desk or the code, and is not in ``bot.json``."""

    image: str
    requests: ResourceAmounts
    limits: ResourceAmounts
    hosts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Addresses and the names each answers for."""
    authorities: str = ""
    """PEM of the authorities trusted instead of the public ones; empty without venue overrides."""
    code: str | None = None
    """Source of the strategy, when the bot brings its own."""

    def summary(self) -> dict[str, Any]:
        """Return the part that is stored beside the texts, which have keys of their own in the ConfigMap."""
        return {
            "image": self.image,
            "requests": self.requests.model_dump(exclude_none=True),
            "limits": self.limits.model_dump(exclude_none=True),
            "hosts": [[address, list(names)] for address, names in self.hosts],
        }

    def digest(self) -> str:
        """Return the hash of all of it."""
        texts = {"authorities": sha256_hex(self.authorities.encode()), "code": sha256_hex((self.code or "").encode())}
        return sha256_hex(canonical_json({**self.summary(), **texts}))


@dataclass(frozen=True, slots=True)
class Applied:
    """The configuration in the bot's ConfigMap: the last one that was let through."""

    config: BotConfig
    pod: PodInputs


def build_pod_inputs(
    spec: TradingBotSpec, *, hosts: tuple[tuple[str, tuple[str, ...]], ...], authorities: str, code: str | None
) -> PodInputs:
    """Return the inputs a spec asks for."""
    return PodInputs(
        image=spec.image,
        requests=spec.resources.requests,
        limits=spec.resources.limits,
        hosts=hosts,
        authorities=authorities,
        code=code,
    )


def read_applied(child: ChildRecord | None) -> Applied | None:
    """Return what a ConfigMap says was applied; None when it is not there, cannot be read or was edited by hand."""
    if child is None:
        return None
    data: dict[str, Any] = child.body.get("data") or {}
    annotations = child.body["metadata"].get("annotations") or {}
    try:
        config = BotConfig.read_sealed(data.get(BOT_JSON, ""))
        stored = json.loads(annotations.get(INPUTS_ANNOTATION, ""))
        inputs = PodInputs(
            image=str(stored["image"]),
            requests=ResourceAmounts.model_validate(stored["requests"]),
            limits=ResourceAmounts.model_validate(stored["limits"]),
            hosts=tuple((str(address), tuple(names)) for address, names in stored["hosts"]),
            authorities=data.get(VENUE_CA_FILE, ""),
            code=data.get(CODE_FILE),
        )
    except (ValidationError, ValueError, KeyError, TypeError):
        return None
    intact = config.code_sha256 == (None if inputs.code is None else sha256_hex(inputs.code.encode()))
    return Applied(config, inputs) if intact else None
