"""What a bot is made of: its configuration, its StatefulSet, its Service and its pods, edited by hand."""

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from aviary_crds.botconfig import BOT_JSON, BotConfig
from aviary_crds.labels import BOOT_REVISION_ANNOTATION, BOT_LABEL, MODE_LABEL, REVISION_ANNOTATION
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import CONFIG_MAP, POD, SERVICE, STATEFUL_SET, TRADING_BOT, Kind, Manifest
from aviary_operator_simulation.bot import SimulatedBot

from ..attempt import Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import ALPHA, OPEN_ALPHA, OPEN_YOUNG  # noqa: TID252
from ..manifests import OPEN  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252

_NO_GRANT = "GatePending"
_LIVE = {MODE_LABEL: "Live"}

type Change = Callable[[Manifest], dict[str, Any]]


def attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    for victim, who in ((ALPHA, "tara"), (ALPHA, "carla"), (OPEN_ALPHA, "mallory")):
        yield _mended("configuration says Live", who, victim, CONFIG_MAP, _live_configuration)
        yield _mended("configuration says Live, under its true hash", who, victim, CONFIG_MAP, _sealed_configuration)
    for victim, who in ((ALPHA, "carla"), (OPEN_ALPHA, "mallory")):
        yield _mended("configuration's revision forged", who, victim, CONFIG_MAP, _revision)
        yield _mended("StatefulSet's environment", who, victim, STATEFUL_SET, _environment)
        yield _mended("Service turned to other pods", who, victim, SERVICE, _selector)
        yield _mended("StatefulSet of two, by edit", who, victim, STATEFUL_SET, lambda _: {"spec": {"replicas": 2}})
    for label in (BOT_LABEL, MODE_LABEL):
        yield _left("label of the bot's own object", "tara", ALPHA, f"{label}=Live", {label: "Live"})
        yield _left("label of the bot's own object", "mallory", OPEN_ALPHA, f"{label}=Live", {label: "Live"})
    two = {"spec": {"replicas": 2}}
    yield _refused(
        "StatefulSet scaled to 2", "carla", partial(_scale, who="carla", victim=ALPHA, change=two), "it is not scaled"
    )
    yield Attempt(
        what="StatefulSet scaled to 2",
        who="mallory",
        victim=OPEN_ALPHA,
        stopped_by=Stop.OPERATOR,
        because=_NO_GRANT,
        act=partial(_scaled_and_mended, victim=OPEN_ALPHA, change=two),
    )
    template = {"spec": {"template": {"metadata": {"labels": _LIVE}}}}
    yield _refused(
        "StatefulSet's pods labelled Live",
        "carla",
        partial(_merge, kind=STATEFUL_SET, who="carla", victim=ALPHA, change=template),
        "only the operator",
    )
    yield _mended("StatefulSet's pods labelled Live", "mallory", OPEN_ALPHA, STATEFUL_SET, lambda _: template)
    yield _refused("pod labelled Live", "carla", partial(_label_pod, who="carla", victim=ALPHA), "only the operator")
    yield Attempt(
        what="pod labelled Live",
        who="mallory",
        victim=OPEN_ALPHA,
        stopped_by=Stop.OPERATOR,
        because=_NO_GRANT,
        act=partial(_label_pod, who="mallory", victim=OPEN_ALPHA),
    )
    yield _refused(
        "a Live pod of one's own", "carla", partial(_rogue_pod, who="carla", victim=ALPHA), "only the operator"
    )
    yield _refused(
        "image that the node reports, forged",
        "carla",
        partial(_forge_image, who="carla", victim=ALPHA),
        "reported by its node",
    )
    for who, victim in (("eddy", ALPHA), ("vera", ALPHA)):
        act = partial(_merge, kind=CONFIG_MAP, who=who, victim=victim, change={"data": {BOT_JSON: "{}"}})
        if who == "vera":
            yield Attempt(
                what="configuration edited",
                who=who,
                victim=victim,
                act=act,
                stopped_by=Stop.RIGHTS,
                because="cannot patch",
            )
        else:
            yield _mended("configuration emptied", who, victim, CONFIG_MAP, lambda _: {"data": {BOT_JSON: "{}"}})
    yield Attempt(
        what="a pod with the bot's label that answers well",
        who="mallory",
        victim=OPEN_YOUNG,
        before=Before.NOT_LIVE,
        act=_rogue_answers,
        stopped_by=Stop.OPERATOR,
        because="GatePending",
        undo=_remove_rogue,
    )
    yield Attempt(
        what="configuration taken off its owner",
        who="mallory",
        victim=OPEN_ALPHA,
        act=_orphaned,
        stopped_by=Stop.OPERATOR,
        because="GatePending",
    )


