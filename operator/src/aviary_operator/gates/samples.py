"""Samples: what the operator saw of a bot every fifteen seconds, the ground of soak, floor and ``bot`` checks."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from aviary_crds.botstate import BotState, Phase
from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.tradingbot import GuardState
from pydantic import TypeAdapter, ValidationError

from aviary_operator.bots.observed import BotReport

SAMPLE_SECONDS: Final = 15.0

FRESH_SECONDS: Final = 20.0
"""An answer older than this is none, and a bot's clock further from the operator's than this is not believed."""

_CLOCK_TOLERANCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFacts:
    """A TradingBot as its controller and the cluster show it.

    Attributes:
        digest: None unless the bot controller wrote it for the bot's present generation.
        image_id: image of the bot's container as the node reports it; None while it is not known.
        changed_by: who last changed it, where the API server checks that; None when the bot does not say.
        static_ok: rung 0: envelope valid and enforced, configuration in sync, all for the present generation.
        static_message: why not, or what it rests on.
        image_pinned: whether the spec names the image by its digest.
    """

    name: str
    uid: str
    created: datetime
    digest: str | None
    image_id: str | None
    requested: Mode
    granted: Mode | None
    changed_by: str | None
    static_ok: bool
    static_message: str
    envelope_enforced: bool = False
    config_in_sync: bool = False
    image_pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look at a bot. A figure that the bot did not say is None, and None is never good.

    ``time`` is the operator's clock; ``digest`` what the process says it runs; counters count since the bot was made,
    ``refused_orders`` since its process started. ``good`` is False for a look that got no answer or one that does not
    belong to the subject; such a look carries no figures.
    """

    time: datetime
    bot_uid: str
    digest: str | None
    image_id: str | None
    mode: Mode | None
    good: bool
    why_not: str = ""
    ready: bool = False
    connectors_ready: bool = False
    guard: GuardState | None = None
    hard_stops: int | None = None
    starts: int | None = None
    fills: int | None = None
    rejected_orders: int | None = None
    refused_orders: int | None = None
    open_orders: int | None = None
    cancels_in_budget: bool | None = None
    day_loss_bps: Decimal | None = None
    drawdown_bps: Decimal | None = None
    day_turnover_bps: Decimal | None = None
    fee_source: str | None = None
    inventory_in_band: bool | None = None
    leverage: int | None = None
    equity_quote: Decimal | None = None
    envelope_enforced: bool = False
    config_in_sync: bool = False
    image_pinned: bool = False


def take_sample(bot: BotFacts, report: BotReport, *, now: datetime) -> Sample:
    """Return what is seen of the bot now.

    Good only when a fresh answer names this bot and the digest that its controller wrote, the node has said which image
    runs, and the process runs and is ready. Whether the mode is one of the gate's is the run's question.
    """
    state = report.state
    empty = Sample(time=now, bot_uid=bot.uid, digest=None, image_id=bot.image_id, mode=None, good=False)
    unfresh = _find_unfresh(report, now)
    if state is None or unfresh is not None:
        return replace(empty, why_not=unfresh or "the bot has not answered yet")
    if state.uid != bot.uid:
        return replace(empty, why_not=f"the process answers for another bot of this name, uid {state.uid}")
    if bot.digest is None:
        return replace(empty, why_not="the bot's controller has not written the digest of its present spec yet")
    if state.digest != bot.digest:
        why = f"the process runs digest {state.digest}, the spec asks for {bot.digest}"
        return replace(empty, digest=state.digest, mode=state.mode, why_not=why)
    why_not = _find_not_ready(bot, state)
    return replace(_read_figures(empty, bot, state), good=not why_not, why_not=why_not)


class SampleError(Exception):
    """Stored text that is no sample; the message says what is wrong with it."""


def dump_sample(sample: Sample) -> bytes:
    """Return the sample as one line of JSON, without what is not known."""
    return _SAMPLES.dump_json(sample, exclude_defaults=True)


def load_sample(line: bytes) -> Sample:
    """Read what ``dump_sample`` wrote.

    Raises:
        SampleError: when it is anything else.
    """
    try:
        sample = _SAMPLES.validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SampleError(f"no sample: {where}: {first['msg']}") from None
    if sample.time.tzinfo is None:
        raise SampleError("no sample: time has no time zone")
    return sample


_SAMPLES: Final[TypeAdapter[Sample]] = TypeAdapter(Sample)


def _find_unfresh(report: BotReport, now: datetime) -> str | None:
    state, seen = report.state, report.seen
    if state is None or seen is None:
        return f"the bot does not answer: {report.error}" if report.error else None
    age = (now - seen).total_seconds()
    if age > FRESH_SECONDS:
        return f"the last answer is {age:.0f} s old: {report.error or 'the bot was not asked'}"
    if seen > now + _CLOCK_TOLERANCE:
        return "the last answer is from the future: the operator's clock was set back"
    skew = (seen - state.time).total_seconds()
    if abs(skew) > FRESH_SECONDS:
        return f"the bot's clock is {skew:.0f} s behind the operator's, or its answer that old: check the clocks"
    return None


def _find_not_ready(bot: BotFacts, state: BotState) -> str:
    if bot.image_id is None:
        return "the node has not said which image runs"
    if state.phase is not Phase.RUNNING:
        return f"the process is {state.phase.value}: {state.message}" if state.message else f"it is {state.phase.value}"
    if not state.ready:
        return "the bot is not ready to trade"
    return ""


def _read_figures(empty: Sample, bot: BotFacts, state: BotState) -> Sample:
    figures, risk = state.figures, state.risk
    changes: dict[str, Any] = {
        "digest": state.digest,
        "mode": state.mode,
        "ready": state.ready and state.phase is Phase.RUNNING,
        "connectors_ready": bool(state.connectors) and all(item.ready for item in state.connectors),
        "guard": state.guard.state,
        "hard_stops": risk.hard_stops,
        "starts": state.starts,
        "fills": figures.fills,
        "rejected_orders": figures.rejected_orders,
        "refused_orders": sum(state.guard.refusals.values()),
        "open_orders": figures.open_orders,
        "cancels_in_budget": risk.cancels_in_budget,
        "day_loss_bps": risk.day_loss_bps,
        "drawdown_bps": risk.drawdown_bps,
        "day_turnover_bps": risk.day_turnover_bps,
        "fee_source": figures.fee_source,
        "inventory_in_band": risk.inventory_in_band,
        "leverage": risk.leverage,
        "equity_quote": figures.equity_quote,
        "envelope_enforced": bot.envelope_enforced,
        "config_in_sync": bot.config_in_sync,
        "image_pinned": bot.image_pinned,
    }
    return replace(empty, **changes)
