"""Bots trade: on spot and on perpetuals, alone and eight at once, and the venue's log agrees with theirs."""

import time
from collections.abc import Callable

import pytest
from aviary_e2e.bots import Bot
from aviary_e2e.release import Release
from aviary_e2e.venue import Venue
from aviary_e2e.waiting import until

pytestmark = pytest.mark.e2e

PRODUCTS = {"bitget": "Spot", "bitget_perpetual": "UsdtPerpetual"}


@pytest.mark.parametrize(("connector", "leverage"), [("bitget", 1), ("bitget_perpetual", 2)])
def test_a_paper_bot_is_applied_gets_ready_and_trades(
    connector: str, leverage: int, make_bot: Callable[..., Bot], venue: Venue, saw: Callable[[str], None]
) -> None:
    """Scenario 1: apply, Ready, fills; every fill was possible on the venue's tape, and no order reached the venue."""
    orders_before = venue.private_calls()
    begin = time.monotonic()
    bot = make_bot(
        "trader",
        connector=connector,
        market={"connector": connector, "tradingPairs": ["BTC-USDT"], "leverage": leverage},
    )
    bot.wait_ready()
    ready_after = time.monotonic() - begin
    state = bot.wait_fills(at_least=2)
    filled_after = time.monotonic() - begin

    disagreements = [why for fill in state.recent_fills if (why := venue.disagreement(fill, PRODUCTS[connector]))]
    assert disagreements == []
    assert all(fill.simulated for fill in state.recent_fills)
    assert venue.private_calls() == orders_before, "a paper bot placed an order at the venue"
    status = until(
        "fills on the board",
        lambda: s if (s := bot.status()).observed.fills else None,
        seconds=90,
    )
    assert status.granted_mode == "Paper"
    saw(
        f"{connector}: Ready after {ready_after:.1f} s, {state.figures.fills} fills after {filled_after:.1f} s, "
        f"all {len(state.recent_fills)} within the venue's tape, 0 orders at the venue, "
        f"the board counts {status.observed.fills}"
    )


def test_eight_bots_get_ready_at_once(make_bot: Callable[..., Bot], saw: Callable[[str], None]) -> None:
    """Scenario 11: eight bots applied together are all Ready, and all trade."""
    begin = time.monotonic()
    bots = [
        make_bot(f"crowd-{number}", connector="bitget_perpetual" if number % 2 else "bitget") for number in range(8)
    ]
    for bot in bots:
        bot.wait_ready(seconds=180)
    ready_after = time.monotonic() - begin
    fills = [bot.wait_fills(at_least=1, seconds=180).figures.fills for bot in bots]
    assert len(fills) == 8
    saw(f"all 8 Ready after {ready_after:.1f} s, fills {fills}")


def test_nothing_is_left_for_a_human_to_wonder_about(
    make_bot: Callable[..., Bot], release: Release, saw: Callable[[str], None]
) -> None:
    """The board has a value in every column of a trading bot."""
    bot = make_bot("board")
    bot.wait_ready()
    until("figures", lambda: bot.status().observed.equity_quote, seconds=90)
    lines = release.kubectl.run("get", "tbot", "-n", bot.namespace).splitlines()
    assert "<none>" not in lines[1], lines
    saw("\n" + "\n".join(lines))
