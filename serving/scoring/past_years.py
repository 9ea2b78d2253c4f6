"""Past years: what came of the customers of a year ago and of two, for the level of the years ahead."""

from datetime import date, timedelta

from features.ledger import Ledger
from features.window import SEASON_DAYS
from models.bundle import Bundle
from models.long_run import LongRun, long_run
from serving.scoring.past_windows import past_windows

LEAST_DAYS = 109
"""Of history before a past as-of date, as the schedule asks for before windows of a year."""


def forecast_long_run(bundle: Bundle, known: Ledger, as_of: date) -> LongRun:
    """Forecast the level beyond the horizon from the years before an as-of date.

    Parameters
    ----------
    bundle
        Its horizon, and the buy-till-you-die model beside which the past is seen.
    known
        The ledger before the as-of date. Where it ends earlier, the years end with it.
    as_of
        The as-of date.
    """
    first, end = known.span.first_day, min(as_of, known.span.end)
    ago = [end - timedelta(days=SEASON_DAYS * years) for years in (1, 2)]
    ago = [day for day in ago if (day - first).days >= LEAST_DAYS]
    lengths = {min(bundle.horizon_days, SEASON_DAYS): ago[:1], SEASON_DAYS: ago, 2 * SEASON_DAYS: ago[1:]}
    found = past_windows(known, bundle.btyd, [(day, days) for days, dates in lengths.items() for day in dates])
    last_year, older = end - timedelta(days=SEASON_DAYS), end - timedelta(days=2 * SEASON_DAYS)
    return long_run(
        found.get((last_year, bundle.horizon_days)),
        found.get((last_year, SEASON_DAYS)),
        found.get((older, SEASON_DAYS)),
        found.get((older, 2 * SEASON_DAYS)),
    )
