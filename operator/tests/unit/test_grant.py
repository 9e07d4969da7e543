"""The grant is the lowest of all who have a say."""

import pytest
from aviary_crds.v1alpha1.tradingbot import Mode
from aviary_operator.bots.decide.grant import Ceiling, decide_grant
from hypothesis import given
from hypothesis import strategies as st

DISABLED, NO_TRADE, PAPER, TESTNET, LIVE = Mode

NO_GATE = (Ceiling(PAPER, "GateMissing", "no gate"),)


@pytest.mark.parametrize(
    ("requested", "modes", "granted", "reason"),
    [
        (PAPER, None, PAPER, "Granted"),
        (NO_TRADE, None, NO_TRADE, "Granted"),
        (DISABLED, None, DISABLED, "Granted"),
        (LIVE, None, PAPER, "GateMissing"),
        (TESTNET, None, PAPER, "GateMissing"),
        (PAPER, [DISABLED, NO_TRADE, PAPER], PAPER, "Granted"),
        (PAPER, [DISABLED, NO_TRADE], NO_TRADE, "DeskCeiling"),
        (PAPER, [LIVE], DISABLED, "DeskCeiling"),
        (NO_TRADE, [PAPER], DISABLED, "DeskCeiling"),
        (DISABLED, [PAPER], DISABLED, "Granted"),
        (LIVE, [NO_TRADE, LIVE], NO_TRADE, "DeskCeiling"),
        (LIVE, [LIVE, PAPER], PAPER, "GateMissing"),
        (PAPER, [], DISABLED, "DeskCeiling"),
    ],
)
def test_grant(requested: Mode, modes: list[Mode] | None, granted: Mode, reason: str) -> None:
    desk = None if modes is None else "risk"
    grant = decide_grant(requested, NO_GATE if requested.needs_grant else (), desk=desk, desk_modes=modes or [])
    assert (grant.mode, grant.reason) == (granted, reason)
    assert grant.full == (reason == "Granted")


def test_lowest_ceiling_gives_the_reason() -> None:
    ceilings = [Ceiling(NO_TRADE, "PairNotAllowed", "no"), Ceiling(PAPER, "GateMissing", "no gate")]
    grant = decide_grant(LIVE, ceilings, desk=None, desk_modes=[])
    assert (grant.mode, grant.reason) == (NO_TRADE, "PairNotAllowed")


@given(
    requested=st.sampled_from(Mode),
    ceilings=st.lists(st.sampled_from(Mode)),
    modes=st.lists(st.sampled_from(Mode)),
    named=st.booleans(),
)
def test_grant_never_exceeds_anyone(requested: Mode, ceilings: list[Mode], modes: list[Mode], *, named: bool) -> None:
    said = [Ceiling(mode, "Other", "") for mode in ceilings]
    grant = decide_grant(requested, said, desk="risk" if named else None, desk_modes=modes)
    assert grant.mode.rank <= min([requested.rank, *(mode.rank for mode in ceilings)])
    assert not named or grant.mode in modes or grant.mode is Mode.DISABLED
    assert grant.full == (grant.mode is requested)
