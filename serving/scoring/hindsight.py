"""Hindsight: all that a scoring wants to know of past windows, found in one look at the days."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from features.ledger import Ledger
from models.bundle import Bundle
from models.level import Level
from models.long_run import LongRun
from serving.scoring.past_level import level_question
from serving.scoring.past_windows import past_windows
from serving.scoring.past_years import long_run_question
from serving.scoring.revenue import misses_question


@dataclass(frozen=True)
class Hindsight:
    """What the past says of an as-of date.

    Attributes
    ----------
    level
        Its level forecast.
    long_run
        The level of the years beyond the horizon.
    misses
        By how much the level rule missed, see `serving.scoring.revenue`.
    """

    level: Level
    long_run: LongRun
    misses: list[float]

    @classmethod
    def of(cls, bundle: Bundle, known: Ledger, as_of: date) -> Self:
        """Look back from an as-of date."""
        level = level_question(bundle, known.span, as_of)
        long_run = long_run_question(bundle, known.span, as_of)
        misses = misses_question(bundle, known.span, as_of)
        found = past_windows(known, bundle.btyd, level.asked | long_run.asked | misses.asked)
        return cls(level.answer(found), long_run.answer(found), misses.answer(found))
