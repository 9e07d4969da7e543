"""Figures of a bot over a window of its run, from the samples (source ``bot``)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from aviary_crds.digest import canonical_json, sha256_hex
from aviary_crds.v1alpha1.gatechecks import BotField
from aviary_crds.v1alpha1.gatestatus import CheckState

from aviary_operator.gates.decide.buckets import Bucket, Counter, Peak, Share, merge_counters
from aviary_operator.gates.decide.run import Run
from aviary_operator.gates.measurement import NoValue, Reading, Silence
from aviary_operator.gates.samples import Sample


@dataclass(frozen=True, slots=True)
class _View:
    """What a figure is read from: the window as one bucket, the bucket before it, the newest good sample."""

    window: Bucket
    before: Bucket | None
    newest: Sample
    now: datetime


def figure(run: Run | None, field: BotField, window_seconds: int, *, now: datetime) -> Reading | Silence:
    """Return a figure over the last ``window_seconds`` of the run, all of it when 0.

    Pending while there is no run as long as the window; Inconclusive when the bot did not say the figure in a good
    sample of the window. A window that cuts an older bucket includes all of it.
    """
    query = f"{field.value} over {f'the last {window_seconds} s' if window_seconds else 'all'} of the run"
    if run is None or run.began is None or run.buckets is None or run.newest is None:
        return _silence(CheckState.PENDING, "NoRun", "there is no run: no good sample yet", query)
    age = (now - run.began).total_seconds()
    if age < window_seconds:
        message = f"the run is {age:.0f} s old, the window is {window_seconds} s"
        return _silence(CheckState.PENDING, "WindowNotFull", message, query)
    window: Bucket | None = run.buckets.total
    before: Bucket | None = None
    if window_seconds:
        window, before = run.window(now - timedelta(seconds=window_seconds))
    if window is None:
        return _silence(CheckState.INCONCLUSIVE, "NoSamples", f"no sample in the last {window_seconds} s", query)
    value = _FIGURES[field](_View(window, before, run.newest, now))
    if value is None:
        message = f"the bot did not say {field.value} in every good sample, or its count began anew"
        return _silence(CheckState.INCONCLUSIVE, "NoData", message, query)
    said = {
        "field": field.value,
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "looks": window.looks,
        "value": str(value),
    }
    return Reading(value=value, observed=run.newest.time, query=query, sha256=sha256_hex(canonical_json(said)))


def _silence(state: NoValue, reason: str, message: str, query: str) -> Silence:
    return Silence(state=state, reason=reason, message=message, query=query)


type _Figure = Callable[[_View], Decimal | None]


def _share_of(share: Callable[[Bucket], Share]) -> _Figure:
    return lambda view: _bps(share(view.window))


def _looks(held: Callable[[Bucket], int]) -> _Figure:
    """Share of all looks: one that got no answer counts against."""
    return lambda view: _bps(Share(held(view.window), view.window.looks))


def _gain(name: str, counter: Callable[[Bucket], Counter | None], *, restarts: bool = False) -> _Figure:
    """Growth of a counter since the last sample before the window; ``restarts``: it begins at 0 with the process."""

    def gained(view: _View) -> Decimal | None:
        inside = counter(view.window)
        if inside is None or name in view.window.unknown_counts:
            return None
        before = counter(view.before) if view.before else None
        base = Counter(before.last, before.last) if before else None
        total = merge_counters(base, inside)
        return None if total is None or (total.fell and not restarts) else Decimal(total.gained)

    return gained


def _peak(peak: Callable[[Bucket], Peak]) -> _Figure:
    return lambda view: None if peak(view.window).unknown else peak(view.window).largest


def _newest(held: Callable[[Sample], bool]) -> _Figure:
    return lambda view: Decimal(int(held(view.newest)))


def _longest_gap(view: _View) -> Decimal:
    """Return the longest time without a good sample, the one that lasts now among them."""
    edges = [view.window.longest_gap, view.now - view.newest.time]
    if view.before and view.before.last_good and view.window.first_good:
        edges.append(view.window.first_good - view.before.last_good)
    return Decimal(str(max(edges).total_seconds()))


def _bps(share: Share) -> Decimal | None:
    return Decimal(share.held * 10_000) / Decimal(share.of) if share.of else None


_FIGURES: Final[dict[BotField, _Figure]] = {
    BotField.SAMPLES: lambda view: Decimal(view.window.good),
    BotField.READY_SHARE_BPS: _looks(lambda bucket: bucket.ready),
    BotField.RUNNING_SHARE_BPS: _looks(lambda bucket: bucket.running),
    BotField.GUARD_TRANSITIONS: lambda view: Decimal(view.window.guard_transitions),
    BotField.HARD_STOPS: _gain("hard_stops", lambda bucket: bucket.hard_stops),
    BotField.FILLS: _gain("fills", lambda bucket: bucket.fills),
    BotField.REJECTED_ORDERS: _gain("rejected_orders", lambda bucket: bucket.rejected_orders),
    BotField.REFUSED_ORDERS: _gain("refused_orders", lambda bucket: bucket.refused_orders, restarts=True),
    BotField.CANCELS_IN_BUDGET_SHARE_BPS: _share_of(lambda bucket: bucket.cancels_in_budget),
    BotField.DAY_LOSS_BPS: _peak(lambda bucket: bucket.day_loss_bps),
    BotField.DRAWDOWN_BPS: _peak(lambda bucket: bucket.drawdown_bps),
    BotField.TURNOVER_BPS: _peak(lambda bucket: bucket.day_turnover_bps),
    BotField.FEE_SOURCE_KNOWN_SHARE_BPS: _share_of(lambda bucket: bucket.fee_source_known),
    BotField.INVENTORY_IN_BAND_SHARE_BPS: _share_of(lambda bucket: bucket.inventory_in_band),
    BotField.CONNECTOR_READY_SHARE_BPS: _looks(lambda bucket: bucket.connectors_ready),
    BotField.LONGEST_GAP_SECONDS: _longest_gap,
    BotField.RESTARTS: _gain("starts", lambda bucket: bucket.starts),
    BotField.OPEN_ORDERS: _peak(lambda bucket: bucket.open_orders),
    BotField.EQUITY_QUOTE: lambda view: view.newest.equity_quote,
    BotField.LEVERAGE: _peak(lambda bucket: bucket.leverage),
    BotField.ENVELOPE_ENFORCED: _newest(lambda sample: sample.envelope_enforced),
    BotField.IMAGE_PINNED: _newest(lambda sample: sample.image_pinned),
    BotField.CONFIG_IN_SYNC: _newest(lambda sample: sample.config_in_sync),
    BotField.LIVE_SECONDS: lambda view: Decimal(str(view.window.live.total_seconds())),
}
