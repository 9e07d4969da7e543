"""A sample is good when a fresh answer names bot and digest and the bot is ready; nothing else is."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aviary_crds.botstate import BotState, ConfigState, ConnectorReadiness, Figures, GuardView, Phase, RiskView
from aviary_crds.v1alpha1.modes import Mode
from aviary_operator.bots.observed import BotReport
from aviary_operator.gates.samples import Sample, SampleError, dump_sample, load_sample, take_sample

from .evidence import DIGEST, IMAGE, NOW, OTHER_DIGEST, UID, bot_facts, sample, silence


def state(**changes: Any) -> BotState:
    """Return what a healthy bot says."""
    plain = BotState(
        time=NOW,
        name="alpha",
        namespace="desk",
        uid=UID,
        mode=Mode.PAPER,
        digest=DIGEST,
        phase=Phase.RUNNING,
        start_time=NOW,
        ready=True,
        config=ConfigState(revision="r", boot_revision="r"),
        connectors=(ConnectorReadiness(name="bitget", ready=True),),
        figures=Figures(fills=3, rejected_orders=1, fee_source="api:bitget", equity_quote=Decimal(1000)),
        guard=GuardView(state="Running", refusals={"OrderNotional": 2, "PriceBand": 1}),
        risk=RiskView(day_loss_bps=Decimal(5), hard_stops=0, cancels_in_budget=True, inventory_in_band=True),
        starts=1,
    )
    return plain.model_copy(update=changes)


def test_a_fresh_answer_of_a_ready_bot_is_good_and_carries_its_figures() -> None:
    taken = take_sample(bot_facts(), BotReport(state=state(), seen=NOW - timedelta(seconds=20)), now=NOW)
    assert taken.good
    assert (taken.time, taken.digest, taken.image_id, taken.mode) == (NOW, DIGEST, IMAGE, Mode.PAPER)
    assert (taken.fills, taken.rejected_orders, taken.refused_orders) == (3, 1, 3)
    assert (taken.day_loss_bps, taken.drawdown_bps) == (Decimal(5), None)
    assert (taken.envelope_enforced, taken.config_in_sync, taken.image_pinned) == (True, True, True)


NOT_GOOD: dict[str, tuple[BotReport, dict[str, Any], str]] = {
    "never answered": (BotReport(), {}, "not answered yet"),
    "does not answer": (BotReport(silent_since=NOW, error="refused"), {}, "refused"),
    "an answer that is old": (BotReport(state=state(), seen=NOW - timedelta(seconds=21)), {}, "21 s old"),
    "an answer from the future": (BotReport(state=state(), seen=NOW + timedelta(seconds=6)), {}, "future"),
    "a document that is old": (
        BotReport(state=state(time=NOW - timedelta(seconds=21)), seen=NOW),
        {},
        "clock",
    ),
    "a bot's clock ahead": (BotReport(state=state(time=NOW + timedelta(seconds=21)), seen=NOW), {}, "clock"),
    "another uid": (BotReport(state=state(uid="other"), seen=NOW), {}, "another bot"),
    "another digest": (BotReport(state=state(digest=OTHER_DIGEST), seen=NOW), {}, OTHER_DIGEST),
    "a digest nobody wrote": (BotReport(state=state(), seen=NOW), {"digest": None}, "digest"),
    "an image nobody knows": (BotReport(state=state(), seen=NOW), {"image_id": None}, "image"),
    "not ready": (BotReport(state=state(ready=False), seen=NOW), {}, "not ready"),
    "still starting": (BotReport(state=state(phase=Phase.STARTING), seen=NOW), {}, "Starting"),
    "failed": (BotReport(state=state(phase=Phase.FAILED, message="no keys"), seen=NOW), {}, "no keys"),
}


@pytest.mark.parametrize("case", NOT_GOOD)
def test_a_sample_is_not_good_with(case: str) -> None:
    report, facts, why = NOT_GOOD[case]
    taken = take_sample(bot_facts(**facts), report, now=NOW)
    assert not taken.good
    assert why in taken.why_not


@pytest.mark.parametrize("case", ["an answer that is old", "another uid", "another digest", "a document that is old"])
def test_what_does_not_belong_to_the_subject_carries_no_figures(case: str) -> None:
    taken = take_sample(bot_facts(), NOT_GOOD[case][0], now=NOW)
    assert (taken.fills, taken.guard, taken.day_loss_bps, taken.ready) == (None, None, None, False)


def test_a_bot_that_is_not_ready_still_tells_of_a_hard_stop() -> None:
    stopped = state(ready=False, guard=GuardView(state="HardStopped"))
    assert take_sample(bot_facts(), BotReport(state=stopped, seen=NOW), now=NOW).guard == "HardStopped"


@pytest.mark.parametrize("item", [sample(), silence(NOW), sample(mode=None, day_loss_bps=Decimal("-1.5"))])
def test_a_stored_sample_is_read_as_it_was(item: Sample) -> None:
    line = dump_sample(item)
    assert b"\n" not in line
    assert len(line) < 900
    assert load_sample(line) == item


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        dump_sample(sample())[:-1],
        dump_sample(sample()).replace(b'"PAPER"', b'"FAST"').replace(b'"Paper"', b'"Fast"'),
        dump_sample(sample()).replace(b"Z", b""),
        dump_sample(sample()).replace(b'"10"', b'"NaN"'),
    ],
    ids=["empty", "no fields", "null", "list", "torn", "unknown mode", "no zone", "NaN"],
)
def test_anything_else_is_no_sample(line: bytes) -> None:
    with pytest.raises(SampleError):
        load_sample(line)
