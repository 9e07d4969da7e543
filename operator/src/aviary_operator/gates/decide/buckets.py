"""Buckets: many samples as few numbers, so that a week of a bot is not forty thousand looks.

A bucket is made of one sample; two that follow each other merge into one. Merging is associative and ``None`` is
nothing, so whatever was merged first, the figures are the same. The newest two hours stay as they were sampled, what is
older lies in buckets of five minutes, what is older than a day in buckets of an hour.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from aviary_crds.v1alpha1.modes import Mode
from aviary_crds.v1alpha1.tradingbot import GuardState

from aviary_operator.gates.samples import Sample

FINE: Final = timedelta(hours=2)
COARSE: Final = timedelta(minutes=5)
COARSE_FOR: Final = timedelta(days=1)
COARSEST: Final = timedelta(hours=1)

_NO_TIME: Final = timedelta(0)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Counter(NamedTuple):
    """A count that only grows. ``fell`` says that it once did not: then what was counted before is not known."""

    first: int
    last: int
    gained: int = 0
    fell: bool = False


class Share(NamedTuple):
    """In how many samples something held, of how many that could say."""

    held: int = 0
    of: int = 0


class Peak(NamedTuple):
    """The largest of a figure, and how many good samples did not say it."""

    largest: Decimal | None = None
    unknown: int = 0


class Bucket(NamedTuple):
    """What was seen from ``start`` to ``end``, both the time of a sample. ``looks`` counts the silent ones too."""

    start: datetime
    end: datetime
    looks: int
    good: int
    first_good: datetime | None
    last_good: datetime | None
    longest_gap: timedelta
    first_mode: Mode | None
    last_mode: Mode | None
    live: timedelta
    ready: int
    running: int
    connectors_ready: int
    first_guard: GuardState | None
    last_guard: GuardState | None
    guard_transitions: int
    cancels_in_budget: Share
    fee_source_known: Share
    inventory_in_band: Share
    hard_stops: Counter | None
    starts: Counter | None
    fills: Counter | None
    rejected_orders: Counter | None
    refused_orders: Counter | None
    unknown_counts: frozenset[str]
    """Counters that a good sample did not say."""
    open_orders: Peak
    day_loss_bps: Peak
    drawdown_bps: Peak
    day_turnover_bps: Peak
    leverage: Peak


def build_bucket(sample: Sample) -> Bucket:
    """Return one sample as a bucket."""
    good, time = sample.good, sample.time
    counts = {name: getattr(sample, name) for name in _COUNTERS}
    return Bucket(
        start=time,
        end=time,
        looks=1,
        good=int(good),
        first_good=time if good else None,
        last_good=time if good else None,
        longest_gap=_NO_TIME,
        first_mode=sample.mode if good else None,
        last_mode=sample.mode if good else None,
        live=_NO_TIME,
        ready=int(sample.ready),
        running=int(sample.ready and sample.guard == "Running"),
        connectors_ready=int(sample.connectors_ready),
        first_guard=sample.guard,
        last_guard=sample.guard,
        guard_transitions=0,
        cancels_in_budget=_share(sample.cancels_in_budget, good=good),
        fee_source_known=_share(_is_fee_source(sample.fee_source), good=good),
        inventory_in_band=_share(sample.inventory_in_band, good=good),
        **{name: None if count is None else Counter(count, count) for name, count in counts.items()},
        unknown_counts=frozenset(name for name, count in counts.items() if good and count is None),
        open_orders=_peak(sample.open_orders, good=good),
        day_loss_bps=_peak(sample.day_loss_bps, good=good),
        drawdown_bps=_peak(sample.drawdown_bps, good=good),
        day_turnover_bps=_peak(sample.day_turnover_bps, good=good),
        leverage=_peak(sample.leverage, good=good),
    )


def merge_buckets(one: Bucket, two: Bucket) -> Bucket:
    """Return both as one; ``two`` follows ``one``."""
    between = two.first_good - one.last_good if two.first_good and one.last_good else _NO_TIME
    both_live = one.last_mode is Mode.LIVE and two.first_mode is Mode.LIVE
    turned = one.last_guard and two.first_guard and one.last_guard != two.first_guard
    return Bucket(
        start=one.start,
        end=two.end,
        looks=one.looks + two.looks,
        good=one.good + two.good,
        first_good=one.first_good or two.first_good,
        last_good=two.last_good or one.last_good,
        longest_gap=max(one.longest_gap, two.longest_gap, between),
        first_mode=one.first_mode or two.first_mode,
        last_mode=two.last_mode or one.last_mode,
        live=one.live + two.live + (between if both_live else _NO_TIME),
        ready=one.ready + two.ready,
        running=one.running + two.running,
        connectors_ready=one.connectors_ready + two.connectors_ready,
        first_guard=one.first_guard or two.first_guard,
        last_guard=two.last_guard or one.last_guard,
        guard_transitions=one.guard_transitions + two.guard_transitions + int(bool(turned)),
        cancels_in_budget=_merge_shares(one.cancels_in_budget, two.cancels_in_budget),
        fee_source_known=_merge_shares(one.fee_source_known, two.fee_source_known),
        inventory_in_band=_merge_shares(one.inventory_in_band, two.inventory_in_band),
        hard_stops=merge_counters(one.hard_stops, two.hard_stops),
        starts=merge_counters(one.starts, two.starts),
        fills=merge_counters(one.fills, two.fills),
        rejected_orders=merge_counters(one.rejected_orders, two.rejected_orders),
        refused_orders=merge_counters(one.refused_orders, two.refused_orders),
        unknown_counts=one.unknown_counts | two.unknown_counts,
        open_orders=_merge_peaks(one.open_orders, two.open_orders),
        day_loss_bps=_merge_peaks(one.day_loss_bps, two.day_loss_bps),
        drawdown_bps=_merge_peaks(one.drawdown_bps, two.drawdown_bps),
        day_turnover_bps=_merge_peaks(one.day_turnover_bps, two.day_turnover_bps),
        leverage=_merge_peaks(one.leverage, two.leverage),
    )


def merge_counters(one: Counter | None, two: Counter | None) -> Counter | None:
    """Return two counters that follow each other as one. One that fell began anew at 0."""
    if one is None or two is None:
        return one or two
    step = two.first - one.last
    gained = one.gained + two.gained + (step if step >= 0 else two.first)
    return Counter(one.first, two.last, gained, fell=one.fell or two.fell or step < 0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """All samples of a stretch: ``total`` is all of them as one, ``tiers`` the same in order, the oldest coarsest."""

    total: Bucket
    oldest: tuple[Bucket, ...] = ()
    older: tuple[Bucket, ...] = ()
    fine: tuple[Bucket, ...] = ()

    def __len__(self) -> int:
        return len(self.oldest) + len(self.older) + len(self.fine)

    def since(self, start: datetime) -> tuple[Bucket | None, Bucket | None]:
        """Return what was seen from ``start`` on as one bucket, and the bucket before it; None where there is none.

        A bucket that ``start`` cuts counts whole.
        """
        found: Bucket | None = None
        for tier in (self.fine, self.older, self.oldest):
            for bucket in reversed(tier):
                if bucket.end < start:
                    return found, bucket
                found = bucket if found is None else merge_buckets(bucket, found)
        return found, None


def begin_buckets(sample: Sample) -> Buckets:
    """Return the buckets of a stretch that begins with this sample."""
    bucket = build_bucket(sample)
    return Buckets(total=bucket, fine=(bucket,))


def add_sample(buckets: Buckets, sample: Sample) -> Buckets:
    """Return the buckets with one more sample, which is newer than all of them, and what has become old merged."""
    bucket = build_bucket(sample)
    fine, older, oldest = (*buckets.fine, bucket), buckets.older, buckets.oldest
    fine, older = _let_down(fine, older, before=sample.time - FINE, width=COARSE)
    older, oldest = _let_down(older, oldest, before=sample.time - COARSE_FOR, width=COARSEST)
    return Buckets(total=merge_buckets(buckets.total, bucket), oldest=oldest, older=older, fine=fine)


def _let_down(
    upper: tuple[Bucket, ...], lower: tuple[Bucket, ...], *, before: datetime, width: timedelta
) -> tuple[tuple[Bucket, ...], tuple[Bucket, ...]]:
    """Return both tiers after everything of ``upper`` that ended ``before`` went into slots of ``width`` below."""
    gone = 0
    while gone < len(upper) and upper[gone].end < before:
        bucket = upper[gone]
        if lower and _slot(lower[-1].start, width) == _slot(bucket.start, width):
            lower = (*lower[:-1], merge_buckets(lower[-1], bucket))
        else:
            lower = (*lower, bucket)
        gone += 1
    return (upper[gone:], lower) if gone else (upper, lower)


def _slot(moment: datetime, width: timedelta) -> int:
    return (moment - _EPOCH) // width


_FEE_SOURCES: Final = ("api:", "connector:", "project:")
"""Row paper_fee of the requirements: fees that a person wrote down are no evidence of what a venue will take."""


def _is_fee_source(source: str | None) -> bool | None:
    return source.startswith(_FEE_SOURCES) if source else None


@lru_cache(maxsize=8)
def _share(held: bool | None, *, good: bool) -> Share:  # noqa: FBT001  a figure
    """Count a look that said, or was good and should have."""
    return Share(int(held is True), int(good or held is not None))


@lru_cache(maxsize=1024)
def _peak(figure: Decimal | int | None, *, good: bool) -> Peak:
    known = Decimal(figure) if figure is not None and Decimal(figure).is_finite() else None
    return Peak(known, int(good and known is None))


def _merge_shares(one: Share, two: Share) -> Share:
    return Share(one.held + two.held, one.of + two.of)


def _merge_peaks(one: Peak, two: Peak) -> Peak:
    if one.largest is None or two.largest is None:
        return Peak(one.largest if two.largest is None else two.largest, one.unknown + two.unknown)
    return Peak(max(one.largest, two.largest), one.unknown + two.unknown)


_COUNTERS: Final = ("hard_stops", "starts", "fills", "rejected_orders", "refused_orders")
