"""The bots that attempts are made on: each lacks one thing for Live, and soaks from the first second on."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from aviary_crds.botstate import BotState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import PROMOTION_APPROVAL, PROMOTION_GATE, TRADING_BOT, TRADING_DESK

from .manifests import DESK, OPEN, OTHER, build_approval, build_bot, build_desk, build_gate
from .people import RefusedError
from .stage import Stage, Victim

ALPHA: Final = Victim(DESK, "alpha")
"""Lacks the approval."""
BRAVO: Final = Victim(DESK, "bravo")
"""Lacks the approval of anybody but bo, who wrote it."""
PAIRS: Final = Victim(DESK, "pairs")
"""Lacks the approvals of two people."""
HELD: Final = Victim(DESK, "held")
"""Is Live by honest means."""
LATE: Final = Victim(DESK, "late")
"""Lacks the approval, and gets it at the end."""
EARLY: Final = Victim(DESK, "early")
"""Was approved before there was a gate."""
EXPIRED: Final = Victim(DESK, "expired")
"""Its approval ended before its soak did."""
CAPPED: Final = Victim(DESK, "capped")
"""Its desk does not allow Live."""
REPORTED: Final = Victim(DESK, "reported")
"""Lacks a report."""
STEPPING: Final = Victim(DESK, "stepping")
"""Asks for Live at a gate to Testnet that asks for nothing."""
YOUNG: Final = Victim(DESK, "young")
"""Is never ready, so it never reached rung 3."""

OPEN_ALPHA: Final = Victim(OPEN, "alpha")
"""Lacks the approval."""
OPEN_PAIR: Final = Victim(OPEN, "pair")
"""Lacks the approval of anybody but mallory, who wrote it."""
OPEN_MARKED: Final = Victim(OPEN, "marked")
"""Lacks the approval; a bot whose own status is forged is halted by it, and soaks anew."""
OPEN_HELD: Final = Victim(OPEN, "held")
OPEN_GONE: Final = Victim(OPEN, "gone")
OPEN_REBORN: Final = Victim(OPEN, "reborn")
OPEN_REGATED: Final = Victim(OPEN, "regated")
OPEN_FROZEN: Final = Victim(OPEN, "frozen")
"""Are Live by honest means."""
OPEN_EDITED: Final = Victim(OPEN, "edited")
"""Lacks the approval; its evidence log will be edited."""
OPEN_EARLY: Final = Victim(OPEN, "early")
"""Was approved before there was a gate."""
OPEN_YOUNG: Final = Victim(OPEN, "young")
"""Is never ready."""
OTHER_ALPHA: Final = Victim(OTHER, "alpha")
"""Is Live by honest means, and has the names of ALPHA."""

LIES: Final[dict[str, tuple[str, Callable[[BotState], BotState]]]] = {
    "stale": ("answers of an hour ago", lambda told: _changed(told, time=told.time - timedelta(hours=1))),
    "ahead": ("answers from the future", lambda told: _changed(told, time=told.time + timedelta(hours=1))),
    "posing": ("answers of another bot", lambda told: _changed(told, uid="00000000-0000-0000-0000-000000000000")),
    "passed": ("answers of another digest", lambda told: _changed(told, digest="sha256:" + "ab" * 32)),
    "lively": ("a process that says it is Live", lambda told: _changed(told, mode=Mode.LIVE, granted_mode=Mode.LIVE)),
}
"""Bots whose process lies, and which are approved all the same."""

LIARS: Final = {name: Victim(DESK, name) for name in LIES}
AWAITING: Final = (
    ALPHA,
    BRAVO,
    PAIRS,
    HELD,
    LATE,
    EARLY,
    OPEN_ALPHA,
    OPEN_PAIR,
    OPEN_MARKED,
    OPEN_HELD,
    OPEN_GONE,
    OPEN_REBORN,
    OPEN_REGATED,
    OPEN_FROZEN,
    OPEN_EDITED,
    OPEN_EARLY,
    OTHER_ALPHA,
)
"""Those whose gate has everything but people after the soak."""
GRANTED: Final = {
    HELD: "amir",
    OTHER_ALPHA: "amir",
    OPEN_HELD: "ann",
    OPEN_GONE: "ann",
    OPEN_REBORN: "ann",
    OPEN_REGATED: "ann",
    OPEN_FROZEN: "ann",
}
"""Those that are approved by another person: the honest way."""

RECONCILED: Final = {
    "name": "reconciled",
    "report": {"producer": "reconciliation", "configMap": {"name": "reconciled", "key": "report.json"}},
    "threshold": {"comparison": "Equal", "value": "1"},
    "periodSeconds": 5,
    "inconclusiveLimit": 10_000,
    "consecutiveErrorLimit": 100,
    "failureLimit": 10_000,
}


def _changed(told: BotState, **changes: Any) -> BotState:
    return told.model_copy(update=changes)


def _unready(told: BotState) -> BotState:
    return _changed(told, ready=False)


async def assemble(stage: Stage) -> None:
    """Make every desk, bot and gate, and the approvals that come too early or would be enough by themselves."""
    await _make_desks(stage)
    for victim in (YOUNG, OPEN_YOUNG):
        stage.worlds[victim.namespace].node.liars[victim.bot] = _unready
    for name, (_, lie) in LIES.items():
        stage.worlds[DESK].node.liars[name] = lie
    guarded = (ALPHA, PAIRS, HELD, LATE, EARLY, EXPIRED, REPORTED, YOUNG, OTHER_ALPHA, *LIARS.values())
    await asyncio.gather(*(_make_bot(stage, victim, "tara") for victim in guarded))
    await _make_bot(stage, BRAVO, "bo")
    await _make_bot(stage, CAPPED, "tara", deskRef={"name": "paper"})
    await _make_bot(stage, STEPPING, "tara", gateRef={"name": "stepping-to-testnet"})
    free = (
        OPEN_ALPHA,
        OPEN_MARKED,
        OPEN_HELD,
        OPEN_GONE,
        OPEN_REBORN,
        OPEN_REGATED,
        OPEN_FROZEN,
        OPEN_EDITED,
        OPEN_EARLY,
        OPEN_YOUNG,
    )
    await asyncio.gather(*(_make_bot(stage, victim, None) for victim in free))
    await _make_bot(stage, OPEN_PAIR, "mallory", deskRef={"name": "pair"})
    for victim, approver in ((EARLY, "amir"), (OPEN_EARLY, "ann")):
        await _approve_too_early(stage, victim, approver)
    gates = (ALPHA, BRAVO, HELD, LATE, EARLY, CAPPED, YOUNG, OTHER_ALPHA, OPEN_PAIR, *free, *LIARS.values())
    await asyncio.gather(*(_make_gate(stage, victim) for victim in gates))
    await _make_gate(stage, PAIRS, approvals={"required": 2})
    long_soak = {"minSeconds": 80, "minFills": 1, "maxGapSeconds": 60}
    await _make_gate(stage, EXPIRED, soak=long_soak)
    fills = build_gate(DESK, "any", bot="any")["spec"]["checks"]
    await _make_gate(stage, REPORTED, checks=[*fills, RECONCILED])
    await _make_odd_gates(stage)
    await _approve(stage, EXPIRED, "amir", validSeconds=60)
    await asyncio.gather(*(_approve(stage, victim, "amir") for victim in (CAPPED, REPORTED, *LIARS.values())))


async def _make_desks(stage: Stage) -> None:
    rosa, mallory = stage.person("rosa"), stage.person("mallory")
    for namespace in (DESK, OTHER):
        await rosa.create(TRADING_DESK, build_desk(namespace, "demo", two_persons=True))
    below = ["Disabled", "NoTrade", "Paper", "Testnet"]
    await rosa.create(TRADING_DESK, build_desk(DESK, "paper", two_persons=False, modes=below))
    await mallory.create(TRADING_DESK, build_desk(OPEN, "demo", two_persons=False))
    await mallory.create(TRADING_DESK, build_desk(OPEN, "pair", two_persons=True))
    for namespace in (DESK, OTHER):

        async def in_force(namespace: str = namespace) -> bool:
            try:
                await stage.person("carla").create(TRADING_BOT, build_bot(namespace, "probe", gate="none"), dry=True)
            except RefusedError as error:
                return "asks for two persons" in str(error)
            return False

        await stage.until(in_force, tell="the policy two-persons is not in force")


async def _make_bot(stage: Stage, victim: Victim, author: str | None, **changes: Any) -> None:
    bot = build_bot(victim.namespace, victim.bot, gate=victim.gate, author=author, **changes)
    await stage.person(author or "mallory").create(TRADING_BOT, bot)


async def _make_gate(stage: Stage, victim: Victim, **changes: Any) -> None:
    who = "mallory" if victim.namespace == OPEN else "rosa"
    gate = build_gate(victim.namespace, victim.gate, bot=victim.bot, **changes)
    await stage.person(who).create(PROMOTION_GATE, gate)


async def _make_odd_gates(stage: Stage) -> None:
    """Make gates that grant, each something that it must not lead to."""
    rosa = stage.person("rosa")
    await rosa.create(PROMOTION_GATE, build_gate(DESK, "alpha-easy", bot="alpha"))
    rich = build_gate(DESK, "held-rich", bot="held", grant={"capitalQuote": "100000"})
    await rosa.create(PROMOTION_GATE, rich)
    nothing: dict[str, Any] = {"to": "Testnet", "minLevel": 0, "approvals": {"required": 0}, "soak": {"minSeconds": 0}}
    await rosa.create(PROMOTION_GATE, build_gate(DESK, "stepping-to-testnet", bot="stepping", **nothing))
    for bot, name in (("alpha", "alpha-easy"), ("held", "held-rich")):
        victim = Victim(DESK, bot)
        subject = await _until_subject(stage, victim, name)
        await stage.until_after(subject["since"])
        approval = build_approval(DESK, f"{name}-yes", gate=name, digest=subject["digest"], approver="amir")
        await stage.person("amir").create(PROMOTION_APPROVAL, approval)


async def _approve(stage: Stage, victim: Victim, approver: str, **changes: Any) -> None:
    await _until_subject(stage, victim, victim.gate)
    await stage.approve(victim, approver, **changes)


async def _until_subject(stage: Stage, victim: Victim, gate: str) -> dict[str, Any]:
    async def known() -> dict[str, Any] | None:
        status = (await stage.read(PROMOTION_GATE, victim.namespace, gate)).get("status") or {}
        subject: dict[str, Any] | None = status.get("subject")
        return subject if subject and subject.get("imageId") else None

    found: dict[str, Any] = await stage.until(known, tell=f"gate {victim.namespace}/{gate} knows no subject")
    return found


async def _approve_too_early(stage: Stage, victim: Victim, approver: str) -> None:
    async def digest() -> str | None:
        said: str | None = ((await stage.bot(victim)).get("status") or {}).get("digest")
        return said

    approval = build_approval(
        victim.namespace, f"{victim.bot}-yes", gate=victim.gate, digest=await stage.until(digest), approver=approver
    )
    await stage.person(approver).create(PROMOTION_APPROVAL, approval)
