"""The window rule, stated once: what is known at an as-of date, its outcome, and the past windows that teach it."""

from dataclasses import dataclass
from datetime import date, timedelta

from regulars.errors import HistoryError

DAYS_A_WEEK = 7
SEASON_DAYS = 364
"""Fifty-two whole weeks: a year ago on the same weekday."""
MOST_CUTOFFS = 12
FEWEST_SEASONS, MOST_SEASONS = 3, 4
"""Earlier years whose same season teaches as well: fewer tell no habit from chance."""
OTHER_LENGTHS, OTHER_CUTOFFS = (0.5, 1.5, 2.0), 4
"""Windows of other lengths teach too, fewer of them."""
LEAST_HISTORY_DAYS = 28
SETTLED_DAYS = 730
LONGEST_HORIZON_DAYS = 3653
LEAST_LOG_DAYS = 42
"""Below this no window of a third of the history leaves four weeks before it."""


def outcome_end(as_of: date, horizon_days: int) -> date:
    """Return the first day after the outcome window ``[as_of, as_of + horizon)``."""
    return as_of + timedelta(days=horizon_days)


@dataclass(frozen=True)
class Span:
    """First and last day of a log, both inclusive."""

    first_day: date
    last_day: date

    @property
    def end(self) -> date:
        """The first day that the log does not cover."""
        return self.last_day + timedelta(days=1)

    def covers(self, as_of: date, horizon_days: int) -> bool:
        """Tell whether the whole outcome window lies inside the log."""
        return self.first_day < as_of and outcome_end(as_of, horizon_days) <= self.end


@dataclass(frozen=True)
class Lesson:
    """Past windows of one length: their days, and the as-of dates on which they begin, newest first."""

    window_days: int
    cutoffs: tuple[date, ...]


@dataclass(frozen=True)
class Schedule:
    """The past windows that teach one as-of date and horizon.

    Attributes
    ----------
    as_of, horizon_days
        What is asked for.
    window_days
        Length of the past windows: the horizon where the history allows it, else a third of the history.
    step_days
        Days between one cut-off and the next.
    cutoffs
        As-of dates of the past windows, newest first, every window complete before `as_of`.
    last_year
        The as-of date 364 days earlier where its window is complete and has enough history before it, else None.
    year_before
        The newest cut-off's date 364 days earlier, where it has enough history before it, else None.
    settled
        Whether two years of history lie before `last_year`.
    others
        Windows of other lengths that teach as well: half of `window_days`, whose outcomes are younger; and longer ones
        where the horizon is longer than `window_days`.
    seasons
        As-of dates of the same season in earlier years, beyond the cut-offs, newest first: around the day of `as_of`, a
        step before and after it. None where the log has not seen that season thrice before, or a window is longer than
        half a year.
    """

    as_of: date
    horizon_days: int
    window_days: int
    step_days: int
    cutoffs: tuple[date, ...]
    last_year: date | None
    year_before: date | None
    settled: bool
    others: tuple[Lesson, ...] = ()
    seasons: tuple[date, ...] = ()

    @property
    def main(self) -> Lesson:
        """All past windows of the length that is predicted."""
        return Lesson(self.window_days, (*self.cutoffs, *self.seasons))

    @property
    def extrapolates(self) -> bool:
        """Whether the horizon is longer than any window that can teach it."""
        return self.window_days < self.horizon_days

    @property
    def dates(self) -> tuple[date, ...]:
        """All dates whose totals a level forecast reads: the cut-offs, those of last year, and the as-of date."""
        years_ago = [day for day in (self.last_year, self.year_before) if day]
        return tuple(sorted({*self.cutoffs, *years_ago, self.as_of}))


def schedule(span: Span, as_of: date, horizon_days: int, window_days: int | None = None) -> Schedule:
    """Choose the training windows for an as-of date: up to twelve, a quarter of a window apart.

    Parameters
    ----------
    span
        The days that the log covers. Nothing at or after `as_of` is used.
    as_of, horizon_days
        What is to be predicted.
    window_days
        Length of the past windows where a bundle fixes it; None: chosen from the history.

    Raises
    ------
    HistoryError
        The as-of date precedes the first purchase, or the history is too short for the horizon.
    """
    require_horizon(horizon_days)
    history = history_days(span, as_of)
    if window_days is None:
        window_days = _window_days(span, as_of, horizon_days)
    least = max(LEAST_HISTORY_DAYS, int(0.3 * window_days))
    begin, end = span.first_day + timedelta(days=least), min(as_of, span.end)
    cutoffs = _cutoffs(begin, end, window_days, MOST_CUTOFFS)
    if not cutoffs:
        raise HistoryError(
            f"no complete window of {window_days} days lies in the {history} days between the first transaction "
            f"({span.first_day}) and {as_of} (the log ends on {span.last_day}): bring a longer log or a shorter horizon"
        )
    last_year = as_of - timedelta(days=SEASON_DAYS)
    year_before = cutoffs[0] - timedelta(days=SEASON_DAYS)
    seen = (last_year - span.first_day).days
    whole = seen >= least and outcome_end(last_year, window_days) <= min(as_of, span.end)
    others = [
        round(window_days * factor) for factor in (OTHER_LENGTHS if window_days < horizon_days else OTHER_LENGTHS[:1])
    ]
    return Schedule(
        as_of,
        horizon_days,
        window_days,
        step_days(window_days),
        cutoffs,
        last_year if whole else None,
        year_before if whole and year_before >= begin else None,
        seen >= SETTLED_DAYS,
        tuple(Lesson(days, _cutoffs(begin, end, days, OTHER_CUTOFFS)) for days in others if days >= DAYS_A_WEEK),
        _seasons(begin, cutoffs[-1], as_of, window_days),
    )


