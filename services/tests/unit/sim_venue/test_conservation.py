"""No money is made or lost: what accounts have plus what they paid is what they started with."""

from decimal import Decimal

import hypothesis.strategies as st
from aviary_fillsim import OrderKind, Side
from aviary_services.sim_venue.exchange.market import MarketId
from aviary_services.sim_venue.exchange.orders import OrderFill, OrderRequest, PositionEffect, Refusal
from aviary_services.sim_venue.exchange.positions import HoldSide, PositionMode
from hypothesis import given, settings

from .conftest import PERPETUAL, SPOT, Venue, build_venue

type Action = tuple[str, int, int, int, bool]

actions = st.lists(
    st.tuples(
        st.sampled_from(["spot", "perpetual", "quote", "cancel", "reduce", "bob"]),
        st.integers(1, 3000),
        st.integers(950, 1050),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=50,
)


def request(market_id: MarketId, action: Action, *, effect: PositionEffect, reduce_only: bool) -> OrderRequest:
    _, lots, ticks, kind_number, buys = action
    kind = (OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.MAKER_ONLY, OrderKind.MARKET)[kind_number]
    quantity = Decimal(lots) / 1000
    spends = market_id is SPOT and kind is OrderKind.MARKET and buys
    return OrderRequest(
        market_id=market_id,
        client_id="",
        side=Side.BUY if buys else Side.SELL,
        kind=kind,
        quantity=None if spends else quantity,
        quote_amount=quantity * 100 if spends else None,
        price=None if kind is OrderKind.MARKET else Decimal(ticks) / 10,
        effect=effect,
        reduce_only=reduce_only,
    )


def play(venue: Venue, steps: list[Action]) -> None:
    for action in steps:
        name, lots, ticks, number, flag = action
        account = venue.bob if name == "bob" else venue.ann
        if name == "quote":
            venue.quote(
                str(Decimal(ticks - 1) / 10),
                str(Decimal(ticks + 1) / 10),
                bid_quantity=str(Decimal(lots) / 1000),
                ask_quantity=str(Decimal(lots) / 1000),
                trade=(str(Decimal(ticks) / 10), str(Decimal(lots) / 2000), Side.BUY if flag else Side.SELL),
            )
        elif name == "cancel":
            mine = account.open_orders()
            if mine:
                venue.exchange.cancel(account, mine[number % len(mine)], venue.now_ns)
        else:
            hedge = account.futures.mode is PositionMode.HEDGE
            effect = PositionEffect.NET
            if hedge and name != "spot":
                effect = PositionEffect.CLOSE if name == "reduce" else PositionEffect.OPEN
            reduces = name == "reduce" and not hedge
            market_id = SPOT if name == "spot" else PERPETUAL
            try:
                venue.exchange.place(
                    account, request(market_id, action, effect=effect, reduce_only=reduces), venue.now_ns
                )
            except Refusal:
                continue


def fills(venue: Venue, market_id: MarketId, name: str) -> list[tuple[Side, OrderFill]]:
    account = venue.exchange.accounts.by_name[name]
    return [(o.request.side, f) for o in account.orders() if o.request.market_id == market_id for f in o.fills]


@settings(deadline=None, max_examples=150)
@given(steps=actions, hedge=st.booleans())
def test_balances_fees_and_positions_account_for_every_fill(steps: list[Action], *, hedge: bool) -> None:
    venue = build_venue()
    if hedge:
        venue.ann.futures.mode = PositionMode.HEDGE
    play(venue, steps)
    for name in ("ann", "bob"):
        check_spot(venue, name)
        check_perpetual(venue, name)


def check_spot(venue: Venue, name: str) -> None:
    wallet = venue.exchange.accounts.by_name[name].wallet
    base, quote = Decimal(10), Decimal(1000)
    for side, fill in fills(venue, SPOT, name):
        sign = 1 if side is Side.BUY else -1
        base += sign * fill.quantity - (fill.fee if fill.fee_asset == "BTC" else 0)
        quote -= sign * fill.quantity * fill.price + (fill.fee if fill.fee_asset == "USDT" else 0)
    held = dict(wallet)
    for asset, expected in (("BTC", base), ("USDT", quote)):
        assert held[asset].available + held[asset].frozen == expected
        assert held[asset].available >= 0
        assert held[asset].frozen >= 0
    reserved = sum((order.reserved for order in venue.exchange.accounts.by_name[name].open_orders(SPOT)), Decimal(0))
    assert held["BTC"].frozen + held["USDT"].frozen == reserved


def check_perpetual(venue: Venue, name: str) -> None:
    futures = venue.exchange.accounts.by_name[name].futures
    traded = fills(venue, PERPETUAL, name)
    cash = sum((f.quantity * f.price * (-1 if side is Side.BUY else 1) - f.fee for side, f in traded), Decimal(1000))
    costs = sum((p.cost if p.hold_side is HoldSide.LONG else -p.cost for p in futures), Decimal(0))
    assert futures.wallet == cash + costs
    net = sum((f.quantity if side is Side.BUY else -f.quantity for side, f in traded), Decimal(0))
    assert net == sum((p.quantity if p.hold_side is HoldSide.LONG else -p.quantity for p in futures), Decimal(0))
    assert futures.wallet - Decimal(1000) == sum((f.profit - f.fee for _, f in traded), Decimal(0))
    if futures.mode is PositionMode.ONE_WAY:
        assert sum(1 for _ in futures) <= 1
