"""Gates that ask for less, a second gate beside the one that is named, and gates written by who may not."""

from collections.abc import Iterator
from typing import Any

from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.runtime.kinds import PROMOTION_GATE

from ..attempt import Attempt, Before  # noqa: TID252  the tests are no installed package
from ..cast import ALPHA, HELD, OPEN_ALPHA  # noqa: TID252
from ..manifests import CAPITAL, DESK, FILLS, build_gate  # noqa: TID252
from ..people import Stop  # noqa: TID252
from ..stage import Stage, Victim  # noqa: TID252

NO_MORE = f"^Live with at most {CAPITAL}$"


def attempts() -> Iterator[Attempt]:
    """Give every attempt."""
    dry = {**FILLS, "enforcement": "DryRun"}
    warned = {**FILLS, "severity": "Warning"}
    named = {**FILLS, "name": "floor-fills"}
    for who, victim in (("rosa", ALPHA), ("mallory", OPEN_ALPHA)):
        yield _loosened("below the floor, minLevel 0", who, victim, "needs minLevel 3", {"minLevel": 0})
        yield _loosened("without any approval", who, victim, "at least one approval", {"approvals": {"required": 0}})
        yield _loosened("of dry runs only", who, victim, "at least one check must be Critical", {"checks": [dry]})
        yield _loosened("of warnings only", who, victim, "at least one check must be Critical", {"checks": [warned]})
        yield _loosened("with a check of the floor's name", who, victim, "operator's own checks", {"checks": [named]})
        yield _loosened("turned to another bot", who, victim, "cannot change", {"botRef": {"name": "held"}})
        yield _loosened("turned to another step", who, victim, "cannot change|five days", {"from": "Live"})
        raised = {"from": "Live", "grant": {"capitalQuote": "100000"}}
        yield _made("a capital raise without five days live", who, victim, "five days live", raised)
    for who in ("tara", "amir", "vera", "eddy"):
        yield _loosened("by who may not", who, ALPHA, "cannot patch", {"minLevel": 3}, Stop.RIGHTS)
        yield _made("an own gate by who may not", who, ALPHA, "cannot create", {}, Stop.RIGHTS)
    yield Attempt(
        what="a second gate that grants, beside the one that is named",
        who="amir",
        victim=ALPHA,
        act=_easier,
        stopped_by=Stop.OPERATOR,
        because="GatePending: PromotionGate alpha-to-live",
    )
    yield Attempt(
        what="a second gate that grants more capital",
        who="amir",
        victim=HELD,
        act=_richer,
        before=Before.KEEPS,
        ceiling=Mode.LIVE,
        stopped_by=Stop.OPERATOR,
        because=NO_MORE,
        tell=tell_capital,
    )


def _loosened(
    what: str, who: str, victim: Victim, because: str, spec: dict[str, Any], stopped_by: Stop = Stop.KIND
) -> Attempt:
    async def act(stage: Stage) -> None:
        await stage.person(who).merge(PROMOTION_GATE, victim.namespace, victim.gate, {"spec": spec})

    return Attempt(what=f"gate {what}", who=who, victim=victim, act=act, stopped_by=stopped_by, because=because)


def _made(
    what: str, who: str, victim: Victim, because: str, spec: dict[str, Any], stopped_by: Stop = Stop.KIND
) -> Attempt:
    async def act(stage: Stage) -> None:
        gate = build_gate(victim.namespace, "mine", bot=victim.bot, **spec)
        await stage.person(who).create(PROMOTION_GATE, gate)

    return Attempt(what=what, who=who, victim=victim, act=act, stopped_by=stopped_by, because=because)


async def _easier(stage: Stage) -> None:
    await _until_granting(stage, "alpha-easy")


async def _richer(stage: Stage) -> None:
    await _until_granting(stage, "held-rich")


async def _until_granting(stage: Stage, name: str) -> None:
    """The gate was made and approved at the beginning; it must be granting by now, or nothing is proven."""

    async def is_granting() -> bool:
        status = (await stage.read(PROMOTION_GATE, DESK, name)).get("status") or {}
        return bool((status.get("grant") or {}).get("mode") == "Live")

    await stage.until(is_granting, tell=f"gate {name} does not grant")


async def tell_capital(stage: Stage) -> str:
    """Return how much HELD may work with."""
    return f"Live with at most {max(await stage.capital(HELD))}"