def _refused(what: str, who: str, act: Callable[[Stage], Awaitable[None]], because: str) -> Attempt:
    return Attempt(what=what, who=who, victim=ALPHA, act=act, stopped_by=Stop.ADMISSION, because=because)


def _mended(what: str, who: str, victim: Victim, kind: Kind, change: Change) -> Attempt:
    """Return an attempt to edit a child, which the operator must put right."""

    async def act(stage: Stage) -> None:
        before = await stage.read(kind, victim.namespace, victim.bot)
        edited = await stage.person(who).merge(kind, victim.namespace, victim.bot, change(before))
        assert _content(edited) != _content(before), "nothing was edited"
        await _until_mended(stage, kind, victim, before)

    return Attempt(what=what, who=who, victim=victim, act=act, stopped_by=Stop.OPERATOR, because=_NO_GRANT)


def _left(what: str, who: str, victim: Victim, shown: str, labels: dict[str, str]) -> Attempt:
    async def act(stage: Stage) -> None:
        meta = {
            "metadata": {"labels": labels, "annotations": {f"{key}-granted": value for key, value in labels.items()}}
        }
        await stage.person(who).merge(TRADING_BOT, victim.namespace, victim.bot, meta)

    return Attempt(
        what=f"{what}, {shown}", who=who, victim=victim, act=act, stopped_by=Stop.OPERATOR, because=_NO_GRANT
    )


async def _until_mended(stage: Stage, kind: Kind, victim: Victim, before: Manifest) -> None:
    async def is_mended() -> bool:
        return _content(await stage.read(kind, victim.namespace, victim.bot)) == _content(before)

    await stage.until(is_mended, seconds=20, tell=f"{kind.kind} of {victim} is not mended")


def _content(item: Manifest) -> dict[str, Any]:
    meta = {key: item["metadata"].get(key) for key in ("labels", "annotations", "ownerReferences")}
    return {**{key: item.get(key) for key in ("spec", "data")}, "metadata": meta}


