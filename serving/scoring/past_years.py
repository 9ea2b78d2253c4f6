"""Past years: what came of the customers of a year ago and of two, for the level of the years ahead."""

from collections.abc import Mapping
from datetime import date, timedelta

from features.window import SEASON_DAYS, Span
from models.bundle import Bundle
from models.level import Window
from models.long_run import LongRun, long_run
from models.past import Asked
from serving.scoring.past_windows import Question

LEAST_DAYS = 109
"""Of history before a past as-of date, as the schedule asks for before windows of a year."""


def long_run_question(bundle: Bundle, span: Span, as_of: date) -> Question[LongRun]:
    """Ask for the level beyond the horizon, of the years before an as-of date.

    Parameters
    ----------
    bundle
        Its horizon, and the buy-till-you-die model beside which the past is seen.
    span
        Days that are known before the as-of date. Where they end earlier, the years end with them.
    as_of
        The as-of date.
    """
    end = min(as_of, span.end)
    last_year, older = end - timedelta(days=SEASON_DAYS), end - timedelta(days=2 * SEASON_DAYS)
    ago = [day for day in (last_year, older) if (day - span.first_day).days >= LEAST_DAYS]
    lengths = {min(bundle.horizon_days, SEASON_DAYS): ago[:1], SEASON_DAYS: ago, 2 * SEASON_DAYS: ago[1:]}

    def rule(found: Mapping[Asked, Window]) -> LongRun:
        return long_run(
            found.get((last_year, bundle.horizon_days)),
            found.get((last_year, SEASON_DAYS)),
            found.get((older, SEASON_DAYS)),
            found.get((older, 2 * SEASON_DAYS)),
        )

    return Question(frozenset((day, days) for days, dates in lengths.items() for day in dates), rule)
