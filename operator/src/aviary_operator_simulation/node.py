"""Plays StatefulSet controller and kubelet on a real API server: makes pods, runs a simulated bot in each."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aviary_crds.botconfig import BOT_JSON, CONTROL_TOKEN_FILE, BotConfig
from aviary_crds.labels import BOOT_REVISION_ANNOTATION, BOT_CONTAINER, BOT_LABEL
from aviary_operator.runtime.kinds import CONFIG_MAP, POD, STATEFUL_SET, Manifest
from aviary_operator.runtime.kube import ApiError, KubeApi

from aviary_operator_simulation.bot import Lie, SimulatedBot

_MANAGER: Final = "simulated-node"


class SimulatedNode:
    """Runs the pods of one namespace, each at an address 127.SUBNET.x.y of its own, all on one port."""

    def __init__(self, kube: KubeApi, namespace: str, *, port: int, subnet: int, period: float = 0.05) -> None:
        self._kube = kube
        self._namespace = namespace
        self._port = port
        self._subnet = subnet
        self._period = period
        self._made = 0
        self.bots: dict[str, SimulatedBot] = {}
        """Running bots by name."""
        self.waiting: dict[str, tuple[str, str]] = {}
        """Bots whose container waits, with reason and message, such as ErrImagePull."""
        self.crashed: dict[str, tuple[int, str]] = {}
        """Bots whose container has ended, with exit code and message."""
        self.unschedulable: dict[str, str] = {}
        self.liars: dict[str, Lie] = {}
        """Bots whose process answers with what this makes of the truth, from its start on."""
        self.makes_pods = True
        self._running: dict[str, str] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator["SimulatedNode"]:
        """Work until the block ends."""
        task = asyncio.create_task(self._work(), name="simulated node")
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for bot in self.bots.values():
                await bot.stop()

    async def _work(self) -> None:
        while True:
            with contextlib.suppress(ApiError):  # an object that changed meanwhile: next round
                await self._round()
            await asyncio.sleep(self._period)

    async def _round(self) -> None:
        sets = {item["metadata"]["name"]: item for item in await self._kube.list(STATEFUL_SET, self._namespace)}
        pods = {
            item["metadata"]["labels"].get(BOT_LABEL): item
            for item in await self._kube.list(POD, self._namespace, labels=BOT_LABEL)
        }
        for name in list(self.bots):
            pod = pods.get(name)
            if pod is None or pod["metadata"]["uid"] != self._running.get(name):
                await self.bots.pop(name).stop()
                self._running.pop(name, None)
        for name, item in sets.items():
            await self._follow_template(item)
            pod = pods.get(name)
            if pod is None and item["spec"]["replicas"] and self.makes_pods:
                pod = await self._kube.create(POD, _build_pod(item))
            if pod is not None and not item["spec"]["replicas"]:
                await self._kube.delete(POD, self._namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])
            elif pod is not None:
                await self._tend(name, pod)

    async def _follow_template(self, item: Manifest) -> None:
        wanted = {"observedGeneration": item["metadata"]["generation"], "updateRevision": _revision(item)}
        status = item.get("status") or {}
        if any(status.get(key) != value for key, value in wanted.items()):
            await self._set_status(STATEFUL_SET.kind, item["metadata"]["name"], {"replicas": 1, **wanted})

    async def _tend(self, name: str, pod: Manifest) -> None:
        if name not in self.bots and not self._is_kept_down(name):
            await self._start_bot(name, pod)
        status = self._build_status(name)
        live = pod.get("status") or {}
        if any(live.get(key) != value for key, value in status.items()):
            await self._set_status(POD.kind, pod["metadata"]["name"], status)

    def _is_kept_down(self, name: str) -> bool:
        return name in self.waiting or name in self.crashed or name in self.unschedulable

    async def _start_bot(self, name: str, pod: Manifest) -> None:
        config_map = await self._kube.get(CONFIG_MAP, self._namespace, name)
        data = (config_map or {}).get("data") or {}
        if BOT_JSON not in data:
            return
        config = BotConfig.model_validate_json(data[BOT_JSON])
        if config.boot_revision != pod["metadata"]["annotations"].get(BOOT_REVISION_ANNOTATION):
            return  # as the launcher does: it waits for the right file
        self._made += 1
        address = f"127.{self._subnet}.{self._made // 250}.{self._made % 250 + 1}"
        bot = SimulatedBot(config, data[CONTROL_TOKEN_FILE], address=address, port=self._port)
        bot.lie = self.liars.get(name)
        await bot.start()
        self.bots[name] = bot
        self._running[name] = pod["metadata"]["uid"]

    def _build_status(self, name: str) -> dict[str, Any]:
        if name in self.unschedulable:
            blocked = {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": self.unschedulable[name],
            }
            return {"phase": "Pending", "conditions": [blocked]}
        bot = self.bots.get(name)
        ready = bot is not None and bot.read_state().ready and not self._is_kept_down(name)
        container: dict[str, Any] = {
            "name": BOT_CONTAINER,
            "image": "simulated",
            "imageID": "simulated@sha256:0",
            "ready": ready,
            "restartCount": 1 if name in self.crashed else 0,
            "state": self._container_state(name, bot),
        }
        status: dict[str, Any] = {
            "phase": "Running" if bot else "Pending",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [container],
        }
        if bot is not None:
            status |= {"podIP": bot.address, "podIPs": [{"ip": bot.address}]}
        return status

    def _container_state(self, name: str, bot: SimulatedBot | None) -> dict[str, Any]:
        if name in self.waiting:
            reason, message = self.waiting[name]
            return {"waiting": {"reason": reason, "message": message}}
        if name in self.crashed:
            code, message = self.crashed[name]
            return {"terminated": {"exitCode": code, "reason": "Error", "message": message}}
        if bot is None:
            return {"waiting": {"reason": "ContainerCreating"}}
        return {"running": {"startedAt": bot.started.strftime("%Y-%m-%dT%H:%M:%SZ")}}

    async def _set_status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        which = POD if kind == POD.kind else STATEFUL_SET
        manifest = {
            "apiVersion": which.api_version,
            "kind": kind,
            "metadata": {"name": name, "namespace": self._namespace},
            "status": status,
        }
        await self._kube.apply_status(which, manifest, manager=_MANAGER)


def _build_pod(item: Manifest) -> Manifest:
    template, meta = item["spec"]["template"], item["metadata"]
    labels = {**template["metadata"]["labels"], "controller-revision-hash": _revision(item)}
    owner = {
        "apiVersion": STATEFUL_SET.api_version,
        "kind": STATEFUL_SET.kind,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{meta['name']}-0",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }


def _revision(item: Manifest) -> str:
    text = json.dumps(item["spec"]["template"], sort_keys=True)
    return f"{item['metadata']['name']}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
