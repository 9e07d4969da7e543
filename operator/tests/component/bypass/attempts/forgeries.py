"""Statuses that the operator did not write: refused where there are policies, worth nothing where there are none."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT, Kind

from ..attempt import Act, Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import ALPHA, OPEN_ALPHA, OPEN_EARLY, OPEN_HELD, OPEN_MARKED, OPEN_YOUNG, OTHER_ALPHA  # noqa: TID252
from ..manifests import OPEN, OTHER_DIGEST, build_approval  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252

type Forge = Callable[[Stage], Awaitable[dict[str, Any]]]

_NO_GRANT = "GatePending|GrantForged"


def attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    for who, by, because in (
        ("tara", Stop.RIGHTS, "cannot patch"),
        ("amir", Stop.RIGHTS, "cannot patch"),
        ("rosa", Stop.RIGHTS, "cannot patch"),
        ("eddy", Stop.RIGHTS, "cannot patch"),
        ("carla", Stop.ADMISSION, "only the operator"),
    ):
        yield _bot("bot's status says Live", who, ALPHA, _says_live, by, because)
        yield _gate("gate's status grants", who, ALPHA, _grant(), by, because)
    yield _whole("gate's whole status of another that grants", "carla", ALPHA, OTHER_ALPHA, Stop.ADMISSION)
    yield from _bots_statuses()
    yield from _grants()
    yield from _beside_the_grant()
    yield _approval()


def _bots_statuses() -> Iterator[Attempt]:
    """Give those on a bot's own status. The first one halts the bot: it looks like one that lost its grant."""
    yield _bot("bot's status says Live", "mallory", OPEN_MARKED, _says_live, before=Before.AWAITING)
    yield _bot("bot's status says Live, of a generation to come", "mallory", OPEN_MARKED, _says_live_ahead)
    yield _bot("bot's status of one that is Live, as a whole", "mallory", OPEN_MARKED, _status_of_held)
    yield _bot("bot's status says halted for a lost grant", "mallory", OPEN_MARKED, _says_halted)
    yield _bot("bot's status without a mode", "mallory", OPEN_MARKED, _says_nothing)


def _grants() -> Iterator[Attempt]:
    yield _gate("grant with a seal made up", "mallory", OPEN_ALPHA, _grant())
    yield _gate("grant without a seal", "mallory", OPEN_ALPHA, _grant(seal=""))
    yield _gate("grant with the seal of the subject", "mallory", OPEN_ALPHA, _grant_under_subject_seal)
    yield _gate("another gate's grant with its seal", "mallory", OPEN_ALPHA, _grant_of(OPEN_HELD))
    yield _gate("another gate's grant for this bot and digest", "mallory", OPEN_ALPHA, _adopted_grant)
    yield _gate("a grant of the gate of this name elsewhere", "mallory", OPEN_ALPHA, _grant_of(OTHER_ALPHA))
    yield _whole("whole status of another gate that grants", "mallory", OPEN_ALPHA, OPEN_HELD)
    yield _whole("whole status of the gate of this name elsewhere", "mallory", OPEN_ALPHA, OTHER_ALPHA)
    yield _gate("grant of a mode beyond the gate's", "mallory", OPEN_ALPHA, _grant(mode="Testnet"))
    yield _gate("grant resting on broken glass", "mallory", OPEN_ALPHA, _grant(breakGlass="glass"))


def _beside_the_grant() -> Iterator[Attempt]:
    yield _gate("everything said to have passed, level 7", "mallory", OPEN_ALPHA, _all_passed)
    yield _gate("approvals said to count", "mallory", OPEN_ALPHA, _approved)
    yield _gate("the subject said to be older than its approval", "mallory", OPEN_EARLY, _older_subject)
    yield _gate("rules of another evaluator", "mallory", OPEN_ALPHA, _other_rules)
    yield Attempt(
        what="rung 3 of another bot, then glass broken",
        who="mallory",
        victim=OPEN_YOUNG,
        before=Before.NOT_LIVE,
        act=_glass_on_forged_floor,
        stopped_by=Stop.OPERATOR,
        because="rung 3",
        tell=partial(_judged, name="try"),
        undo=partial(_delete_approval, name="try"),
    )


