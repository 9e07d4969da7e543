"""Exact decimal arithmetic: Decimal at the border, whole lots inside.

Python's ambient decimal context belongs to the host program (Hummingbot, a test, a notebook) and may round. Nothing
here uses it: every operation goes through a context of its own that raises instead of rounding.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

_EXACT = Context(prec=120, traps=[InvalidOperation, Inexact, Overflow])
_WHOLE = Context(prec=120, traps=[InvalidOperation, Overflow])
_BPS = Decimal(10_000)


def is_positive(value: Decimal) -> bool:
    """Whether `value` is a finite number above zero (NaN and infinity are not)."""
    return value.is_finite() and not value.is_signed() and bool(value)


def exact_product(left: Decimal, right: Decimal) -> Decimal:
    """Return the product without rounding, whatever the ambient decimal context is."""
    return _EXACT.multiply(left, right)


def exact_sum(left: Decimal, right: Decimal) -> Decimal:
    """Return the sum without rounding, whatever the ambient decimal context is."""
    return _EXACT.add(left, right)


def bps_of(amount: Decimal, rate_bps: Decimal) -> Decimal:
    """Return `rate_bps` basis points of `amount`, exactly."""
    return _EXACT.divide(_EXACT.multiply(amount, rate_bps), _BPS)


class Grid:
    """A step size, and the conversion between decimal values and whole numbers of steps."""

    __slots__ = ("step",)

    def __init__(self, step: Decimal) -> None:
        """Raise ValueError when `step` is not a finite number above zero."""
        if not is_positive(step):
            raise ValueError(f"a step size must be a finite decimal above zero, got {step}")
        self.step = step

    def floor(self, value: Decimal) -> int:
        """Return how many whole steps fit into `value` (0 for anything negative)."""
        if value.is_signed():
            return 0
        return int(_WHOLE.divide_int(value, self.step))

    def units(self, value: Decimal) -> int | None:
        """Return `value` in whole steps, or None when it does not lie on the grid."""
        if not value.is_finite() or _WHOLE.remainder(value, self.step):
            return None
        return int(_WHOLE.divide_int(value, self.step))

    def value(self, units: int) -> Decimal:
        """Return the decimal value of `units` steps, exactly."""
        return _EXACT.multiply(Decimal(units), self.step)
