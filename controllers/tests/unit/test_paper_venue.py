from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aviary_bot.paper_state import PaperState, first_state
from aviary_bot.paper_venue import MarketRules, PaperVenue, Traded, VenueOrder, fee_bps
from aviary_bot.perpetual_account import PerpetualAccount
from aviary_bot.risk_limits import AccountLook
from aviary_bot.spot_account import SpotAccount
from aviary_crds.botconfig import BotConfig
from aviary_crds.v1alpha1.tradingbot import Paper
from aviary_fillsim import Book, Cancelled, CancelRefused, Opened, OrderKind, Rejected, Side

PAIR = "BTC-USDT"
MS = 1_000_000
RULES = MarketRules(
    tick_size=Decimal("0.01"), lot_size=Decimal("0.0001"), maker_fee_bps=Decimal(10), taker_fee_bps=Decimal(20)
)
BOOK = Book(bids=[(Decimal(49_999), Decimal(1))], asks=[(Decimal(50_001), Decimal(1))])
BID = VenueOrder(
    order_id="b1",
    trading_pair=PAIR,
    direction="Buy",
    kind=OrderKind.LIMIT,
    quantity=Decimal("0.01"),
    price=Decimal(49_990),
)
TAKE = replace(BID, order_id="t1", price=Decimal(50_001))


class Stored:
    def __init__(self) -> None:
        self.states: list[PaperState] = []

    def __call__(self, state: PaperState) -> None:
        self.states.append(state)


def _venue(config: BotConfig, stored: Callable[[PaperState], None], **paper: Any) -> PaperVenue:
    venue = PaperVenue(first_state(config), Paper(**paper), store=stored)
    venue.list_market(PAIR, RULES)
    venue.on_mid_price(PAIR, Decimal(50_000))
    return venue


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def spot(make_config: Callable[..., BotConfig], stored: Stored) -> PaperVenue:
    venue = _venue(make_config(), stored)
    venue.seed([PAIR], Decimal(1000), with_base=True)
    venue.on_book(PAIR, BOOK, 0)
    return venue


@pytest.fixture
def perpetual(make_config: Callable[..., BotConfig], stored: Stored) -> PaperVenue:
    config = make_config(market={"connector": "bitget_perpetual", "tradingPairs": [PAIR], "leverage": 5})
    venue = _venue(config, stored)
    venue.leverage[PAIR] = 5
    venue.seed([PAIR], Decimal(1000), with_base=True)
    venue.on_book(PAIR, BOOK, 0)
    return venue


# -- the account at the start ----------------------------------------------------------------------------------------


def test_a_first_start_on_spot_buys_as_much_base_as_the_capital(spot: PaperVenue, stored: Stored) -> None:
    assert spot.balances() == {"USDT": Decimal(1000), "BTC": Decimal("0.02")}
    assert spot.equity() == Decimal(2000)
    assert stored.states[-1].seeded


def test_given_start_balances_are_taken_as_they_are(make_config: Callable[..., BotConfig], stored: Stored) -> None:
    venue = _venue(make_config(), stored)
    venue.seed([PAIR], Decimal(1000), with_base=False)
    assert venue.balances() == {"USDT": Decimal(1000)}


def test_a_later_start_buys_nothing(make_config: Callable[..., BotConfig], stored: Stored) -> None:
    state = first_state(make_config()).model_copy(update={"seeded": True})
    venue = PaperVenue(state, Paper(), store=stored)
    venue.list_market(PAIR, RULES)
    venue.on_mid_price(PAIR, Decimal(50_000))
    venue.seed([PAIR], Decimal(1000), with_base=True)
    assert venue.balances() == {"USDT": Decimal(1000)}


def test_the_account_waits_for_a_price(make_config: Callable[..., BotConfig], stored: Stored) -> None:
    venue = _venue(make_config(), stored)
    venue.on_mid_price(PAIR, None)
    with pytest.raises(ValueError, match="no price of BTC-USDT"):
        venue.seed([PAIR], Decimal(1000), with_base=True)
    assert venue.equity() is None
    assert venue.look().known is None
    assert venue.look().lacking == "the start balances wait for the first prices"


def test_an_equity_that_is_not_known_says_which_price_it_waits_for(spot: PaperVenue, perpetual: PaperVenue) -> None:
    assert spot.look() == AccountLook(equity_quote=Decimal(2000), volume_quote=Decimal(0))
    spot.on_mid_price(PAIR, None)
    assert (spot.look().known, spot.look().lacking) == (None, "no price of BTC-USDT")
    perpetual.on_mid_price(PAIR, None)
    assert perpetual.look().known == (Decimal(1000), Decimal(0)), "nothing is held that would need a price"


