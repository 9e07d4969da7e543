from itertools import pairwise

import pytest
from aviary_crds.v1alpha1.modes import Mode


def test_modes_are_a_ladder_from_nothing_to_real_money() -> None:
    ladder = [Mode.DISABLED, Mode.NO_TRADE, Mode.PAPER, Mode.TESTNET, Mode.LIVE]
    assert all(lower.rank < higher.rank for lower, higher in pairwise(ladder))
    assert len(ladder) == len(Mode)


@pytest.mark.parametrize("mode", Mode)
def test_only_modes_with_keys_need_a_grant(mode: Mode) -> None:
    assert mode.needs_grant == (mode in {Mode.TESTNET, Mode.LIVE})
