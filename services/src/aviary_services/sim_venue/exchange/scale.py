"""Whole units of a decimal step, and their text as a venue writes it."""

from decimal import Context, Decimal, InvalidOperation

_EXACT = Context(prec=60, traps=[InvalidOperation])


class Scale:
    """Converts between whole numbers of a step (ticks, lots), Decimal, and text with a fixed number of decimals."""

    __slots__ = ("_factor", "digits", "step")

    def __init__(self, step: Decimal) -> None:
        """Raise ValueError unless `step` is a finite decimal above zero."""
        if not step.is_finite() or step <= 0:
            raise ValueError(f"a step must be a finite decimal above zero, got {step}")
        _, digits, exponent = step.as_tuple()
        if not isinstance(exponent, int):
            raise TypeError(f"a step must be finite, got {step}")
        coefficient = int("".join(map(str, digits)))
        self.step = step
        self.digits = max(0, -exponent)
        self._factor = coefficient * 10 ** max(0, exponent)

    def text(self, units: int) -> str:
        """Return the value of `units` steps with exactly `digits` decimals, e.g. "60000.50"."""
        scaled = units * self._factor
        if self.digits == 0:
            return str(scaled)
        sign = "-" if scaled < 0 else ""
        whole, fraction = divmod(abs(scaled), 10**self.digits)
        return f"{sign}{whole}.{fraction:0{self.digits}d}"

    def value(self, units: int) -> Decimal:
        """Return the value of `units` steps, exactly."""
        return _EXACT.multiply(Decimal(units), self.step)

    def floor(self, value: Decimal) -> int:
        """Return how many whole steps fit into a value that is not negative."""
        return int(_EXACT.divide_int(value, self.step))

    def fits(self, value: Decimal) -> bool:
        """Whether `value` is a whole number of steps."""
        return value.is_finite() and not _EXACT.remainder(value, self.step)
