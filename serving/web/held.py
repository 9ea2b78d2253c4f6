"""Held: which scores a request means, of those that a store holds."""

from collections.abc import Sequence
from datetime import date

from regulars.errors import StoreError


class NotHeldError(StoreError):
    """The store holds no scores of the as-of date and horizon that were asked for."""


def dated(
    held: Sequence[tuple[date, int]], as_of: date | None = None, horizon_days: int | None = None
) -> tuple[date, int]:
    """Return the newest as-of date by default, and of several horizons the shortest: a page cannot ask back.

    Parameters
    ----------
    held
        As-of dates and horizons, oldest first.
    as_of, horizon_days
        What was asked for; None: whatever there is.

    Raises
    ------
    NotHeldError
        There are none such.
    """
    asked = [(day, days) for day, days in held if as_of in (None, day) and horizon_days in (None, days)]
    if not asked:
        there = ", ".join(f"{day} for {days} days" for day, days in held[-5:]) or "none yet"
        raise NotHeldError(f"There are no scores of that as-of date and horizon. The newest held are: {there}.")
    newest = asked[-1][0]
    return newest, min(days for day, days in asked if day == newest)
