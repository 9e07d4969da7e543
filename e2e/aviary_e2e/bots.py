"""Bots as the scenarios speak of them: making one, and reading what the board, the pod and the bot itself say."""

import json
from dataclasses import dataclass
from typing import Any

from aviary_crds.botstate import BotState
from aviary_crds.conditions import Condition, find_condition
from aviary_crds.labels import API_VERSION, BOT_HTTP_PORT, BOT_LABEL
from aviary_crds.v1alpha1.tradingbot import Mode, TradingBotStatus

from aviary_e2e.kubectl import Kubectl, Manifest
from aviary_e2e.waiting import until

BOT_IMAGE = "aviary.local/bot:0.1.0"


def bot_manifest(
    name: str,
    namespace: str,
    *,
    connector: str = "bitget",
    pairs: tuple[str, ...] = ("BTC-USDT",),
    desk: str | None = "demo",
    **spec: Any,
) -> Manifest:
    """Return a market maker on the simulated venue; ``spec`` overrides fields of the spec and of its safety."""
    body: dict[str, Any] = {
        "mode": "Paper",
        "image": BOT_IMAGE,
        "strategy": {
            "controller": "simple_market_maker",
            "parameters": {"spreads_bps": [5], "refresh_seconds": 10},
        },
        "market": {"connector": connector, "tradingPairs": list(pairs)},
        "capital": {"totalAmountQuote": "1000"},
        # the simulated market is so lively that the capital is turned over many times a day
        "safety": {"maxOrderNotionalQuote": "600", "maxDailyTurnoverBps": 10_000_000, **spec.pop("safety", {})},
        **spec,
    }
    if desk:
        body["deskRef"] = {"name": desk}
    return {
        "apiVersion": API_VERSION,
        "kind": "TradingBot",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }


@dataclass(frozen=True)
class Bot:
    """A TradingBot on a cluster."""

    kubectl: Kubectl
    name: str
    namespace: str

    @property
    def pod_name(self) -> str:
        """Name of the bot's pod, as its StatefulSet names it."""
        return f"{self.name}-0"

    def manifest(self) -> Manifest:
        """Return the TradingBot.

        Raises:
            LookupError: when there is none.
        """
        found = self.kubectl.get("tradingbot", self.name, self.namespace)
        if found is None:
            raise LookupError(f"no TradingBot {self.namespace}/{self.name}")
        return found

    def status(self) -> TradingBotStatus:
        """Return the TradingBot's status."""
        return TradingBotStatus.model_validate(self.manifest().get("status", {}))

    def condition(self, type_: str) -> Condition | None:
        """Return a condition that is about the present generation, or None."""
        manifest = self.manifest()
        status = TradingBotStatus.model_validate(manifest.get("status", {}))
        found = find_condition(status.conditions, type_)
        return found if found and found.observed_generation == manifest["metadata"]["generation"] else None

    def pod(self) -> Manifest | None:
        """Return the bot's pod, or None."""
        return self.kubectl.get("pod", self.pod_name, self.namespace)

    def state(self) -> BotState:
        """Return what the bot says about itself, through the API server's proxy."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{self.pod_name}:{BOT_HTTP_PORT}/proxy/state"
        return BotState.model_validate(json.loads(self.kubectl.raw_get(path)))

    def children(self) -> dict[str, list[str]]:
        """Return the names of what belongs to the bot, by kind; kinds without any are left out."""
        kinds = (
            "statefulset",
            "pod",
            "configmap",
            "service",
            "serviceaccount",
            "networkpolicy",
            "persistentvolumeclaim",
        )
        selector = f"{BOT_LABEL}={self.name}"
        found = {
            kind: [item["metadata"]["name"] for item in self.kubectl.items(kind, self.namespace, selector=selector)]
            for kind in kinds
        }
        return {kind: names for kind, names in found.items() if names}

    def wait_condition(self, type_: str, status: str, *, seconds: float, reason: str | None = None) -> Condition:
        """Wait until a condition has ``status`` (and ``reason``) for the present generation, and return it."""

        def probe() -> Condition | None:
            found = self.condition(type_)
            matches = found is not None and found.status == status and reason in {None, found.reason}
            return found if matches else None

        return until(f"{self.name}: {type_}={status} {reason or ''}", probe, seconds=seconds)

    def wait_ready(self, *, seconds: float = 90) -> Condition:
        """Wait until the bot is Ready."""
        return self.wait_condition("Ready", "True", seconds=seconds)

    def wait_fills(self, *, at_least: int = 1, seconds: float = 120) -> BotState:
        """Wait until the bot says it has had ``at_least`` fills, and return what it says."""

        def probe() -> BotState | None:
            state = self.state()
            return state if state.figures.fills >= at_least else None

        return until(f"{self.name}: {at_least} fills", probe, seconds=seconds, poll_seconds=0.5)

    def granted(self) -> Mode | None:
        """Return the mode the bot may trade in."""
        return self.status().granted_mode

    def expected_orders(self) -> int:
        """Return how many orders simple_market_maker rests at most: one a side, level and pair."""
        spec = self.manifest()["spec"]
        return 2 * len(spec["strategy"]["parameters"]["spreads_bps"]) * len(spec["market"]["tradingPairs"])

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of the bot's log since its process started."""
        return self.kubectl.logs(self.pod_name, self.namespace)

    def child_versions(self) -> dict[str, str]:
        """Return the generation or resource version of each child that only the operator writes."""
        versions = {}
        for kind in ("statefulset", "configmap", "service", "serviceaccount", "networkpolicy"):
            for item in self.kubectl.items(kind, self.namespace, selector=f"{BOT_LABEL}={self.name}"):
                metadata = item["metadata"]
                # other controllers write a StatefulSet's status: its generation counts writes of the spec only
                versions[f"{kind}/{metadata['name']}"] = str(metadata.get("generation", metadata["resourceVersion"]))
        return versions
