"""Fees are exact, whatever the ambient decimal context."""

from decimal import Decimal, localcontext

import pytest
from aviary_fillsim import Fill

from .conftest import MakeBook, MakeEngine, Send


@pytest.mark.parametrize(
    ("taker_bps", "price", "quantity", "fee_quote", "fee_base"),
    [
        ("10", "100.1", "1", "0.1001", "0.001"),
        ("6", "100.1", "0.33", "0.0198198", "0.000198"),
        ("3.6", "100.1", "0.01", "0.00036036", "0.0000036"),
        ("0", "100.1", "5", "0", "0"),
        ("-1", "100.1", "2", "-0.02002", "-0.0002"),
    ],
)
def test_a_taker_is_charged_exactly_its_rate(
    make_engine: MakeEngine,
    make_book: MakeBook,
    send: Send,
    taker_bps: str,
    price: str,
    quantity: str,
    fee_quote: str,
    fee_base: str,
) -> None:
    engine = make_engine(taker_fee_bps=Decimal(taker_bps))
    engine.on_book(make_book([("99", "9")], [(price, "9")]), 0)
    with localcontext(prec=3):
        fill = send(engine, "Buy", quantity)[1]
    assert isinstance(fill, Fill)
    assert fill.fee_bps == Decimal(taker_bps)
    assert fill.fee_quote == Decimal(fee_quote)
    assert fill.fee_base == Decimal(fee_base)


def test_a_maker_is_charged_the_maker_rate(make_engine: MakeEngine, make_book: MakeBook, send: Send) -> None:
    engine = make_engine(maker_fee_bps=Decimal(2), taker_fee_bps=Decimal(6))
    engine.on_book(make_book([("99", "9")], [("101", "9")]), 0)
    send(engine, "Buy", "1", "100")
    (fill,) = engine.on_book(make_book([("99", "9")], [("99.5", "9")]), 1)
    assert isinstance(fill, Fill)
    assert (fill.fee_bps, fill.fee_quote) == (Decimal(2), Decimal("0.02"))


def test_prices_and_quantities_survive_a_narrow_decimal_context(
    make_engine: MakeEngine, make_book: MakeBook, send: Send
) -> None:
    engine = make_engine(lot_size=Decimal("0.00000001"))
    engine.on_book(make_book([("60000.1", "1")], [("60000.2", "12345.67890123")]), 0)
    with localcontext(prec=2):
        send(engine, "Buy", "12345.67890124", "60000.2")
        state = engine.order("a")
    assert state is not None
    assert state.filled == Decimal("12345.67890123")
    assert state.remaining == Decimal("0.00000001")
