"""A charity: one gift a year or a few, most of them in December, in round sums, over ten years."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from benchmarks.accuracy.made_up.shop import as_log

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Gifts = tuple[IntArray, IntArray, FloatArray]
"""Donor, day since the start and amount of each."""

SUMS = np.array([5.0, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 500, 1_000, 2_500])
MEDIAN_GIFT, GIFT_SIGMA, LATER_SIGMA = 40.0, 0.9, 0.25
RAISE = 0.03
"""Yearly, on the log scale."""
GIVES_AGAIN = np.array([0.75, 0.35, 0.15, 0.05])
"""Probability to give this year, by years missed since the last gift, of a donor of average loyalty."""
LOYALTY_SIGMA = 0.9
"""Of the log-odds of it."""
SEASONS = {"December": (350, 8.0), "the March appeal": (80, 12.0)}
"""Middle day of the year and standard deviation in days; all others give around a day of their own."""
SEASON_SHARES = (0.55, 0.15, 0.3)
OWN_SIGMA = 25.0
MORE_GIFTS = (0.4, 0.9)
"""Gamma distribution of further gifts in a year in which somebody gives: none of most, several of a few."""
DISASTER_YEAR, DISASTER = 7, 1.8
"""The year whose events bring newcomers, and how many times as many."""


@dataclass(frozen=True)
class Charity:
    """What the charity is like: donors in all, its first year, and for how many years it is seen."""

    donors: int = 5_000
    first_year: int = 2015
    years: int = 10

    def log(self, seed: int) -> pd.DataFrame:
        """Return its transaction log: `customer_id`, `timestamp`, `amount`."""
        rng = np.random.default_rng(seed)
        donors = Donors.drawn(self, rng)
        start = date(self.first_year, 1, 1)
        found = []
        for year in range(self.years):
            givers = donors.givers(year, rng)
            first_day = (date(self.first_year + year, 1, 1) - start).days
            found.append(donors.gifts(year, first_day, givers, rng))
        customer, day, amount = (np.concatenate(part) for part in zip(*found, strict=True))
        return as_log(start, customer, day, amount)


@dataclass
class Donors:
    """All donors between two years, one value each.

    Attributes
    ----------
    begins, last
        Year of the first gift, and of the last one so far (-1: none).
    loyalty
        What is added to the log-odds of giving again.
    value
        Median gift.
    more
        Mean number of further gifts in a year with one.
    middle, sigma
        Day of the year of the first gift of a year, and its standard deviation in days.
    """

    begins: IntArray
    last: IntArray
    loyalty: FloatArray
    value: FloatArray
    more: FloatArray
    middle: FloatArray
    sigma: FloatArray

    @classmethod
    def drawn(cls, charity: Charity, rng: np.random.Generator) -> "Donors":
        """Draw them before the first year."""
        n = charity.donors
        arrivals = np.where(np.arange(charity.years) == DISASTER_YEAR, DISASTER, 1.0)
        season = rng.choice(len(SEASON_SHARES), size=n, p=SEASON_SHARES)
        days, sigmas = zip(*SEASONS.values(), strict=True)
        loyalty = rng.normal(0.0, LOYALTY_SIGMA, size=n)
        return cls(
            begins=rng.choice(charity.years, size=n, p=arrivals / arrivals.sum()),
            last=np.full(n, -1),
            loyalty=loyalty,
            # Those who stay give a little more.
            value=MEDIAN_GIFT * np.exp(rng.normal(0.2 * loyalty, GIFT_SIGMA)),
            more=rng.gamma(*MORE_GIFTS, size=n),
            middle=np.where(season < len(days), np.append(days, 0)[season], rng.uniform(1, 365, size=n)),
            sigma=np.append(sigmas, OWN_SIGMA)[season],
        )

    def givers(self, year: int, rng: np.random.Generator) -> IntArray:
        """Decide who gives this year, and remember it."""
        missed = np.clip(year - self.last - 1, 0, len(GIVES_AGAIN) - 1)
        again = (self.last >= 0) & (rng.random(len(self.last)) < expit(logit(GIVES_AGAIN)[missed] + self.loyalty))
        gives = again | (self.begins == year)
        self.last = np.where(gives, year, self.last)
        return np.flatnonzero(gives)

    def gifts(self, year: int, first_day: int, givers: IntArray, rng: np.random.Generator) -> Gifts:
        """Return customer, day since the start, and amount of every gift of a year."""
        own = rng.normal(self.middle[givers], self.sigma[givers])
        further = np.repeat(givers, np.minimum(rng.poisson(self.more[givers]), 12))
        customer = np.concatenate([givers, further])
        day = np.clip(np.concatenate([own, rng.uniform(0, 365, size=len(further))]), 0, 364).astype(np.int64)
        raised = RAISE * (year - self.begins[customer])
        meant = self.value[customer] * np.exp(rng.normal(raised, LATER_SIGMA))
        return customer, first_day + day, SUMS[np.abs(np.log(meant)[:, None] - np.log(SUMS)).argmin(axis=1)]