def _approval() -> Attempt:
    return Attempt(
        what="approval for another digest, said to count",
        who="mallory",
        victim=OPEN_ALPHA,
        act=_counting_approval,
        stopped_by=Stop.OPERATOR,
        because="it is for digest",
        tell=partial(_judged, name="try"),
        undo=partial(_delete_approval, name="try"),
    )


def _bot(
    what: str,
    who: str,
    victim: Victim,
    forge: Forge,
    by: Stop = Stop.OPERATOR,
    because: str = f"{_NO_GRANT}|GrantLost",
    *,
    before: Before = Before.NOT_LIVE,
) -> Attempt:
    act = partial(_write, kind=TRADING_BOT, who=who, victim=victim, name=victim.bot, forge=forge)
    return Attempt(what=what, who=who, victim=victim, act=act, stopped_by=by, because=because, before=before)


def _gate(
    what: str, who: str, victim: Victim, forge: Forge, by: Stop = Stop.OPERATOR, because: str = _NO_GRANT
) -> Attempt:
    act = partial(_write, kind=PROMOTION_GATE, who=who, victim=victim, name=victim.gate, forge=forge)
    return Attempt(
        what=what, who=who, victim=victim, act=act, stopped_by=by, because=because, undo=_cleaned(who, victim, by)
    )


def _whole(what: str, who: str, victim: Victim, of: Victim, by: Stop = Stop.OPERATOR) -> Attempt:
    async def act(stage: Stage) -> None:
        status = (await stage.gate(of))["status"]
        assert status["grant"]["mode"] == "Live", f"{of} has no grant to copy"
        await stage.person(who).put_status(PROMOTION_GATE, victim.namespace, victim.gate, status)

    because = "only the operator" if by is Stop.ADMISSION else _NO_GRANT
    return Attempt(
        what=what, who=who, victim=victim, act=act, stopped_by=by, because=because, undo=_cleaned(who, victim, by)
    )


def _cleaned(who: str, victim: Victim, by: Stop) -> Act | None:
    """Return what takes a forged grant out of a status again: the next attempt is to stand for itself."""
    if by is not Stop.OPERATOR:
        return None

    async def undo(stage: Stage) -> None:
        change = {"status": {"grant": None}}
        await stage.person(who).merge(PROMOTION_GATE, victim.namespace, victim.gate, change, part="status")

    return undo


async def _write(stage: Stage, *, kind: Kind, who: str, victim: Victim, name: str, forge: Forge) -> None:
    status = await forge(stage)
    await stage.person(who).merge(kind, victim.namespace, name, {"status": status}, part="status")


async def _says_live(_: Stage) -> dict[str, Any]:
    return {"grantedMode": "Live", "grantedCapitalQuote": "100000"}


async def _says_live_ahead(_: Stage) -> dict[str, Any]:
    return {"grantedMode": "Live", "observedGeneration": 1_000}


async def _says_nothing(_: Stage) -> dict[str, Any]:
    return {"grantedMode": None, "observedGeneration": None, "digest": None, "conditions": None}


async def _status_of_held(stage: Stage) -> dict[str, Any]:
    status: dict[str, Any] = (await stage.bot(OPEN_HELD))["status"]
    assert status["grantedMode"] == "Live"
    return status


async def _says_halted(stage: Stage) -> dict[str, Any]:
    status: dict[str, Any] = (await stage.bot(OPEN_MARKED))["status"]
    halted = {
        "type": "Halted",
        "status": "True",
        "reason": "GrantLost",
        "message": "forged",
        "observedGeneration": 1,
        "lastTransitionTime": _now(),
    }
    others = [item for item in status["conditions"] if item["type"] != "Halted"]
    return {"grantedMode": "NoTrade", "conditions": [*others, halted]}


def _grant(**changes: str) -> Forge:
    """Return a grant that says all that the operator would say of the victim, but for the seal."""

    async def forge(stage: Stage) -> dict[str, Any]:
        return {"grant": {**await _true_terms(stage, OPEN_ALPHA), "seal": "hmac-sha256:" + "0" * 64, **changes}}

    return forge


