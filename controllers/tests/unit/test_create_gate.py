from aviary_bot.create_gate import LONGEST_WAIT_SECONDS, CreateGate, Level

from .conftest import Clock

LEVEL = Level("mm", "BTC-USDT", "buy_0")
OTHER = Level("mm", "BTC-USDT", "sell_0")


def _tries(gate: CreateGate, clock: Clock, seconds: int) -> int:
    """Return how often a level that fails each time is let through."""
    tries = 0
    for _ in range(seconds):
        if gate.is_open(LEVEL):
            tries += 1
            gate.note_failure(LEVEL)
        clock.now += 1.0
    return tries


def test_a_level_that_fails_for_ever_is_tried_about_once_a_minute(clock: Clock) -> None:
    gate = CreateGate(clock)
    _tries(gate, clock, 300)
    assert _tries(gate, clock, 600) == 600 // LONGEST_WAIT_SECONDS


def test_another_level_need_not_wait(clock: Clock) -> None:
    gate = CreateGate(clock)
    gate.note_failure(LEVEL)
    assert (gate.is_open(LEVEL), gate.is_open(OTHER)) == (False, True)


def test_a_success_ends_the_wait_and_its_growth(clock: Clock) -> None:
    gate = CreateGate(clock)
    for _ in range(5):
        gate.note_failure(LEVEL)
    gate.note_success(LEVEL)
    assert gate.is_open(LEVEL)
    gate.note_failure(LEVEL)
    clock.now += 2.0
    assert gate.is_open(LEVEL)
