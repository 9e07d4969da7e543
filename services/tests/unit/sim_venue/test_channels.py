"""Subscriptions as clients write them."""

import pytest
from aviary_services.sim_venue.bitget.channels import Subscription, parse_subscription
from aviary_services.sim_venue.bitget.envelope import BitgetError
from aviary_services.sim_venue.exchange.market import Product


@pytest.mark.parametrize(
    ("arg", "private", "expected"),
    [
        (
            {"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"},
            False,
            Subscription(Product.SPOT, "books", "BTCUSDT"),
        ),
        (
            {"instType": "USDT-FUTURES", "channel": "ticker", "instId": "btcusdt"},
            False,
            Subscription(Product.USDT_PERPETUAL, "ticker", "BTCUSDT"),
        ),
        (
            {"instType": "USDT-FUTURES", "channel": "positions", "coin": "default"},
            True,
            Subscription(Product.USDT_PERPETUAL, "positions", "default", by_coin=True),
        ),
        (
            {"instType": "SPOT", "channel": "orders", "instId": "BTCUSDT"},
            True,
            Subscription(Product.SPOT, "orders", "BTCUSDT"),
        ),
    ],
)
def test_a_channel_is_understood(arg: dict[str, str], expected: Subscription, *, private: bool) -> None:
    assert parse_subscription(arg, private=private) == expected


def test_pushes_carry_the_arg_as_it_was_sent() -> None:
    arg = {"instType": "USDT-FUTURES", "channel": "account", "coin": "default"}
    assert parse_subscription(arg, private=True).arg() == arg


@pytest.mark.parametrize(
    ("arg", "private"),
    [
        ({"instType": "SPOT", "channel": "candle1m", "instId": "BTCUSDT"}, False),
        ({"instType": "SPOT", "channel": "orders", "instId": "BTCUSDT"}, False),
        ({"instType": "SPOT", "channel": "positions", "instId": "default"}, True),
        ({"instType": "SPOT", "channel": "books", "instId": "BTCUSDT"}, True),
        ({"instType": "COIN-FUTURES", "channel": "books", "instId": "BTCUSD"}, False),
        ({}, False),
    ],
)
def test_an_unknown_channel_gets_bitgets_code(arg: dict[str, str], *, private: bool) -> None:
    with pytest.raises(BitgetError) as refused:
        parse_subscription(arg, private=private)
    assert refused.value.code == "30001"
