"""One namespace of a real API server with a simulated node and a real operator in this process."""

import asyncio
import contextlib
import copy
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aviary_operator.gates.measuring import Pace
from aviary_operator.main import run
from aviary_operator.runtime.kinds import POD, STATEFUL_SET, TRADING_BOT, TRADING_DESK, Manifest
from aviary_operator.runtime.kube import KubeApi
from aviary_operator.settings import OperatorSettings

from aviary_operator_simulation.cluster import Write, free_port, read_writes
from aviary_operator_simulation.node import SimulatedNode

DEADLINE_SECONDS: Final = 60.0

BOT_SPEC: Final[Mapping[str, Any]] = {
    "image": "aviary.local/bot:1",
    "strategy": {"controller": "simple_market_maker", "parameters": {"spreads_bps": [10, 20], "refresh_seconds": 15}},
    "market": {"connector": "bitget", "tradingPairs": ["BTC-USDT"]},
    "capital": {"totalAmountQuote": "1000"},
}
"""The smallest bot that trades on paper."""

CEILINGS: Final[Mapping[str, Any]] = {
    "modes": ["Disabled", "NoTrade", "Paper"],
    "connectors": ["bitget", "bitget_perpetual"],
    "tradingPairs": ["BTC-USDT", "ETH-USDT"],
    "maxOrderNotionalQuote": "200",
    "maxBotNotionalQuote": "1500",
    "maxTotalNotionalQuote": "2500",
    "maxLeverage": 3,
}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` merged in, as a JSON merge patch does."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


class OperatorThread:
    """An operator with an event loop of its own: when it stops, kopf cancels every task of its loop."""

    def __init__(self, settings: OperatorSettings, bot_port: int, pace: Pace) -> None:
        self._settings = settings
        self._bot_port = bot_port
        self._pace = pace
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="operator", daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it, wait, and raise what it raised."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_SECONDS)
        if self._thread.is_alive():
            raise AssertionError("the operator does not stop")
        if self._error is not None:
            raise self._error

    def raise_if_ended(self) -> None:
        """Raise when it has ended by itself."""
        if not self._thread.is_alive():
            raise AssertionError("the operator has ended") from self._error

    def _run(self) -> None:
        async def operate() -> None:
            self._loop = asyncio.get_running_loop()
            await run(self._settings, stop=self._stop, bot_port=self._bot_port, pace=self._pace)

        try:
            asyncio.run(operate())
        except BaseException as error:  # noqa: BLE001  raised again by stop()
            self._error = error


@dataclass
class World:
    """What a test works with."""

    kube: KubeApi
    namespace: str
    node: SimulatedNode
    user: str
    audit_log: Path
    bot_port: int
    resync_seconds: float = 300
    evidence_dir: Path | None = None
    floor_seconds: int = 7_200
    pace: Pace = field(default_factory=Pace)
    home: str | None = None
    """Namespace of the operator itself; this one when None."""
    beside: tuple[str, ...] = ()
    """Other namespaces that its operator serves as well."""
    _operator: "OperatorThread | None" = None

    async def start_operator(self) -> None:
        """Start an operator for this namespace and those ``beside`` it; KUBECONFIG must be that of ``user``."""
        settings = OperatorSettings(
            namespace=self.home or self.namespace,
            watch_namespaces=(self.namespace, *self.beside),
            http_port=free_port(),
            workers=4,
            resync_seconds=self.resync_seconds,
            evidence_dir=self.evidence_dir,
            floor_seconds=self.floor_seconds,
        )
        self._operator = OperatorThread(settings, self.bot_port, self.pace)
        self._operator.start()

    async def stop_operator(self) -> None:
        """Stop it as SIGTERM would, and raise what it raised."""
        operator, self._operator = self._operator, None
        if operator is not None:
            await asyncio.to_thread(operator.stop)

    async def apply_bot(self, name: str, **changes: Any) -> Manifest:
        """Apply a TradingBot: the smallest one with ``changes`` merged into its spec."""
        manifest = {
            "apiVersion": TRADING_BOT.api_version,
            "kind": TRADING_BOT.kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": merged(BOT_SPEC, changes),
        }
        return await self.kube.apply(TRADING_BOT, manifest, manager="desk")

    async def apply_desk(self, name: str, **changes: Any) -> Manifest:
        """Apply a TradingDesk with ``changes`` merged into its ceilings."""
        manifest = {
            "apiVersion": TRADING_DESK.api_version,
            "kind": TRADING_DESK.kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"ceilings": merged(CEILINGS, changes)},
        }
        return await self.kube.apply(TRADING_DESK, manifest, manager="desk")

    async def bot(self, name: str) -> Manifest:
        """Return the TradingBot as it is now."""
        found = await self.kube.get(TRADING_BOT, self.namespace, name)
        if found is None:
            raise AssertionError(f"no TradingBot {name}")
        return found

    async def pod_uid(self, name: str) -> str | None:
        """Return the uid of the bot's pod."""
        pod = await self.kube.get(POD, self.namespace, f"{name}-0")
        return pod["metadata"]["uid"] if pod else None

    async def boot_revision(self, name: str) -> str | None:
        """Return the boot revision in the bot's StatefulSet."""
        item = await self.kube.get(STATEFUL_SET, self.namespace, name)
        if item is None:
            return None
        return str(item["spec"]["template"]["metadata"]["annotations"]["aviary.trading/boot-revision"])

    async def until_condition(
        self, name: str, type_: str, *, status: str | None = None, reason: str | None = None, message: str = ""
    ) -> dict[str, Any]:
        """Wait for a condition of the current generation and return it."""

        async def holds() -> dict[str, Any] | None:
            bot = await self.bot(name)
            found = find_condition(bot, type_)
            if (
                found is not None
                and found["observedGeneration"] == bot["metadata"]["generation"]
                and status in {None, found["status"]}
                and reason in {None, found["reason"]}
                and message in found["message"]
            ):
                return found
            return None

        async def tell() -> str:
            return str((await self.bot(name)).get("status"))

        return await self.until(holds, tell=tell)

    async def until[T](
        self,
        check: Callable[[], Awaitable[T | None]],
        *,
        seconds: float = DEADLINE_SECONDS,
        tell: Callable[[], Awaitable[str]] | None = None,
    ) -> T:
        """Wait until ``check`` returns something true and return it; raise AssertionError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            found = await check()
            if found:
                return found
            if self._operator is not None:
                self._operator.raise_if_ended()
            if time.monotonic() > deadline:
                detail = await tell() if tell else ""
                raise AssertionError(f"not so within {seconds} s: {detail}")
            await asyncio.sleep(0.05)

    def writes(self) -> list[Write]:
        """Return what the operator has written in the namespace so far."""
        return read_writes(self.audit_log, user=self.user, namespace=self.namespace)

    async def until_quiet(self, *, seconds: float = 2.0) -> int:
        """Wait until the operator has not written for ``seconds``; return how often it wrote in all."""
        last, since, deadline = len(self.writes()), time.monotonic(), time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() - since < seconds:
            if time.monotonic() > deadline:
                raise AssertionError(f"still writing: {self.writes()[-5:]}")
            await asyncio.sleep(0.1)
            now = len(self.writes())
            if now != last:
                last, since = now, time.monotonic()
        return last

    async def close(self) -> None:
        """Stop the operator, whatever it says."""
        with contextlib.suppress(Exception):
            await self.stop_operator()


def find_condition(bot: Manifest, type_: str) -> dict[str, Any] | None:
    """Return the condition of this type."""
    conditions: list[dict[str, Any]] = (bot.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == type_), None)
