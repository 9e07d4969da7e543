"""The venue's memory of what it showed."""

from aviary_fillsim import Side
from aviary_services.sim_venue.exchange.ladder import Ladder
from aviary_services.sim_venue.exchange.price_process import FeedStep, PublicTrade
from aviary_services.sim_venue.exchange.tape import Print, Quote, Tape


def step(bid: int, *trades: PublicTrade) -> FeedStep:
    return FeedStep(Ladder(bids=((bid, 1),), asks=((bid + 2, 3),)), trades)


def test_quotes_of_an_interval_begin_with_the_one_in_force() -> None:
    tape = Tape(100)
    for time_ns in (10, 20, 30):
        tape.record(time_ns, step(time_ns))
    assert [quote.time_ns for quote in tape.quotes(15, 25)] == [10, 20]
    assert [quote.time_ns for quote in tape.quotes(20, 30)] == [20, 30]
    assert [quote.time_ns for quote in tape.quotes(99, 100)] == [30]
    assert list(tape.quotes(1, 5)) == []


def test_rows_come_back_as_they_went_in() -> None:
    tape = Tape(100)
    tape.record(10, step(7, PublicTrade(7, 4, Side.SELL), PublicTrade(9, 5, Side.BUY)))
    assert list(tape.quotes(0, 10)) == [Quote(10, 7, 1, 9, 3)]
    assert list(tape.prints(0, 10)) == [Print(10, 7, 4, Side.SELL), Print(10, 9, 5, Side.BUY)]


def test_the_tape_stays_bounded_and_keeps_the_latest() -> None:
    tape = Tape(80)
    for time_ns in range(1_000):
        tape.record(time_ns, step(time_ns + 1))
    times = [quote.time_ns for quote in tape.quotes(0, 1_000)]
    assert 70 <= len(times) <= 80
    assert times == list(range(1_000 - len(times), 1_000))
