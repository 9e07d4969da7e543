"""The validation ladder: which rungs this subject has reached, each with what it rests on or lacks.

Rows R-191 to R-199; docs/design/promotion.md, 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from aviary_crds.v1alpha1.gatechecks import ReportScope
from aviary_crds.v1alpha1.gatestatus import CheckState, FloorStatus
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.promotiongate import LIVE_FLOOR_LEVEL

from aviary_operator.bots.seal import Seal
from aviary_operator.gates.decide.check_state import CheckVerdict
from aviary_operator.gates.decide.floor import FLOOR_NAMES, FULL_FLOOR_SECONDS
from aviary_operator.gates.decide.gate_view import GateFacts
from aviary_operator.gates.decide.run import Run, SubjectKey
from aviary_operator.gates.decide.seals import is_floor_genuine, seal_floor

SMOKE: Final = timedelta(minutes=10)
SCALED: Final = timedelta(days=5)

_REPORTS: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("backtest-regression",),
    4: ("perp-smoke", "restart-recovery", "kill-drill"),
    5: ("fill-factor-calibration",),
    6: ("post-trade-validation",),
}
_FILL_FACTOR: Final = "realized_fill_factor"
_LOWEST_PAPER_RUNG: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung. ``is_refuted``: its evidence is there and says no; otherwise what lacks may only not be known yet."""

    level: int
    reached: bool
    message: str
    is_refuted: bool = False


def decide_floor(
    facts: GateFacts,
    verdicts: Sequence[CheckVerdict],
    *,
    key: SubjectKey | None,
    run: Run | None,
    now: datetime,
    seal: Seal,
) -> FloorStatus | None:
    """Return that this subject has reached the floor: as stored under the seal, or because all seven KPIs hold now.

    A floor that was reached over a shorter window than the operator asks now is not kept.
    """
    if key is None:
        return None
    stored = facts.stored.floor
    if (
        stored is not None
        and (stored.digest, stored.bot_uid, stored.image_id) == (key.digest, key.bot_uid, key.image_id)
        and stored.window_seconds >= facts.floor_seconds
        and is_floor_genuine(facts, stored, seal=seal)
    ):
        return stored
    passed = {item.check.name for item in verdicts if item.state is CheckState.PASSED}
    if run is None or run.since is None or not passed >= FLOOR_NAMES:
        return None
    floor = FloorStatus(
        digest=key.digest,
        bot_uid=key.bot_uid,
        image_id=key.image_id,
        reached_time=now.replace(microsecond=0),
        window_seconds=facts.floor_seconds,
        seal="",
    )
    return seal_floor(facts, floor, seal=seal)


def judge_rungs(
    facts: GateFacts,
    verdicts: Sequence[CheckVerdict],
    floor: FloorStatus | None,
    run: Run | None,
    *,
    now: datetime,
) -> tuple[Rung, ...]:
    """Return the eight rungs, from 0 up."""
    bot = facts.bot
    static = bot is not None and bot.static_ok
    return (
        Rung(level=0, reached=static, message=bot.static_message if bot else "there is no bot"),
        _reported(1, verdicts),
        _smoked(floor, run, now),
        _soaked(facts, verdicts, floor),
        _reported(4, verdicts),
        _reported(5, verdicts),
        _reported(6, verdicts),
        _scaled(run),
    )


def find_level(rungs: Sequence[Rung]) -> int:
    """Return the highest rung whose own evidence holds, with every rung from 2 up to it; -1 when there is none."""
    level = max((rung.level for rung in rungs if rung.reached and rung.level < _LOWEST_PAPER_RUNG), default=-1)
    for rung in rungs[_LOWEST_PAPER_RUNG:]:
        if not rung.reached:
            return level
        level = rung.level
    return level


def find_missing(rungs: Sequence[Rung], wanted: int) -> Rung | None:
    """Return the first rung that keeps the level below ``wanted``; None when nothing does."""
    if find_level(rungs) >= wanted:
        return None
    first = min(wanted, _LOWEST_PAPER_RUNG)
    return next(rung for rung in rungs[first : wanted + 1] if not rung.reached)


