"""Repeated measurements as a median and how far they spread."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """The median of some measurements, and the quartiles between which half of them lie."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Sample":
        """At least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    def text(self, factor: float = 1.0, digits: int = 3) -> str:
        """``12.3 (11.9-12.8)``, to so many significant digits.

        Args:
            factor: into the unit that is shown.
            digits: significant ones.
        """
        median, low, high = (_short(value * factor, digits) for value in (self.median, self.low, self.high))
        return f"{median} ({low}-{high})" if self.count > 1 else median


def _short(value: float, digits: int) -> str:
    """Significant digits without an exponent."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:g}"
