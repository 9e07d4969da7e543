"""Remembers the last answer of costly pure steps, for one bot: the same inputs give the same answer object.

Most reconciles find nothing new but figures. Validating a spec, rendering a configuration and hashing six manifests
again each time was two thirds of the operator's processor time at a hundred bots.
"""

from collections.abc import Callable
from typing import Any


class Memo:
    """The last inputs and answer of each step. Safe to lose at any time."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[tuple[object, ...], Any]] = {}

    def once[T](self, step: str, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return ``make()``, or what it returned for the same inputs last time.

        Inputs are compared by identity first, then by value; ``make`` must depend on nothing else.
        """
        last = self._last.get(step)
        if last is not None and _same(last[0], inputs):
            known: T = last[1]
            return known
        made = make()
        self._last[step] = (inputs, made)
        return made


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    return len(before) == len(now) and all(a is b or a == b for a, b in zip(before, now, strict=True))
