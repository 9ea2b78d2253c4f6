"""Scales: from values to shares of an axis, with ticks at round numbers."""

from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LEAST = 1e-9
"""Less than this is nothing: amounts have two decimals."""
MONTHS_A_STEP = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class Scale:
    """A straight scale between two round numbers.

    Attributes
    ----------
    low, high
        Its ends; `high` is above `low`.
    step
        Distance of its ticks.
    """

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """The round numbers from end to end."""
        return [self.low + i * self.step for i in range(round((self.high - self.low) / self.step) + 1)]

    def share(self, value: float) -> float:
        """Return where a value lies between the ends: 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def scale(low: float, high: float, ticks: int = 4) -> Scale:
    """Return a scale that holds zero and both values, with about so many steps."""
    low, high = min(low, 0.0), max(high, 0.0)
    width = high - low if high - low > LEAST else 1.0
    power = 10.0 ** floor(log10(width / ticks))
    step = next(power * factor for factor in STEPS if power * factor >= width / ticks * (1 - 1e-9))
    ends = floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step
    return Scale(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + step, step)


def month_ticks(first: date, last: date, most: int) -> list[date]:
    """Return at most so many first days of months between two dates, at a steady distance that suits a calendar."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    for step in MONTHS_A_STEP:
        found = [date(month // 12, month % 12 + 1, 1) for month in months if month % step == 0]
        found = [day for day in found if first <= day <= last]
        if len(found) <= most:
            return found
    return []
