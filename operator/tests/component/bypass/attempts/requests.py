"""Asking for Live: without a gate, at a gate that is not there, at somebody else's, as somebody who may not."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import TRADING_BOT

from ..attempt import Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import ALPHA, BRAVO, OPEN_ALPHA, STEPPING  # noqa: TID252
from ..manifests import DESK, OPEN, build_bot  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252


def attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    for victim, who in ((Victim(DESK, "new"), "tara"), (Victim(OPEN, "new"), "mallory")):
        yield from _new_bots(victim, who)
    live = {"mode": "Live"}
    for who in ("amir", "rosa", "vera", "eddy"):
        yield Attempt(
            what="asks for Live in another's place",
            who=who,
            victim=ALPHA,
            act=partial(_change, victim=ALPHA, who=who, spec=live),
            stopped_by=Stop.RIGHTS,
            because="cannot patch",
        )
    yield Attempt(
        what="the gate taken out of the spec",
        who="tara",
        victim=ALPHA,
        act=partial(_change, victim=ALPHA, who="tara", spec={"gateRef": None}),
        stopped_by=Stop.KIND,
        because="need gateRef",
    )
    yield Attempt(
        what="the desk taken out of the spec",
        who="mallory",
        victim=OPEN_ALPHA,
        act=partial(_change, victim=OPEN_ALPHA, who="mallory", spec={"deskRef": None}),
        stopped_by=Stop.KIND,
        because="need deskRef",
    )
    yield Attempt(
        what="the author passes the change on to another",
        who="bo",
        victim=BRAVO,
        act=partial(_sign, victim=BRAVO, who="bo", author="tara"),
        stopped_by=Stop.ADMISSION,
        because="changed",
    )
    yield Attempt(
        what="a change under another author's name",
        who="bo",
        victim=ALPHA,
        act=partial(_change, victim=ALPHA, who="bo", spec={"capital": {"totalAmountQuote": "999"}}, author="tara"),
        stopped_by=Stop.ADMISSION,
        because="this change of the spec is by bo|two persons",
    )
    yield Attempt(
        what="Live at a gate to Testnet that asks for nothing",
        who="tara",
        victim=STEPPING,
        act=_nothing,
        before=Before.NOT_LIVE,
        ceiling=Mode.TESTNET,
        stopped_by=Stop.OPERATOR,
        because="GateGrantsLess",
    )


def _new_bots(victim: Victim, who: str) -> Iterator[Attempt]:
    def new(what: str, stopped_by: Stop, because: str, *, gate: str | None, **changes: Any) -> Attempt:
        return Attempt(
            what=what,
            who=who,
            victim=victim,
            before=Before.NOT_LIVE,
            stopped_by=stopped_by,
            because=because,
            act=partial(_create, victim=victim, who=who, gate=gate, changes=changes),
            undo=partial(_remove, victim=victim),
        )

    yield new("Live without a gate", Stop.KIND, "need gateRef", gate=None)
    yield new("Testnet without a gate", Stop.KIND, "need gateRef", gate=None, mode="Testnet")
    yield new("live in small letters, without a gate", Stop.KIND, "Unsupported value", gate=None, mode="live")
    yield new("Live at a gate in another namespace, by path", Stop.KIND, "gateRef", gate="other/alpha-to-live")
    yield new("Live at a gate that is not there", Stop.OPERATOR, "GateMissing", gate="nowhere-to-live")
    yield new("Live at another bot's gate, which grants", Stop.OPERATOR, "GateOfAnotherBot", gate="held-to-live")
    yield new(
        "Live as a new bot with a status that says so",
        Stop.OPERATOR,
        "GateOfAnotherBot",
        gate="held-to-live",
        status={"grantedMode": "Live"},
    )


async def _create(stage: Stage, *, victim: Victim, who: str, gate: str | None, changes: dict[str, Any]) -> None:
    spec = {key: value for key, value in changes.items() if key != "status"}
    author = who if victim.namespace == DESK else None
    bot = build_bot(victim.namespace, victim.bot, gate=gate, author=author, **spec)
    if "status" in changes:
        bot["status"] = changes["status"]
    await stage.person(who).create(TRADING_BOT, bot)

    async def is_seen() -> bool:
        return bool(((await stage.bot(victim)).get("status") or {}).get("observedGeneration") == 1)

    await stage.until(is_seen, seconds=20, tell="the operator does not see the new bot")


async def _remove(stage: Stage, *, victim: Victim) -> None:
    await stage.person("carla").delete(TRADING_BOT, victim.namespace, victim.bot)

    async def is_gone() -> bool:
        return await stage.person("carla").get(TRADING_BOT, victim.namespace, victim.bot) is None

    await stage.until(is_gone)


async def _change(stage: Stage, *, victim: Victim, who: str, spec: dict[str, Any], author: str | None = None) -> None:
    marks = {CHANGED_BY_ANNOTATION: author or who}
    change = {"metadata": {"annotations": marks}, "spec": spec}
    await stage.person(who).merge(TRADING_BOT, victim.namespace, victim.bot, change)


async def _sign(stage: Stage, *, victim: Victim, who: str, author: str | None) -> None:
    change = {"metadata": {"annotations": {CHANGED_BY_ANNOTATION: author}}}
    await stage.person(who).merge(TRADING_BOT, victim.namespace, victim.bot, change)


async def _nothing(stage: Stage) -> None:
    """The attempt was made at the beginning."""
    await stage.settle(STEPPING.namespace)