async def _true_terms(stage: Stage, victim: Victim) -> dict[str, Any]:
    subject = (await stage.gate(victim))["status"]["subject"]
    end = (datetime.now(UTC) + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "mode": "Live",
        "capitalQuote": "100",
        "digest": subject["digest"],
        "botUid": subject["botUid"],
        "imageId": subject["imageId"],
        "grantedTime": _now(),
        "expiresTime": end,
    }


async def _grant_under_subject_seal(stage: Stage) -> dict[str, Any]:
    subject = (await stage.gate(OPEN_ALPHA))["status"]["subject"]
    return {"grant": {**await _true_terms(stage, OPEN_ALPHA), "seal": subject["seal"]}}


def _grant_of(victim: Victim) -> Forge:
    async def forge(stage: Stage) -> dict[str, Any]:
        return {"grant": (await stage.gate(victim))["status"]["grant"]}

    return forge


async def _adopted_grant(stage: Stage) -> dict[str, Any]:
    grant = (await stage.gate(OPEN_HELD))["status"]["grant"]
    terms = await _true_terms(stage, OPEN_ALPHA)
    return {"grant": {**grant, **{key: terms[key] for key in ("digest", "botUid", "imageId")}}}


async def _all_passed(stage: Stage) -> dict[str, Any]:
    status = (await stage.gate(OPEN_ALPHA))["status"]
    checks = [{**item, "state": "Passed"} for item in status["checks"]]
    conditions = [{**item, "status": "True", "reason": "GatePassed"} for item in status["conditions"]]
    rungs = [{"level": level, "reached": True} for level in range(8)]
    return {"level": 7, "rungs": rungs, "checks": checks, "conditions": conditions, "approved": "1/1"}


async def _approved(_: Stage) -> dict[str, Any]:
    said = {
        "name": "ghost",
        "approver": "ann",
        "type": "Approval",
        "time": _now(),
        "expiresTime": "2099-01-01T00:00:00Z",
        "counts": True,
        "reason": "forged",
    }
    return {"approvals": [said], "approved": "1/1"}


async def _older_subject(stage: Stage) -> dict[str, Any]:
    subject = (await stage.gate(OPEN_EARLY))["status"]["subject"]
    return {"subject": {**subject, "since": "2020-01-01T00:00:00Z"}, "generationTime": "2020-01-01T00:00:00Z"}


async def _other_rules(stage: Stage) -> dict[str, Any]:
    return {"evaluatorVersion": 99, **await _grant()(stage)}


async def _glass_on_forged_floor(stage: Stage) -> None:
    floor = (await stage.gate(OPEN_HELD))["status"]["floor"]
    subject = (await stage.gate(OPEN_YOUNG))["status"]["subject"]
    forged = {**floor, **{key: subject[key] for key in ("digest", "botUid", "imageId")}}
    mallory = stage.person("mallory")
    await mallory.merge(PROMOTION_GATE, OPEN, OPEN_YOUNG.gate, {"status": {"floor": forged, "level": 3}}, part="status")
    glass = {"type": "BreakGlass", "validSeconds": 600}
    digest = subject["digest"]
    approval = build_approval(OPEN, "try", gate=OPEN_YOUNG.gate, digest=digest, approver="mallory", **glass)
    await mallory.create(PROMOTION_APPROVAL, approval)


async def _counting_approval(stage: Stage) -> None:
    mallory = stage.person("mallory")
    approval = build_approval(OPEN, "try", gate=OPEN_ALPHA.gate, digest=OTHER_DIGEST, approver="mallory")
    await mallory.create(PROMOTION_APPROVAL, approval)
    counts = {
        "type": "Ready",
        "status": "True",
        "reason": "Counts",
        "message": "forged",
        "observedGeneration": 1,
        "lastTransitionTime": _now(),
    }
    status = {"expiresTime": "2099-01-01T00:00:00Z", "observedGeneration": 1, "conditions": [counts]}
    await mallory.merge(PROMOTION_APPROVAL, OPEN, "try", {"status": status}, part="status")
    await stage.settle(OPEN)


async def _judged(stage: Stage, *, name: str) -> str:
    return await stage.until_judged(OPEN, name)


async def _delete_approval(stage: Stage, *, name: str) -> None:
    await stage.person("carla").delete(PROMOTION_APPROVAL, OPEN, name)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
