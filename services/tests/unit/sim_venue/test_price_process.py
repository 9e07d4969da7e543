"""The made-up price: the same everywhere, and always a market."""

import hashlib

import hypothesis.strategies as st
import pytest
from aviary_services.sim_venue.exchange.ladder import changed_rungs
from aviary_services.sim_venue.exchange.market import DEFAULT_MARKETS, Market
from aviary_services.sim_venue.exchange.price_process import FeedStep, WalkingFeed
from hypothesis import given, settings

BTC = DEFAULT_MARKETS[0]
GOLDEN = "f6a50869cf992ed1c77b68628efc1069e5232ff4b1778a27e5fa35b0be108ec3"


def walk(seed: int, steps: int, market: Market = BTC) -> list[FeedStep]:
    feed = WalkingFeed(market, seed)
    return [feed.step(0) for _ in range(steps)]


def digest(steps: list[FeedStep]) -> str:
    text = "\n".join(f"{step.ladder.bids} {step.ladder.asks} {step.trades}" for step in steps)
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_thousand_steps_are_the_same_on_every_machine() -> None:
    assert digest(walk(7, 1_000)) == GOLDEN


def test_another_seed_walks_elsewhere() -> None:
    assert digest(walk(8, 1_000)) != GOLDEN


def test_spot_and_perpetual_of_one_symbol_walk_together() -> None:
    spot, perpetual = DEFAULT_MARKETS[0], DEFAULT_MARKETS[3]
    for one, other in zip(walk(7, 500, spot), walk(7, 500, perpetual), strict=True):
        here, there = one.ladder.mid_ticks * spot.tick_size, other.ladder.mid_ticks * perpetual.tick_size
        assert abs(here - there) < here / 500


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), market=st.sampled_from(DEFAULT_MARKETS))
def test_every_step_shows_a_market(seed: int, market: Market) -> None:
    for step in walk(seed, 50, market):
        bids, asks = step.ladder.bids, step.ladder.asks
        assert bids[0][0] < asks[0][0]
        assert list(bids) == sorted(bids, reverse=True)
        assert list(asks) == sorted(asks)
        assert len({price for price, _ in bids + asks}) == len(bids) + len(asks)
        assert min(lots for _, lots in bids + asks) > 0
        assert len(bids) == len(asks) == market.depth
        for trade in step.trades:
            assert trade.price in {bids[0][0], asks[0][0]}
            assert trade.lots > 0


def test_the_price_is_drawn_back_home() -> None:
    mids = [step.ladder.mid_ticks for step in walk(7, 20_000)]
    home = 6_000_000
    assert all(abs(mid - home) < home / 20 for mid in mids)
    assert max(mids) > home > min(mids)


def test_a_set_price_holds_while_frozen_and_quantities_go_on() -> None:
    feed = WalkingFeed(BTC, 7)
    assert feed.set_price(5_500_000)
    feed.freeze(frozen=True)
    steps = [feed.step(0) for _ in range(50)]
    assert {step.ladder.mid_ticks for step in steps} == {5_500_000}
    assert len({step.ladder.bids[0] for step in steps}) > 1
    assert all(step.trades for step in steps)
    feed.freeze(frozen=False)
    assert len({feed.step(0).ladder.mid_ticks for _ in range(50)}) > 10


@pytest.mark.parametrize("price", [-5, 0, 1])
def test_a_price_near_zero_leaves_room_for_bids(price: int) -> None:
    feed = WalkingFeed(BTC, 7)
    feed.set_price(price)
    for _ in range(20):
        assert feed.step(0).ladder.bids[0][0] > 0


def test_changed_rungs_turn_the_old_side_into_the_new() -> None:
    before, after = {100: 5, 101: 6, 102: 7}, {101: 6, 102: 9, 103: 1}
    changes = changed_rungs(before, after)
    assert sorted(changes) == [(100, 0), (102, 9), (103, 1)]
