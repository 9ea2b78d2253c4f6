"""The step of a log's dates: how far apart they lie where they are rounded to months or years."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from features.ledger import Ledger

LONG_STEP_DAYS = 20
"""Where dates are exact, somebody buys more often than this, but in the smallest of shops."""
LEAST_SHARED = 2
"""Customers a day on average: in a small shop hardly two come on the same day, where dates are rounded they all do."""


def date_step(ledger: Ledger) -> int | None:
    """Return the days between one date of a log and the next where dates are rounded, to years or months; else None."""
    bought = ledger.days.filter(ledger.days.purchase).select("day").distinct()
    return _step(bought.to_pyarrow()["day"].to_pylist(), ledger.quality.purchase_days)


def _step(days: Sequence[date], purchase_days: int) -> int | None:
    ordered = sorted(days)
    gaps = sorted((later - earlier).days for earlier, later in pairwise(ordered))
    if not gaps or purchase_days < LEAST_SHARED * len(ordered):
        return None
    # Two days a year need not lie half a year apart: the longer pause counts.
    usual = gaps[(len(gaps) - 1) * 3 // 4]
    return usual if usual > LONG_STEP_DAYS else None
