"""Approvals that should not count: of others, for others, too early, too late, replayed, edited; and broken glass."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from aviary_crds.labels import CHANGED_BY_ANNOTATION
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, TRADING_BOT

from ..attempt import Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import (  # noqa: TID252
    ALPHA,
    BRAVO,
    CAPPED,
    EARLY,
    EXPIRED,
    OPEN_ALPHA,
    OPEN_EARLY,
    OPEN_PAIR,
    OPEN_YOUNG,
    PAIRS,
    YOUNG,
)
from ..manifests import DESK, OPEN, OTHER, OTHER_DIGEST, build_approval  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252

GLASS: dict[str, Any] = {"type": "BreakGlass", "validSeconds": 600}
ACKNOWLEDGED: dict[str, Any] = {"type": "Acknowledgement", "check": "fills"}


def attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    yield from _by_others()
    yield from _for_others()
    yield from _by_the_author()
    yield from _edited()
    yield from _glass()


def attempts_from_the_beginning() -> Iterator[Attempt]:
    """Give those whose approval was made when bots and gates were, or before."""
    for victim, who in ((EARLY, "amir"), (OPEN_EARLY, "ann")):
        yield Attempt(
            what="approved before there was a gate",
            who=who,
            victim=victim,
            act=partial(_look, victim=victim),
            stopped_by=Stop.OPERATOR,
            because="not after",
            tell=partial(_judged, victim=victim, name=f"{victim.bot}-yes"),
        )
    yield Attempt(
        what="approved on a desk that does not allow Live",
        who="amir",
        victim=CAPPED,
        before=Before.NOT_LIVE,
        act=partial(_look, victim=CAPPED),
        stopped_by=Stop.OPERATOR,
        because="DeskCeiling|does not allow Live",
    )
    yield Attempt(
        what="an approval that ended before the soak did",
        who="amir",
        victim=EXPIRED,
        act=partial(_look, victim=EXPIRED),
        stopped_by=Stop.OPERATOR,
        because="it ended at",
        tell=partial(_judged, victim=EXPIRED, name="expired-yes"),
    )


def _try(
    what: str,
    who: str,
    victim: Victim,
    stopped_by: Stop,
    because: str,
    *,
    before: Before = Before.AWAITING,
    gate: str | None = None,
    namespace: str | None = None,
    digest: str | None = None,
    status: Any = None,
    **spec: Any,
) -> Attempt:
    """Return an attempt to make one approval, of the present digest in the own name unless told otherwise."""
    where = namespace or victim.namespace

    async def act(stage: Stage) -> None:
        present = digest or await stage.digest(victim)
        approval = build_approval(
            where,
            "try",
            gate=gate or victim.gate,
            digest=present,
            approver=spec.get("approver", who),
            **{key: value for key, value in spec.items() if key != "approver"},
        )
        if status is not None:
            approval["status"] = status
        await stage.person(who).create(PROMOTION_APPROVAL, approval)

    async def tell(stage: Stage) -> str:
        found = await stage.person("carla").get(PROMOTION_APPROVAL, where, "try")
        return await stage.until_judged(where, "try") if found else ""

    async def undo(stage: Stage) -> None:
        await stage.person("carla").delete(PROMOTION_APPROVAL, where, "try")

    return Attempt(
        what=what,
        who=who,
        victim=victim,
        act=act,
        stopped_by=stopped_by,
        because=because,
        before=before,
        tell=tell,
        undo=undo,
    )


def _by_others() -> Iterator[Attempt]:
    mine = "spec.approver is"
    yield _try("approver in another's name", "bo", ALPHA, Stop.ADMISSION, mine, approver="amir")
    yield _try("approver's own name in capitals", "amir", ALPHA, Stop.ADMISSION, mine, approver="Amir")
    yield _try("cluster-admin in an approver's name", "carla", ALPHA, Stop.ADMISSION, mine, approver="amir")
    yield _try("trader approves", "tara", ALPHA, Stop.RIGHTS, "cannot create")
    yield _try("viewer approves", "vera", ALPHA, Stop.RIGHTS, "cannot create")
    yield _try("cluster's edit approves", "eddy", ALPHA, Stop.RIGHTS, "cannot create")
    yield _try("risk approves", "rosa", ALPHA, Stop.ADMISSION, "may not approve")


def _for_others() -> Iterator[Attempt]:
    for victim, who in ((ALPHA, "amir"), (OPEN_ALPHA, "ann")):
        yield _try("approval for another digest", who, victim, Stop.OPERATOR, "it is for digest", digest=OTHER_DIGEST)
        yield _try("approval for another gate", who, victim, Stop.OPERATOR, "it is for digest", gate="held-to-live")
        yield _try("approval for a gate that is not there", who, victim, Stop.OPERATOR, "GateMissing", gate="nowhere")
        yield _try(
            "an acknowledgement for an approval", who, victim, Stop.OPERATOR, "Counts|AwaitingApproval", **ACKNOWLEDGED
        )
        yield _try(
            "approval that brings the status of one that counts",
            who,
            victim,
            Stop.OPERATOR,
            "it is for digest",
            digest=OTHER_DIGEST,
            status={"observedGeneration": 1, "expiresTime": "2099-01-01T00:00:00Z"},
        )
    short = "sha256:" + "a" * 63
    yield _try("approval for a digest that is cut", "amir", ALPHA, Stop.KIND, "64 hex", digest=short)
    yield _try(
        "approval in another namespace", "amir", ALPHA, Stop.OPERATOR, "it is for digest|Counts", namespace=OTHER
    )
    yield _try("approval for longer than a month", "ann", OPEN_ALPHA, Stop.KIND, "validSeconds", validSeconds=10**7)
    yield Attempt(
        what="the same person twice where two are asked for",
        who="amir",
        victim=PAIRS,
        act=_twice,
        stopped_by=Stop.OPERATOR,
        because="1 of 2 people",
        undo=_not_twice,
    )


def _by_the_author() -> Iterator[Attempt]:
    yield _try("author approves the own change", "bo", BRAVO, Stop.OPERATOR, "bo changed the bot last")
    yield _try("author approves past admission", "mallory", OPEN_PAIR, Stop.OPERATOR, "mallory changed the bot last")
    yield Attempt(
        what="author is taken off the bot, then approves",
        who="mallory",
        victim=OPEN_PAIR,
        act=_unsigned,
        stopped_by=Stop.OPERATOR,
        because="does not say who changed it",
        undo=_signed,
        tell=partial(_judged, victim=OPEN_PAIR, name="try"),
    )


def _edited() -> Iterator[Attempt]:
    for field, value in {
        "digest": OTHER_DIGEST,
        "gateRef": {"name": "alpha-to-live"},
        "validSeconds": 2_592_000,
    }.items():
        yield Attempt(
            what=f"a former approval's {field} edited",
            who="amir",
            victim=EARLY,
            stopped_by=Stop.KIND,
            because="cannot be changed",
            act=partial(_edit, victim=EARLY, who="amir", spec={field: value}),
            tell=partial(_judged, victim=EARLY, name="early-yes"),
        )
    yield Attempt(
        what="a former approval made to break glass",
        who="mallory",
        victim=OPEN_EARLY,
        stopped_by=Stop.KIND,
        because="cannot be changed",
        act=partial(_edit, victim=OPEN_EARLY, who="mallory", spec={"type": "BreakGlass"}),
    )
    yield Attempt(
        what="a former approval applied again as it is",
        who="amir",
        victim=EARLY,
        stopped_by=Stop.OPERATOR,
        because="not after",
        act=_apply_again,
        tell=partial(_judged, victim=EARLY, name="early-yes"),
    )


def _glass() -> Iterator[Attempt]:
    verb = "may not breakglass"
    yield _try("approver breaks glass", "amir", ALPHA, Stop.ADMISSION, verb, **GLASS)
    yield _try("trader breaks glass", "tara", ALPHA, Stop.RIGHTS, "cannot create", **GLASS)
    yield _try("glass in risk's name", "amir", ALPHA, Stop.ADMISSION, "spec.approver is", approver="rosa", **GLASS)
    day: dict[str, Any] = {"type": "BreakGlass", "validSeconds": 86_400}
    for who, victim in (("rosa", ALPHA), ("mallory", OPEN_ALPHA)):
        yield _try("glass broken for a day", who, victim, Stop.KIND, "at most 3600", **day)
        yield _try(
            "glass broken for another digest",
            who,
            victim,
            Stop.OPERATOR,
            "it is for digest",
            digest=OTHER_DIGEST,
            **GLASS,
        )
    for who, victim in (("rosa", YOUNG), ("mallory", OPEN_YOUNG)):
        yield _try("glass without rung 3", who, victim, Stop.OPERATOR, "rung 3", before=Before.NOT_LIVE, **GLASS)
    yield _try(
        "glass where the desk does not allow Live",
        "rosa",
        CAPPED,
        Stop.OPERATOR,
        "does not allow Live",
        before=Before.NOT_LIVE,
        **GLASS,
    )


async def _twice(stage: Stage) -> None:
    for name in ("one", "two"):
        await stage.approve(PAIRS, "amir", name)
    for name in ("one", "two"):
        assert (await stage.until_judged(DESK, f"pairs-{name}")).startswith("Counts")


async def _not_twice(stage: Stage) -> None:
    for name in ("one", "two"):
        await stage.person("carla").delete(PROMOTION_APPROVAL, DESK, f"pairs-{name}")


async def _unsigned(stage: Stage) -> None:
    await _sign(stage, None)
    digest = await stage.digest(OPEN_PAIR)
    approval = build_approval(OPEN, "try", gate=OPEN_PAIR.gate, digest=digest, approver="mallory")
    await stage.person("mallory").create(PROMOTION_APPROVAL, approval)


async def _signed(stage: Stage) -> None:
    await stage.person("carla").delete(PROMOTION_APPROVAL, OPEN, "try")
    await _sign(stage, "mallory")


async def _sign(stage: Stage, author: str | None) -> None:
    change = {"metadata": {"annotations": {CHANGED_BY_ANNOTATION: author}}}
    await stage.person("mallory").merge(TRADING_BOT, OPEN, OPEN_PAIR.bot, change)


async def _edit(stage: Stage, *, victim: Victim, who: str, spec: dict[str, Any]) -> None:
    await stage.person(who).merge(PROMOTION_APPROVAL, victim.namespace, f"{victim.bot}-yes", {"spec": spec})


async def _apply_again(stage: Stage) -> None:
    found = await stage.read(PROMOTION_APPROVAL, DESK, "early-yes")
    bare = {"name": "early-yes", "namespace": DESK}
    manifest = {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": bare, "spec": found["spec"]}
    await stage.person("amir").apply(PROMOTION_APPROVAL, manifest)


async def _look(stage: Stage, *, victim: Victim) -> None:
    """The attempt was made at the beginning; see that the gate lacks nothing but what it should."""
    await stage.settle(victim.namespace)


async def _judged(stage: Stage, *, victim: Victim, name: str) -> str:
    return await stage.until_judged(victim.namespace, name)