def _configuration(item: Manifest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(item["data"][BOT_JSON])
    return {**document, "mode": "Live", "grantedMode": "Live", "totalAmountQuote": "100000"}


def _live_configuration(item: Manifest) -> dict[str, Any]:
    return {"data": {BOT_JSON: json.dumps(_configuration(item))}}


def _sealed_configuration(item: Manifest) -> dict[str, Any]:
    config = BotConfig.model_validate(_configuration(item)).sealed()
    marks = {REVISION_ANNOTATION: config.revision, BOOT_REVISION_ANNOTATION: config.boot_revision}
    return {
        "metadata": {"annotations": marks, "labels": _LIVE_HERE},
        "data": {BOT_JSON: config.model_dump_json(by_alias=True)},
    }


_LIVE_HERE = {"aviary.trading/granted": "Live"}
"""Not the label of a Live child, which admission would refuse: what comes after is to be proven."""


def _revision(_: Manifest) -> dict[str, Any]:
    return {"metadata": {"annotations": {REVISION_ANNOTATION: "sha256:" + "0" * 64}}}


def _environment(item: Manifest) -> dict[str, Any]:
    containers = [
        {**one, "env": [*one.get("env", []), {"name": "AVIARY_MODE", "value": "Live"}]}
        for one in item["spec"]["template"]["spec"]["containers"]
    ]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def _selector(_: Manifest) -> dict[str, Any]:
    return {"spec": {"selector": {BOT_LABEL: "rogue"}}}


async def _merge(stage: Stage, *, kind: Kind, who: str, victim: Victim, change: dict[str, Any]) -> None:
    await stage.person(who).merge(kind, victim.namespace, victim.bot, change)


async def _scale(stage: Stage, *, who: str, victim: Victim, change: dict[str, Any]) -> None:
    await stage.person(who).merge(STATEFUL_SET, victim.namespace, victim.bot, change, part="scale")


async def _scaled_and_mended(stage: Stage, *, victim: Victim, change: dict[str, Any]) -> None:
    before = await stage.read(STATEFUL_SET, victim.namespace, victim.bot)
    await _scale(stage, who="mallory", victim=victim, change=change)
    await _until_mended(stage, STATEFUL_SET, victim, before)


async def _label_pod(stage: Stage, *, who: str, victim: Victim) -> None:
    change = {"metadata": {"labels": _LIVE}}
    await stage.person(who).merge(POD, victim.namespace, f"{victim.bot}-0", change)


async def _forge_image(stage: Stage, *, who: str, victim: Victim) -> None:
    pod = await stage.read(POD, victim.namespace, f"{victim.bot}-0")
    forged = [{**item, "imageID": "forged@sha256:1"} for item in pod["status"]["containerStatuses"]]
    change = {"status": {"containerStatuses": forged}}
    await stage.person(who).merge(POD, victim.namespace, f"{victim.bot}-0", change, part="status")


async def _rogue_pod(stage: Stage, *, who: str, victim: Victim) -> None:
    pod = _build_rogue(victim, _LIVE)
    await stage.person(who).create(POD, pod)


def _build_rogue(victim: Victim, labels: dict[str, str]) -> Manifest:
    meta = {"name": "rogue", "namespace": victim.namespace, "labels": {BOT_LABEL: victim.bot, **labels}}
    spec = {"containers": [{"name": "bot", "image": "rogue:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


async def _rogue_answers(stage: Stage) -> None:
    """Put a second pod beside the bot's own that answers what a gate wishes for; the operator must not ask it."""
    world = stage.worlds[OPEN]
    true = world.node.bots[OPEN_YOUNG.bot]
    config = true.config.model_copy(update={"mode": Mode.PAPER})
    rogue = SimulatedBot(config, "", address="127.203.99.99", port=world.bot_port)
    await rogue.start()
    stage.kept["rogue"] = rogue
    mallory = stage.person("mallory")
    await mallory.create(POD, _build_rogue(OPEN_YOUNG, {}))
    status = {"phase": "Running", "podIP": rogue.address, "podIPs": [{"ip": rogue.address}]}
    await mallory.merge(POD, OPEN, "rogue", {"status": status}, part="status")
    asked = true.polls

    async def is_asked_on() -> bool:
        return true.polls > asked + 2

    await stage.until(is_asked_on, tell="the bot's own pod is not asked any more")
    assert rogue.polls == 0, "the rogue pod was asked"


async def _remove_rogue(stage: Stage) -> None:
    await stage.person("carla").delete(POD, OPEN, "rogue")
    rogue: SimulatedBot = stage.kept.pop("rogue")
    await rogue.stop()


async def _orphaned(stage: Stage) -> None:
    """Nobody collects garbage here: the ConfigMap stays, is nobody's, and the operator must not build on it."""
    before = await stage.read(CONFIG_MAP, OPEN, OPEN_ALPHA.bot)
    change = {**_sealed_configuration(before), "metadata": {"ownerReferences": None}}
    mallory = stage.person("mallory")
    await mallory.merge(CONFIG_MAP, OPEN, OPEN_ALPHA.bot, change)
    await stage.settle(OPEN)
    granted = (await stage.bot(OPEN_ALPHA))["status"]["grantedMode"]
    assert granted != "Live", granted
    await mallory.delete(CONFIG_MAP, OPEN, OPEN_ALPHA.bot)

    async def is_back() -> bool:
        found = await stage.person("carla").get(CONFIG_MAP, OPEN, OPEN_ALPHA.bot)
        return found is not None and found["data"] == before["data"]

    await stage.until(is_back, tell="the configuration is not made anew")