def _smoked(floor: FloorStatus | None, run: Run | None, now: datetime) -> Rung:
    if floor is not None:
        return Rung(level=2, reached=True, message=f"rung {LIVE_FLOOR_LEVEL} was reached, and with it this one")
    if run is None or run.since is None:
        return Rung(level=2, reached=False, message="there is no run")
    age, fills = now - run.since, run.fills
    reached = age >= SMOKE and fills > 0
    message = f"at least {SMOKE.seconds // 60} minutes in one run, with fills"
    return Rung(level=2, reached=reached, message=message if reached else f"needs {message}; it has {fills} fills")


def _soaked(facts: GateFacts, verdicts: Sequence[CheckVerdict], floor: FloorStatus | None) -> Rung:
    window = floor.window_seconds if floor else facts.floor_seconds
    short = f"; that is less than the {FULL_FLOOR_SECONDS} s of the desk's rules" if window < FULL_FLOOR_SECONDS else ""
    if floor is not None:
        message = f"all seven KPIs held over {window} s at {floor.reached_time:%Y-%m-%d %H:%M:%S} UTC{short}"
        return Rung(level=3, reached=True, message=message)
    own = [item for item in verdicts if item.check.name in FLOOR_NAMES]
    if not own:
        return Rung(level=3, reached=False, message="not measured: this gate asks for no floor")
    lacking = [item for item in own if item.state is not CheckState.PASSED]
    names = ", ".join(item.check.name for item in lacking[:3]) + (" and more" if len(lacking) > 3 else "")  # noqa: PLR2004
    message = f"needs all seven KPIs over {window} s{short}; lacks {names}"
    refuted = any(item.state is CheckState.FAILED for item in lacking)
    return Rung(level=3, reached=False, message=message, is_refuted=refuted)


def _reported(level: int, verdicts: Sequence[CheckVerdict]) -> Rung:
    lacking: list[str] = []
    refuted = False
    for producer in _REPORTS[level]:
        own = [item for item in verdicts if _is_about(item, producer, level)]
        if any(_is_good(item, level) for item in own):
            continue
        states = [item.state for item in own]
        lacking.append(f"{producer} ({min(states, key=lambda state: state.badness).value if states else 'no check'})")
        refuted = refuted or not own or all(_says_no(item) for item in own)
    if lacking:
        return Rung(level=level, reached=False, message=f"needs {', '.join(lacking)}", is_refuted=refuted)
    return Rung(level=level, reached=True, message=f"passed: {', '.join(_REPORTS[level])}")


def _is_about(verdict: CheckVerdict, producer: str, level: int) -> bool:
    """Whether the check is this rung's report about this very subject, and counts."""
    check = verdict.check
    source = check.report or check.job
    if source is None or source.producer != producer or not verdict.enforces:
        return False
    if check.report is not None and check.report.scope is not ReportScope.SUBJECT:
        return False
    return level != 5 or source.value == _FILL_FACTOR  # noqa: PLR2004  the calibrated rung


def _is_good(verdict: CheckVerdict, level: int) -> bool:
    if verdict.state is not CheckState.PASSED:
        return False
    return level != 5 or _value(verdict) > 0  # noqa: PLR2004  the calibrated rung


def _says_no(verdict: CheckVerdict) -> bool:
    return verdict.state in {CheckState.FAILED, CheckState.PASSED}


def _value(verdict: CheckVerdict) -> Decimal:
    newest = verdict.record.newest_value if verdict.record else None
    return newest.value if newest is not None and newest.value is not None else Decimal(0)


def _scaled(run: Run | None) -> Rung:
    bucket = run.buckets.total if run is not None and run.since is not None and run.buckets is not None else None
    reached = bucket is not None and bucket.last_mode is Mode.LIVE and bucket.live >= SCALED
    message = f"{SCALED.days} days live in one run"
    return Rung(level=7, reached=reached, message=message if reached else f"needs {message}")
