"""The kinds of business that logs are made up for, and the windows that are judged in each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from benchmarks.accuracy.made_up.giving import Charity
from benchmarks.accuracy.made_up.shop import Shop
from benchmarks.accuracy.made_up.subscription import Subscription

QUARTER = 90


@dataclass(frozen=True)
class Kind:
    """A kind of business.

    Attributes
    ----------
    log
        Makes its transaction log from a seed.
    dates
        As-of date and horizon in days of each window.
    """

    log: Callable[[int], pd.DataFrame]
    dates: tuple[tuple[date, int], ...]


SPRING_AND_YEAR_END = ((date(2024, 4, 5), QUARTER), (date(2024, 10, 2), QUARTER))
SHOP = Shop()
KINDS = {
    "steady shop": Kind(SHOP.log, SPRING_AND_YEAR_END),
    "seasonal shop": Kind(replace(SHOP, season=2.5).log, SPRING_AND_YEAR_END),
    "growing shop": Kind(replace(SHOP, growth=2.0, pace=2.0, gap_days=250.0).log, SPRING_AND_YEAR_END),
    "declining shop": Kind(
        replace(SHOP, customers=14_000, growth=0.65, pace=0.8, gap_days=70.0).log, SPRING_AND_YEAR_END
    ),
    "subscription": Kind(Subscription().log, SPRING_AND_YEAR_END),
    "giving": Kind(Charity().log, (*SPRING_AND_YEAR_END, (date(2024, 1, 1), 365))),
    "one cohort": Kind(
        replace(SHOP, customers=6_000, days=546, before=0, acquired_days=90, one_time=0.5, gap_days=120.0).log,
        ((date(2023, 1, 1), QUARTER), (date(2023, 4, 1), QUARTER)),
    ),
    "one-time shop": Kind(replace(SHOP, customers=16_000, one_time=0.9).log, SPRING_AND_YEAR_END),
    "household panel": Kind(
        replace(
            SHOP, customers=2_500, days=730, before=0, acquired_days=60, one_time=0.02, gap_days=7.0, life_days=2_500.0
        ).log,
        ((date(2023, 6, 1), QUARTER), (date(2023, 9, 1), QUARTER)),
    ),
    "supermarket": Kind(
        replace(SHOP, customers=16_000, days=121, before=500, one_time=0.2, gap_days=14.0).log,
        ((date(2022, 3, 15), 28), (date(2022, 3, 2), 60)),
    ),
}
"""By name."""