def step_days(window_days: int) -> int:
    """Return the days from one cut-off to the next: a quarter of the window in whole weeks, at least one."""
    return max(DAYS_A_WEEK, window_days // 4 // DAYS_A_WEEK * DAYS_A_WEEK)


def _cutoffs(begin: date, end: date, window_days: int, most: int) -> tuple[date, ...]:
    """Return as-of dates from `begin` on whose windows are complete at `end`, newest first."""
    newest = end - timedelta(days=window_days)
    dates = [newest - timedelta(days=i * step_days(window_days)) for i in range(most)]
    return tuple(day for day in dates if day >= begin)


def _seasons(begin: date, oldest: date, as_of: date, window_days: int) -> tuple[date, ...]:
    """Return as-of dates of the same season in earlier years, from `begin` on and older than the oldest cut-off."""
    if window_days > SEASON_DAYS // 2:
        return ()
    middles = [as_of - timedelta(days=SEASON_DAYS * years) for years in range(1, MOST_SEASONS + 1)]
    if middles[FEWEST_SEASONS - 1] < begin:
        return ()
    step = timedelta(days=step_days(window_days))
    dates = (middle + step * i for middle in middles for i in (1, 0, -1))
    return tuple(day for day in dates if begin <= day < oldest)


def _window_days(span: Span, as_of: date, horizon_days: int) -> int:
    history = history_days(span, as_of)
    if horizon_days > 2 * history:
        raise HistoryError(
            f"a horizon of {horizon_days} days is more than twice the {history} days of history before {as_of}: "
            f"ask for at most {2 * history} days, or bring a longer log"
        )
    if history < LEAST_LOG_DAYS:
        raise HistoryError(
            f"{history} days of history before {as_of} are too few to learn from (the log begins on {span.first_day}): "
            f"at least {LEAST_LOG_DAYS} are needed; choose a later as-of date or bring a longer log"
        )
    whole = history - horizon_days >= max(0.35 * horizon_days, LEAST_HISTORY_DAYS)
    return horizon_days if whole else history // 3


def require_horizon(horizon_days: int) -> None:
    """Raise where a horizon is no number of days from one to ten years."""
    if not 1 <= horizon_days <= LONGEST_HORIZON_DAYS:
        raise HistoryError(f"a horizon of {horizon_days} days: give a number of days from 1 to {LONGEST_HORIZON_DAYS}")


def history_days(span: Span, as_of: date) -> int:
    """Return the days from the first day of the log to the as-of date.

    Raises
    ------
    HistoryError
        Nothing in the log lies before the as-of date.
    """
    if as_of <= span.first_day:
        raise HistoryError(
            f"nothing is known at {as_of}: the first transaction is dated {span.first_day}; "
            f"choose an as-of date after {span.first_day} (the log ends on {span.last_day})"
        )
    return (as_of - span.first_day).days


def rolling(span: Span, horizon_days: int, cutoffs: int) -> tuple[date, ...]:
    """Return the newest as-of dates with complete, non-overlapping outcome windows, oldest first.

    Raises
    ------
    HistoryError
        Not one complete window leaves enough history to learn from.
    """
    require_horizon(horizon_days)
    if cutoffs < 1:
        raise HistoryError(f"{cutoffs} cut-offs evaluate nothing: give at least 1")
    newest = span.end - timedelta(days=horizon_days)
    dates = [newest - timedelta(days=i * horizon_days) for i in range(cutoffs)]
    usable = [day for day in dates if (day - span.first_day).days >= LEAST_LOG_DAYS]
    if not usable:
        raise HistoryError(
            f"the log covers {span.first_day} to {span.last_day}: no complete outcome window of {horizon_days} days "
            f"leaves {LEAST_LOG_DAYS} days of history before it; ask for a shorter horizon or bring a longer log"
        )
    return tuple(reversed(usable))
