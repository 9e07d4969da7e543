"""The engine's only source of chance: seeded, and in whole numbers, so that every machine draws the same."""

from random import Random

from aviary_fillsim.config import FULL_BPS

_JITTER_BPS = 2_000
_BITS = 32


class Chance:
    """Draws of one seeded generator, in basis points.

    Only `getrandbits` is used: the float methods of `random` may differ between Python versions, its bits do not.
    """

    __slots__ = ("_random",)

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  a simulation wants repeatable chance, not secrecy

    def between_bps(self, low: int, high: int) -> int:
        """Return a whole number of basis points drawn evenly from `low` to `high`, both included."""
        return low + ((self._random.getrandbits(_BITS) * (high - low + 1)) >> _BITS)

    def around_bps(self, rate: int) -> int:
        """Return `rate` moved by up to a fifth either way (row R-107), never above 100 %.

        100 % means that there is no queue at all, and stays 100 %.
        """
        if rate == FULL_BPS:
            return FULL_BPS
        return min(FULL_BPS, rate * self.between_bps(FULL_BPS - _JITTER_BPS, FULL_BPS + _JITTER_BPS) // FULL_BPS)
