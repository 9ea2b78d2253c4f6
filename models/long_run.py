"""The long run: the level of the years beyond the horizon, read off the years that have passed."""

from dataclasses import dataclass

from models.level import Window

YEAR_DAYS = 364
"""Whole weeks, as the seasons of the level."""
PRIOR_ORDERS = 30.0
"""Orders exactly as BTYD expects them that every window is filled up with: a few of them tell little of a level."""


@dataclass(frozen=True)
class LongRun:
    """Factors on BTYD's expected orders beyond the horizon, of all customers.

    No season is among them: they hold for whole years, or for what the horizon leaves of the first one.

    Attributes
    ----------
    rest
        For the rest of the first year ahead.
    year
        For a year ahead; that of the years that follow is lower by `fading` for each year between.
    fading
        At most 1: customers leave faster in the long run than their first years tell a buy-till-you-die model.
    """

    rest: float = 1.0
    year: float = 1.0
    fading: float = 1.0

    def level(self, begin_days: float) -> float:
        """Return the factor of a period by when it begins, in days after the as-of date."""
        years = int(begin_days // YEAR_DAYS)
        return self.year * self.fading**years if years else self.rest


def long_run(
    horizon: Window | None = None,
    year: Window | None = None,
    older_year: Window | None = None,
    two_years: Window | None = None,
) -> LongRun:
    """Read the long run off what happened after two past as-of dates, beside what BTYD expected of it.

    Levels are those of orders, not of spend: the repeated purchase is what a survival curve foretells, and single big
    orders move them less.

    Parameters
    ----------
    horizon, year
        Windows from the as-of date a year ago: as long as the horizon, and a year.
    older_year, two_years
        Windows from the as-of date two years ago: one year and two. Their second year beside their first is the fading.
        None, here and above: not known; the factors that need it are 1.
    """
    if year is None:
        return LongRun()
    rest = _level(year, horizon)
    if older_year is None or two_years is None:
        return LongRun(rest, _level(year))
    return LongRun(rest, _level(year), min(_level(two_years, older_year) / _level(older_year), 1.0))


def _level(window: Window, without: Window | None = None) -> float:
    """Return the level of a window, or of what is left of it after a shorter one that begins with it."""
    happened, expected = window.happened["orders"], window.expected["orders"]
    if without is not None:
        happened, expected = happened - without.happened["orders"], expected - without.expected["orders"]
    return (max(happened, 0.0) + PRIOR_ORDERS) / (max(expected, 0.0) + PRIOR_ORDERS)