@pytest.mark.parametrize("connector", ["bitget", "bitget_perpetual"])
def test_a_restarted_account_has_no_equity_before_its_markets_are_listed(
    make_config: Callable[..., BotConfig], stored: Stored, connector: str
) -> None:
    config = make_config(market={"connector": connector, "tradingPairs": [PAIR]})
    state = first_state(config).model_copy(update={"seeded": True})
    assert PaperVenue(state, Paper(), store=stored).look().known is None


# -- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_opens_after_the_latency_and_reserves_at_once(spot: PaperVenue) -> None:
    due = spot.submit(BID, 0)
    assert due == 150 * MS
    assert spot.available()["USDT"] == Decimal(1000) - Decimal("499.9")
    assert spot.advance(PAIR, 149 * MS) == []
    assert spot.advance(PAIR, 150 * MS) == [Opened(order_id="b1", time_ns=150 * MS)]


def test_a_taker_pays_the_taker_fee_in_the_base_asset(spot: PaperVenue, stored: Stored) -> None:
    spot.submit(TAKE, 0)
    _, traded = spot.advance(PAIR, 150 * MS)
    assert isinstance(traded, Traded)
    assert (traded.fee_asset, traded.fee) == ("BTC", Decimal("0.00002"))
    assert spot.balances() == {"USDT": Decimal(1000) - Decimal("500.01"), "BTC": Decimal("0.02998")}
    assert stored.states[-1].fills == traded.number == 1
    assert not spot.knows("t1")


def test_every_fill_is_stored_before_it_is_told(spot: PaperVenue, stored: Stored) -> None:
    before = len(stored.states)
    spot.submit(TAKE, 0)
    spot.advance(PAIR, 150 * MS)
    assert len(stored.states) == before + 1
    assert stored.states[-1].volume_quote == Decimal("500.01")


@pytest.mark.parametrize(
    ("order", "asset"),
    [
        (replace(BID, quantity=Decimal("0.0201")), "USDT"),
        (replace(BID, direction="Sell", quantity=Decimal("0.0201"), price=Decimal(60_000)), "BTC"),
        (replace(BID, kind=OrderKind.MARKET, quantity=Decimal("0.0201"), price=None), "USDT"),
    ],
)
def test_the_venue_refuses_what_the_spot_account_cannot_pay(spot: PaperVenue, order: VenueOrder, asset: str) -> None:
    answer = spot.submit(order, 0)
    assert isinstance(answer, str)
    assert f"{asset}, " in answer
    assert "available" in answer


def test_two_orders_cannot_spend_the_same_money(spot: PaperVenue) -> None:
    assert isinstance(spot.submit(replace(BID, quantity=Decimal("0.015")), 0), int)
    assert isinstance(spot.submit(replace(BID, order_id="b2"), 0), str)


def test_an_order_off_the_grid_is_refused_with_the_step(spot: PaperVenue) -> None:
    answer = spot.submit(replace(BID, price=Decimal("49990.001")), 0)
    assert isinstance(answer, str)
    assert "steps of 0.01" in answer


def test_an_unlisted_pair_is_refused(spot: PaperVenue) -> None:
    assert "not listed" in str(spot.submit(replace(BID, trading_pair="ETH-USDT"), 0))


def test_a_maker_only_order_that_would_take_is_rejected_and_forgotten(spot: PaperVenue) -> None:
    spot.submit(replace(TAKE, kind=OrderKind.MAKER_ONLY), 0)
    (event,) = spot.advance(PAIR, 150 * MS)
    assert isinstance(event, Rejected)
    assert (spot.knows("t1"), spot.resting()) == (False, ())


def test_a_cancel_frees_what_the_order_reserved(spot: PaperVenue) -> None:
    spot.submit(BID, 0)
    spot.advance(PAIR, 150 * MS)
    assert spot.cancel("b1", 200 * MS) == 350 * MS
    (event,) = spot.advance(PAIR, 350 * MS)
    assert isinstance(event, Cancelled)
    assert spot.available() == spot.balances()


def test_a_cancel_of_an_unknown_order_is_no_order(spot: PaperVenue) -> None:
    assert spot.cancel("nobody", 0) is None


