"""Buckets hold a week in little room, and merging them in any order gives the same figures."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.buckets import (
    COARSE,
    COARSEST,
    FINE,
    Buckets,
    Counter,
    add_sample,
    begin_buckets,
    build_bucket,
    merge_buckets,
    merge_counters,
)
from aviary_operator.gates.samples import Sample
from hypothesis import given
from hypothesis import strategies as st

from .evidence import NOW, sample, samples, silence

WEEK = 7 * 24 * 3_600


def gathered(looks: list[Sample]) -> Buckets:
    """Return the buckets of these looks."""
    return reduce(add_sample, looks[1:], begin_buckets(looks[0]))


def test_a_week_is_small_and_the_newest_two_hours_are_as_they_were_sampled() -> None:
    buckets = gathered(samples(WEEK, step=60))
    assert len(buckets) < 1_000
    assert [bucket.looks for bucket in buckets.fine] == [1] * 121
    assert buckets.fine[0].start == NOW - FINE
    assert all(bucket.end - bucket.start < COARSE for bucket in buckets.older)
    assert all(bucket.end - bucket.start < COARSEST for bucket in buckets.oldest)
    assert buckets.total.looks == WEEK // 60 + 1


def test_nothing_is_lost_or_counted_twice_where_samples_grow_old() -> None:
    buckets = gathered(samples(2 * 24 * 3_600, step=60))
    everything = (*buckets.oldest, *buckets.older, *buckets.fine)
    assert reduce(merge_buckets, everything) == buckets.total
    assert all(one.end < two.start for one, two in pairwise(everything))


@pytest.mark.parametrize("back", [0, 600, 7_200, 10_000, 100_000, 200_000])
def test_a_window_that_cuts_a_bucket_counts_it_whole(back: int) -> None:
    start = NOW - timedelta(seconds=back)
    window, before = gathered(samples(2 * 24 * 3_600, step=60)).since(start)
    assert window is not None
    assert window.end == NOW
    assert before is None or before.end < start
    assert before is None or window.start - before.end == timedelta(seconds=60)
    assert window.start >= start - COARSEST


def test_a_window_in_which_nobody_looked_is_empty() -> None:
    window, before = gathered(samples(600)).since(NOW + timedelta(seconds=1))
    assert window is None
    assert before is not None
    assert before.end == NOW


def test_a_counter_that_falls_is_known_to_have_fallen() -> None:
    one, two = Counter(3, 9, 6), Counter(2, 4, 2)
    assert merge_counters(one, two) == Counter(3, 4, 10, fell=True)
    assert merge_counters(one, None) == one
    assert merge_counters(None, two) == two


def _looks() -> st.SearchStrategy[Sample]:
    counts = st.one_of(st.none(), st.integers(0, 5))
    figures = st.one_of(st.none(), st.integers(-3, 3).map(Decimal))

    def build(gap: int, said: dict[str, Any]) -> Sample:
        return sample(NOW + timedelta(seconds=gap), **said) if said["ready"] else silence(NOW + timedelta(seconds=gap))

    said = st.fixed_dictionaries(
        {
            "good": st.booleans(),
            "ready": st.booleans(),
            "mode": st.sampled_from([Mode.PAPER, Mode.LIVE]),
            "guard": st.sampled_from(["Running", "SoftPaused", None]),
            "fills": counts,
            "hard_stops": counts,
            "refused_orders": counts,
            "leverage": counts,
            "day_loss_bps": figures,
            "inventory_in_band": st.sampled_from([True, False, None]),
            "fee_source": st.sampled_from(["api:x", None]),
        }
    )
    return st.builds(build, st.integers(1, 60), said)


@given(looks=st.lists(_looks(), min_size=3, max_size=8), cut=st.integers(1, 6), second=st.integers(1, 6))
def test_merging_is_associative(looks: list[Sample], cut: int, second: int) -> None:
    time, ordered = NOW, []
    for look in looks:
        time += look.time - NOW
        ordered.append(build_bucket(_at(look, time)))
    first, last = sorted((min(cut, len(ordered) - 2), min(cut + second, len(ordered) - 1)))
    one, two, three = ordered[:first], ordered[first:last], ordered[last:]
    left, middle, right = (reduce(merge_buckets, part) for part in (one, two, three))
    assert merge_buckets(merge_buckets(left, middle), right) == merge_buckets(left, merge_buckets(middle, right))
    assert merge_buckets(left, merge_buckets(middle, right)) == reduce(merge_buckets, ordered)


def _at(look: Sample, time: datetime) -> Sample:
    return replace(look, time=time)
