"""The past level: what is read of past windows to forecast the level of an as-of date."""

from collections.abc import Mapping
from datetime import date

from features.window import Span, schedule
from models.bundle import Bundle
from models.level import Level, Window
from models.past import Asked
from regulars.errors import HistoryError
from serving.scoring.past_windows import Question


def level_question(bundle: Bundle, span: Span, as_of: date) -> Question[Level]:
    """Ask for the level of an as-of date, of the windows of a bundle's length that were complete by then.

    Parameters
    ----------
    bundle
        Its level rule, and the length of its windows.
    span
        Days that are known before the as-of date.
    as_of
        The as-of date.

    Raises
    ------
    HistoryError
        No window was complete; and, by the answer, nobody had bought by then.
    """
    plan = schedule(span, as_of, bundle.horizon_days, bundle.window_days)

    def rule(windows: Mapping[Asked, Window]) -> Level:
        past = {day: window for (day, _), window in windows.items()}
        if as_of not in past:
            raise HistoryError(
                f"nobody had bought before {as_of}: the log holds only refunds by then; choose a later date"
            )
        return bundle.level_rule.forecast(past, plan)

    return Question(frozenset((day, plan.window_days) for day in plan.dates), rule)
