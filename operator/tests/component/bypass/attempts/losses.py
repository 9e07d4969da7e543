"""A bot that was Live by honest means and must not stay so: what it stood on is taken away, and brought back."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.names import claim_name
from aviary_operator.runtime.kinds import (
    CHILD_KINDS,
    POD,
    PROMOTION_APPROVAL,
    PROMOTION_GATE,
    TRADING_BOT,
    VOLUME_CLAIM,
    Kind,
    Manifest,
)

from ..attempt import Act, Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import HELD, OPEN_FROZEN, OPEN_GONE, OPEN_HELD, OPEN_REBORN, OPEN_REGATED  # noqa: TID252
from ..manifests import OPEN  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252
from .gates import NO_MORE, tell_capital

_LOST = "GrantLost|GrantForged|GatePending|GateMissing|GateSuspended|SubjectChanged"


def attempts() -> Iterator[Attempt]:
    """Give every attempt, in an order in which each finds what it needs."""
    yield _loses("approval withdrawn, and held by a finalizer", "mallory", OPEN_HELD, _withdraw_held)
    yield _again(
        "the gate's status of when it granted", "mallory", OPEN_HELD, partial(_replay_status, victim=OPEN_HELD)
    )
    yield _again(
        "that status, again and again", "mallory", OPEN_HELD, partial(_replay_status, victim=OPEN_HELD, times=20)
    )
    yield _again("that grant, for a later generation of the gate", "mallory", OPEN_HELD, _replay_after_change)
    yield _again("that grant, with a later end", "mallory", OPEN_HELD, partial(_replay_grant, expiresTime=_FAR))
    yield _again("that grant, with more capital", "mallory", OPEN_HELD, partial(_replay_grant, capitalQuote="100000"))
    yield _again("that grant, for another digest", "mallory", OPEN_HELD, _replay_for_new_digest)
    yield _loses("suspended, with its grant taken away", "mallory", OPEN_FROZEN, _freeze)
    yield _loses("gate deleted and made anew, approval left", "mallory", OPEN_REGATED, _regate)
    yield _again(
        "the status of the gate that was deleted", "mallory", OPEN_REGATED, partial(_replay_status, victim=OPEN_REGATED)
    )
    yield _loses("bot deleted and made anew, approval left", "mallory", OPEN_REBORN, _rebear)
    yield _loses("gate deleted while the operator is away", "mallory", OPEN_GONE, _restart_without_gate)
    yield Attempt(
        what="a bot that is Live asks for more capital",
        who="tara",
        victim=HELD,
        act=_ask_for_more,
        before=Before.KEEPS,
        ceiling=Mode.LIVE,
        stopped_by=Stop.OPERATOR,
        because=NO_MORE,
        tell=tell_capital,
    )
    yield _loses("gate's grant made larger after the approval", "rosa", HELD, _loosen)
    yield _again("gate set back to what was approved", "rosa", HELD, _set_back)
    yield _again("bot changed and set back, old approval left", "tara", HELD, _change_and_set_back)


_FAR = "2099-01-01T00:00:00Z"


def _loses(what: str, who: str, victim: Victim, act: Act) -> Attempt:
    return Attempt(
        what=what, who=who, victim=victim, act=act, before=Before.LIVE, stopped_by=Stop.OPERATOR, because=_LOST
    )


def _again(what: str, who: str, victim: Victim, act: Act) -> Attempt:
    """Return an attempt to have back what was lost."""
    undo = partial(_forget_grant, victim=victim) if victim.namespace == OPEN else None
    return Attempt(
        what=what,
        who=who,
        victim=victim,
        act=act,
        before=Before.NOT_LIVE,
        stopped_by=Stop.OPERATOR,
        because=_LOST,
        undo=undo,
    )


async def _keep(stage: Stage, victim: Victim) -> dict[str, Any]:
    status: dict[str, Any] = (await stage.gate(victim))["status"]
    assert status["grant"]["mode"] == "Live"
    stage.kept[f"status of {victim}"] = status
    return status


async def _withdraw_held(stage: Stage) -> None:
    await _keep(stage, OPEN_HELD)
    name, mallory = f"{OPEN_HELD.bot}-yes", stage.person("mallory")
    await mallory.merge(PROMOTION_APPROVAL, OPEN, name, {"metadata": {"finalizers": ["example.org/hold"]}})
    await mallory.delete(PROMOTION_APPROVAL, OPEN, name)
    assert "deletionTimestamp" in (await stage.read(PROMOTION_APPROVAL, OPEN, name))["metadata"]


async def _replay_status(stage: Stage, *, victim: Victim, times: int = 1) -> None:
    kept = stage.kept[f"status of {victim}"]
    for _ in range(times):
        await stage.person("mallory").put_status(PROMOTION_GATE, OPEN, victim.gate, kept)


async def _forget_grant(stage: Stage, *, victim: Victim) -> None:
    """Take a replayed grant out of the status again: the next attempt is to stand for itself."""
    change = {"status": {"grant": None}}
    await stage.person("mallory").merge(PROMOTION_GATE, OPEN, victim.gate, change, part="status")


async def _replay_grant(stage: Stage, **changes: str) -> None:
    grant = {**stage.kept[f"status of {OPEN_HELD}"]["grant"], **changes}
    change = {"status": {"grant": grant}}
    await stage.person("mallory").merge(PROMOTION_GATE, OPEN, OPEN_HELD.gate, change, part="status")


async def _replay_after_change(stage: Stage) -> None:
    mallory = stage.person("mallory")
    changed = await mallory.merge(PROMOTION_GATE, OPEN, OPEN_HELD.gate, {"spec": {"graceSeconds": 61}})
    kept = stage.kept[f"status of {OPEN_HELD}"]
    status = {**kept, "observedGeneration": changed["metadata"]["generation"]}
    await mallory.merge(PROMOTION_GATE, OPEN, OPEN_HELD.gate, {"status": status}, part="status")


async def _replay_for_new_digest(stage: Stage) -> None:
    mallory = stage.person("mallory")
    change = {"spec": {"strategy": {"parameters": {"refresh_seconds": 7}}}}
    await mallory.merge(TRADING_BOT, OPEN, OPEN_HELD.bot, change)
    before = stage.kept[f"status of {OPEN_HELD}"]["subject"]["digest"]

    async def is_changed() -> bool:
        return bool(await stage.digest(OPEN_HELD) != before)

    await stage.until(is_changed, tell="the gate does not see the new digest")
    await _replay_grant(stage, digest=await stage.digest(OPEN_HELD))


async def _freeze(stage: Stage) -> None:
    """A suspended bot is left alone; its grant must not outlive what it stood on because of that."""
    mallory = stage.person("mallory")
    await mallory.merge(TRADING_BOT, OPEN, OPEN_FROZEN.bot, {"spec": {"suspend": True}})
    await mallory.delete(PROMOTION_GATE, OPEN, OPEN_FROZEN.gate)


async def _regate(stage: Stage) -> None:
    await _keep(stage, OPEN_REGATED)
    await _make_anew(stage, PROMOTION_GATE, OPEN_REGATED.gate)


async def _rebear(stage: Stage) -> None:
    await _make_anew(stage, TRADING_BOT, OPEN_REBORN.bot)
    for kind in CHILD_KINDS:  # there is no garbage collector here; it is played
        await stage.person("carla").delete(
            kind, OPEN, claim_name(OPEN_REBORN.bot) if kind == VOLUME_CLAIM else OPEN_REBORN.bot
        )
    await stage.person("carla").delete(POD, OPEN, f"{OPEN_REBORN.bot}-0")


async def _make_anew(stage: Stage, kind: Kind, name: str) -> None:
    before = await stage.read(kind, OPEN, name)
    mallory = stage.person("mallory")
    await mallory.delete(kind, OPEN, name)
    await mallory.create(kind, _bare(before))
    assert (await stage.read(kind, OPEN, name))["metadata"]["uid"] != before["metadata"]["uid"]


def _bare(item: Manifest) -> Manifest:
    meta = {key: item["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": meta, "spec": item["spec"]}


async def _restart_without_gate(stage: Stage) -> None:
    async def take_gate() -> None:
        await stage.person("mallory").delete(PROMOTION_GATE, OPEN, OPEN_GONE.gate)

    await stage.restart_operator(take_gate)


async def _ask_for_more(stage: Stage) -> None:
    marks = {CHANGED_BY_ANNOTATION: "tara"}
    change = {"metadata": {"annotations": marks}, "spec": {"capital": {"totalAmountQuote": "1400"}}}
    await stage.person("tara").merge(TRADING_BOT, HELD.namespace, HELD.bot, change)
    await stage.settle(HELD.namespace)
    await stage.until_live(HELD)


async def _loosen(stage: Stage) -> None:
    change = {"spec": {"grant": {"capitalQuote": "1000"}}}
    await stage.person("rosa").merge(PROMOTION_GATE, HELD.namespace, HELD.gate, change)


async def _set_back(stage: Stage) -> None:
    change = {"spec": {"grant": {"capitalQuote": "100"}}}
    await stage.person("rosa").merge(PROMOTION_GATE, HELD.namespace, HELD.gate, change)


async def _change_and_set_back(stage: Stage) -> None:
    for seconds in (9, 15):
        spec = {"strategy": {"parameters": {"refresh_seconds": seconds}}}
        change = {"metadata": {"annotations": {CHANGED_BY_ANNOTATION: "tara"}}, "spec": spec}
        await stage.person("tara").merge(TRADING_BOT, HELD.namespace, HELD.bot, change)
        await stage.settle(HELD.namespace)