def test_a_cancel_that_comes_too_late_is_refused(spot: PaperVenue) -> None:
    spot.submit(TAKE, 0)
    assert spot.cancel("t1", 100 * MS) == 250 * MS
    events = spot.advance(PAIR, 250 * MS)
    assert [type(event) for event in events] == [Opened, Traded, CancelRefused]


def test_a_resting_order_fills_when_the_market_passes_it(spot: PaperVenue) -> None:
    spot.submit(BID, 0)
    spot.advance(PAIR, 150 * MS)
    (traded,) = spot.on_trade(PAIR, Decimal(49_000), Decimal(1), Side.SELL, 400 * MS)
    assert isinstance(traded, Traded)
    assert (traded.fill.price, traded.fill.quantity) == (Decimal(49_990), Decimal("0.01"))


def test_nothing_fills_while_the_feed_is_lost(spot: PaperVenue) -> None:
    spot.forget_book(PAIR)
    spot.submit(TAKE, 0)
    (event,) = spot.advance(PAIR, 150 * MS)
    assert isinstance(event, Rejected)


def test_rules_change_only_while_no_order_is_unfinished(spot: PaperVenue) -> None:
    coarse = replace(RULES, tick_size=Decimal(1))
    spot.submit(BID, 0)
    spot.list_market(PAIR, coarse)
    assert isinstance(spot.submit(replace(BID, order_id="b2", price=Decimal("49990.5")), 0), int)
    spot.cancel("b1", 0)
    spot.cancel("b2", 0)
    spot.advance(PAIR, 1000 * MS)
    spot.list_market(PAIR, coarse)
    assert isinstance(spot.submit(replace(BID, order_id="b3", price=Decimal("49990.5")), 1000 * MS), str)


# -- perpetuals ------------------------------------------------------------------------------------------------------


def test_a_perpetual_order_needs_its_margin_only(perpetual: PaperVenue) -> None:
    assert isinstance(perpetual.submit(replace(BID, quantity=Decimal("0.1")), 0), int)
    assert isinstance(perpetual.submit(replace(BID, order_id="b2"), 0), str)


def test_a_perpetual_fill_moves_wallet_and_position(perpetual: PaperVenue) -> None:
    perpetual.submit(TAKE, 0)
    _, traded = perpetual.advance(PAIR, 150 * MS)
    assert isinstance(traded, Traded)
    assert traded.fee_asset == "USDT"
    account = perpetual.state.account
    assert isinstance(account, PerpetualAccount)
    assert account.position(PAIR, "Net").quantity == Decimal("0.01")
    assert account.wallets["USDT"] == Decimal(1000) - traded.fee


def test_a_start_is_stored_once(perpetual: PaperVenue, spot: PaperVenue, stored: Stored) -> None:
    before = len(stored.states)
    for venue in (perpetual, spot):
        venue.seed([PAIR], Decimal(1000), with_base=True)
    assert len(stored.states) == before


def test_hedge_mode_closes_no_more_than_is_held(perpetual: PaperVenue) -> None:
    perpetual.submit(replace(TAKE, slot="Long"), 0)
    perpetual.advance(PAIR, 150 * MS)
    close = replace(BID, order_id="c1", direction="Sell", price=Decimal(60_000), slot="Long")
    assert isinstance(perpetual.submit(close, 200 * MS), int)
    refused = perpetual.submit(replace(close, order_id="c2", quantity=Decimal("0.0001")), 200 * MS)
    assert "closes more" in str(refused)


def test_a_venue_goes_on_where_the_last_process_stopped(perpetual: PaperVenue, stored: Stored) -> None:
    perpetual.submit(TAKE, 0)
    perpetual.advance(PAIR, 150 * MS)
    again = PaperVenue(PaperState.model_validate_json(stored.states[-1].model_dump_json()), Paper(), store=stored)
    again.list_market(PAIR, RULES)
    again.on_mid_price(PAIR, Decimal(51_000))
    perpetual.on_mid_price(PAIR, Decimal(51_000))
    assert again.equity() == perpetual.equity()
    assert (again.state.fills, again.resting()) == (1, ())


def test_spot_and_perpetual_states_are_told_apart(spot: PaperVenue, perpetual: PaperVenue) -> None:
    assert isinstance(spot.state.account, SpotAccount)
    assert isinstance(perpetual.state.account, PerpetualAccount)


def test_a_fee_share_in_basis_points() -> None:
    assert fee_bps(Decimal("0.001")) == Decimal(10)
