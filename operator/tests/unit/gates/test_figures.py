"""Figures of a bot: what they are, and that none is made of what the bot did not say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aviary_crds.v1alpha1.gatechecks import BotField
from aviary_crds.v1alpha1.gatestatus import CheckState
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.gates.decide.figures import figure
from aviary_operator.gates.decide.run import Run, fail_run
from aviary_operator.gates.measurement import Reading, Silence
from aviary_operator.gates.samples import Sample

from .evidence import NOW, run_of, sample, samples, silence

HEALTHY: dict[BotField, str] = {
    BotField.SAMPLES: "81",
    BotField.READY_SHARE_BPS: "10000",
    BotField.RUNNING_SHARE_BPS: "10000",
    BotField.GUARD_TRANSITIONS: "0",
    BotField.HARD_STOPS: "0",
    BotField.FILLS: "20",
    BotField.REJECTED_ORDERS: "0",
    BotField.REFUSED_ORDERS: "0",
    BotField.CANCELS_IN_BUDGET_SHARE_BPS: "10000",
    BotField.DAY_LOSS_BPS: "10",
    BotField.DRAWDOWN_BPS: "20",
    BotField.TURNOVER_BPS: "500",
    BotField.FEE_SOURCE_KNOWN_SHARE_BPS: "10000",
    BotField.INVENTORY_IN_BAND_SHARE_BPS: "10000",
    BotField.CONNECTOR_READY_SHARE_BPS: "10000",
    BotField.LONGEST_GAP_SECONDS: "15",
    BotField.RESTARTS: "0",
    BotField.OPEN_ORDERS: "4",
    BotField.EQUITY_QUOTE: "10000",
    BotField.LEVERAGE: "1",
    BotField.ENVELOPE_ENFORCED: "1",
    BotField.IMAGE_PINNED: "1",
    BotField.CONFIG_IN_SYNC: "1",
    BotField.LIVE_SECONDS: "0",
}


def changed(*backs: int, **change: object) -> list[Sample]:
    """Return the looks, those so many seconds ago changed."""
    odd = {NOW - timedelta(seconds=back) for back in backs}
    return [replace(item, **change) if item.time in odd else item for item in samples()]  # type: ignore[arg-type]


def value(run: Run | None, field: BotField, window: int = 0) -> Decimal:
    """Return the figure, which must be there."""
    answer = figure(run, field, window, now=NOW)
    assert isinstance(answer, Reading), answer
    return answer.value


def why_not(run: Run | None, field: BotField, window: int = 0) -> tuple[CheckState, str]:
    """Return why there is no figure."""
    answer = figure(run, field, window, now=NOW)
    assert isinstance(answer, Silence), answer
    return answer.state, answer.reason


@pytest.mark.parametrize("field", BotField)
def test_of_a_healthy_bot(field: BotField) -> None:
    assert value(run_of(samples()), field) == Decimal(HEALTHY[field])


@pytest.mark.parametrize("field", BotField)
@pytest.mark.parametrize("window", [0, 300])
def test_there_is_none_before_there_is_a_run(field: BotField, window: int) -> None:
    assert why_not(None, field, window) == (CheckState.PENDING, "NoRun")
    assert why_not(run_of([silence(NOW)]), field, window) == (CheckState.PENDING, "NoRun")


@pytest.mark.parametrize("field", BotField)
def test_a_window_longer_than_the_run_is_not_full(field: BotField) -> None:
    run = run_of(samples(300))
    assert why_not(run, field, 301) == (CheckState.PENDING, "WindowNotFull")
    assert isinstance(figure(run, field, 300, now=NOW), Reading)


SAID: dict[BotField, str] = {
    BotField.HARD_STOPS: "hard_stops",
    BotField.FILLS: "fills",
    BotField.REJECTED_ORDERS: "rejected_orders",
    BotField.REFUSED_ORDERS: "refused_orders",
    BotField.RESTARTS: "starts",
    BotField.DAY_LOSS_BPS: "day_loss_bps",
    BotField.DRAWDOWN_BPS: "drawdown_bps",
    BotField.TURNOVER_BPS: "day_turnover_bps",
    BotField.OPEN_ORDERS: "open_orders",
    BotField.LEVERAGE: "leverage",
}


@pytest.mark.parametrize("field", SAID)
def test_a_figure_that_a_good_sample_did_not_say_is_not_known(field: BotField) -> None:
    run = run_of(changed(600, **{SAID[field]: None}))
    assert why_not(run, field) == (CheckState.INCONCLUSIVE, "NoData")
    assert isinstance(figure(run, field, 300, now=NOW), Reading), "outside of the window it does not matter"


def test_an_equity_that_the_newest_sample_did_not_say_is_not_known() -> None:
    assert why_not(run_of(changed(0, equity_quote=None)), BotField.EQUITY_QUOTE)[0] is CheckState.INCONCLUSIVE


@pytest.mark.parametrize("field", [BotField.FILLS, BotField.HARD_STOPS, BotField.REJECTED_ORDERS, BotField.RESTARTS])
def test_a_count_that_began_anew_is_not_known(field: BotField) -> None:
    looks = [replace(item, **{SAID[field]: 9 if item.time < NOW else 3}) for item in samples()]  # type: ignore[arg-type]
    assert why_not(run_of(looks), field)[0] is CheckState.INCONCLUSIVE


def test_a_count_of_the_process_goes_on_over_a_restart() -> None:
    looks = [replace(item, refused_orders=9 if item.time < NOW else 3) for item in samples()]
    assert value(run_of(looks), BotField.REFUSED_ORDERS) == 3


SHARES: dict[str, tuple[Callable[[], list[Sample]], BotField, str]] = {
    "silent looks count against readiness": (
        lambda: [*samples(end=NOW - timedelta(seconds=30)), silence(NOW - timedelta(seconds=15)), sample()],
        BotField.READY_SHARE_BPS,
        "9879.518",
    ),
    "a pause is ready and not running": (
        lambda: changed(15, 30, guard="SoftPaused"),
        BotField.RUNNING_SHARE_BPS,
        "9753.086",
    ),
    "silent looks say nothing about fees": (
        lambda: [*samples(end=NOW - timedelta(seconds=30)), silence(NOW - timedelta(seconds=15)), sample()],
        BotField.FEE_SOURCE_KNOWN_SHARE_BPS,
        "10000",
    ),
    "a good sample that does not say it counts against": (
        lambda: changed(15, inventory_in_band=None),
        BotField.INVENTORY_IN_BAND_SHARE_BPS,
        "9876.543",
    ),
    "a sample that is not good and says no counts against": (
        lambda: changed(15, inventory_in_band=False, good=False, ready=False),
        BotField.INVENTORY_IN_BAND_SHARE_BPS,
        "9876.543",
    ),
    "cancels beyond the budget": (
        lambda: changed(15, 30, 45, cancels_in_budget=False),
        BotField.CANCELS_IN_BUDGET_SHARE_BPS,
        "9629.630",
    ),
    "connectors that are not ready": (
        lambda: changed(15, connectors_ready=False),
        BotField.CONNECTOR_READY_SHARE_BPS,
        "9876.543",
    ),
}


@pytest.mark.parametrize("case", SHARES)
def test_shares(case: str) -> None:
    looks, field, share = SHARES[case]
    assert value(run_of(looks()), field).quantize(Decimal("0.001")) == Decimal(share)


def test_the_largest_loss_of_the_window_counts() -> None:
    run = run_of(changed(600, day_loss_bps=Decimal(90)))
    assert value(run, BotField.DAY_LOSS_BPS) == 90
    assert value(run, BotField.DAY_LOSS_BPS, 300) == 10


def test_what_grew_since_the_last_look_before_the_window_counts() -> None:
    looks = [replace(item, rejected_orders=2 if item.time < NOW - timedelta(seconds=300) else 9) for item in samples()]
    assert value(run_of(looks), BotField.REJECTED_ORDERS, 300) == 7


def test_pauses_of_the_guard_are_counted_there_and_back() -> None:
    assert value(run_of(changed(60, 75, guard="SoftPaused")), BotField.GUARD_TRANSITIONS) == 2


def test_a_gap_that_lasts_counts() -> None:
    run = run_of([*samples(end=NOW - timedelta(seconds=100)), silence(NOW)])
    assert value(run, BotField.LONGEST_GAP_SECONDS) == 100


def test_time_in_live_is_counted_between_good_samples() -> None:
    looks = [
        replace(item, mode=Mode.LIVE if item.time >= NOW - timedelta(seconds=300) else Mode.PAPER) for item in samples()
    ]
    assert value(run_of(looks, granted=True), BotField.LIVE_SECONDS) == 300


def test_a_figure_is_as_old_as_the_newest_good_sample() -> None:
    run = run_of([*samples(end=NOW - timedelta(seconds=100)), silence(NOW)])
    answer = figure(run, BotField.FILLS, 0, now=NOW)
    assert isinstance(answer, Reading)
    assert answer.observed == NOW - timedelta(seconds=100)


def test_while_a_failed_check_is_waited_for_figures_are_of_what_came_after_the_failure() -> None:
    failed = fail_run(run_of(changed(60, day_loss_bps=Decimal(900))), frozenset({"ready"}), now=NOW)
    run = run_of([sample(NOW + timedelta(seconds=15))], run=failed)
    assert run.since is None
    answer = figure(run, BotField.DAY_LOSS_BPS, 0, now=NOW + timedelta(seconds=15))
    assert isinstance(answer, Reading)
    assert answer.value == 10
