"""Round numbers along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Axis:
    """An axis from its first to its last value, which are ascending and equally far apart.

    Attributes:
        digits: behind the point, that tell the values apart.
    """

    values: tuple[float, ...]
    digits: int

    @staticmethod
    def over(low: float, high: float, steps: int) -> Axis:
        """Round values from `low` or less to `high` or more, about so many steps."""
        raw = max(high - low, 1e-3 * max(abs(high), 1e-3)) / steps
        unit = 10.0 ** floor(log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
        first, last = floor(round(low / step, 6)), ceil(round(high / step, 6))
        first -= first == last
        digits = max(0, -floor(log10(step) + 1e-9))
        return Axis(tuple(round(step * place, digits) for place in range(first, last + 1)), digits)

    def share(self, value: float) -> float:
        """Where a value is, from 0 at the first of the axis to 1 at the last."""
        return (value - self.values[0]) / (self.values[-1] - self.values[0])

    def words(self) -> list[tuple[float, str]]:
        """For each value its share, and what it is called."""
        return [(self.share(value), f"{value:,.{self.digits}f}") for value in self.values]
