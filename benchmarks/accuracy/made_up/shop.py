"""A shop: regular buyers on a clock of their own, who slow down before they leave.

Not the process that a buy-till-you-die model assumes: gaps are gamma-distributed, of most customers more regular than
chance and of some in bursts, and stretched by moods that last for months; rates and values are log-normal and
correlated; lifetimes are Weibull-distributed with a hazard that falls; half of the customers fade away before the end;
some buy in season only; values drift.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.population import REFUND_SHARE, WEEKDAYS

FloatArray = NDArray[np.float64]

DAYS_A_YEAR = 365.25
RATE_SIGMA, VALUE_SIGMA, RATE_VALUE_CORRELATION = 0.9, 0.8, 0.3
DRIFT_SIGMA = 0.1
"""Of a customer's yearly change of value, on the log scale."""
SHAPE, SHAPE_SIGMA = 1.4, 0.4
"""Median shape of a customer's gaps, and its spread on the log scale: 1 would be a Poisson process."""
MOOD_SIGMA, MOOD_DAYS, MOOD_KEPT = 0.7, 30, 0.7
"""Spread of a customer's pace on the log scale, how often it moves, and how much of it stays."""
TASTE_SHAPE = 1.5
"""Of how strongly a customer follows the season: some buy in it only, some not at all."""
LIFE_SHAPE = 0.75
FADING_SHARE, FADING_DAYS, FADED = 0.5, 120, 0.2
"""Who slows down, over how many days, and to which share of their pace."""
ORDER_SHAPE = 4.0
BIG_ORDER_SHARE, BIG_ORDER = 0.03, 4.0
REFUND_DAYS = 30


@dataclass(frozen=True)
class Shop:
    """What a shop is like.

    Attributes
    ----------
    customers
        How many come in all, those who leave before the log begins among them.
    start, days, before
        First day and length of the log, and for how many days the shop has been open before.
    season
        How much busier December is: 0 not at all, 2 three times as busy.
    growth, pace
        Factors a year on newcomers a day, and on everybody's rate of purchases.
    acquired_days
        For how many days newcomers come, from the first; None: all along.
    one_time
        Share of customers who never buy again.
    gap_days, life_days
        Median mean gap and characteristic lifetime of those who do.
    """

    customers: int = 7_500
    start: date = date(2022, 1, 1)
    days: int = 1_096
    before: int = 1_461
    season: float = 0.0
    growth: float = 1.0
    pace: float = 1.0
    acquired_days: int | None = None
    one_time: float = 0.25
    gap_days: float = 90.0
    life_days: float = 400.0

    def log(self, seed: int) -> pd.DataFrame:
        """Return its transaction log: `customer_id`, `timestamp`, `amount`, refunds among them."""
        rng = np.random.default_rng(seed)
        people = _people(self, rng)
        rows = _purchases(self, people, rng)
        return _priced(self, people, rows, rng)

    def busy(self) -> FloatArray:
        """Return how busy each day is beside an ordinary one, weekdays aside (before + days,)."""
        day = self.dates().day_of_year.to_numpy()
        crest = np.exp(-(((day - 347) / 16.0) ** 2) / 2)
        lull = np.exp(-((day / 30.0) ** 2) / 2)
        wave: FloatArray = (1 + self.season * crest) * (1 - 0.15 * self.season * lull)
        return wave

    def years(self) -> FloatArray:
        """Return the time since the log began, in years (before + days,)."""
        years: FloatArray = np.arange(-self.before, self.days) / DAYS_A_YEAR
        return years

    def dates(self) -> pd.DatetimeIndex:
        """Return all days on which the shop is open."""
        return pd.date_range(end=self.start + timedelta(days=self.days - 1), periods=self.before + self.days)


@dataclass(frozen=True)
class People:
    """The customers, one value each; days are counted from the shop's opening."""

    first: NDArray[np.int64]
    last: FloatArray
    rate: FloatArray
    shape: FloatArray
    taste: FloatArray
    fading: NDArray[np.bool_]
    value: FloatArray
    drift: FloatArray


def _people(shop: Shop, rng: np.random.Generator) -> People:
    n = shop.customers
    arrivals = (shop.growth ** shop.years() * shop.busy())[: shop.acquired_days]
    first = np.sort(rng.choice(len(arrivals), size=n, p=arrivals / arrivals.sum()))
    correlation = [[1.0, RATE_VALUE_CORRELATION], [RATE_VALUE_CORRELATION, 1.0]]
    often, much = rng.multivariate_normal([0.0, 0.0], correlation, size=n).T
    life = shop.life_days * rng.weibull(LIFE_SHAPE, size=n) * np.exp(rng.normal(0.0, 0.5, size=n))
    life = np.where(rng.random(n) < shop.one_time, 0.0, life)
    return People(
        first=first,
        last=first + life,
        rate=np.exp(RATE_SIGMA * often) / shop.gap_days,
        shape=SHAPE * np.exp(rng.normal(0.0, SHAPE_SIGMA, size=n)),
        taste=np.minimum(rng.gamma(TASTE_SHAPE, 1 / TASTE_SHAPE, size=n), 2.0),
        fading=rng.random(n) < FADING_SHARE,
        value=35.0 * np.exp(VALUE_SIGMA * much),
        drift=rng.normal(0.0, DRIFT_SIGMA, size=n),
    )


def _purchases(shop: Shop, people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Return `customer` and `day` of every purchase: each one when the customer's clock has run for the next gap."""
    busy = np.log(shop.busy())
    pace = shop.pace ** shop.years() * np.array(WEEKDAYS)[shop.dates().day_of_week]
    mood = rng.normal(0.0, MOOD_SIGMA, size=shop.customers)
    left = rng.gamma(people.shape) / people.shape
    found = []
    for day in range(len(pace)):
        if day % MOOD_DAYS == 0:
            mood = MOOD_KEPT * mood + rng.normal(0.0, MOOD_SIGMA * (1 - MOOD_KEPT**2) ** 0.5, size=shop.customers)
        here = (people.first < day) & (day <= people.last)
        slowed = np.clip((people.last - day) / FADING_DAYS, FADED, 1.0)
        clock = people.rate * pace[day] * np.exp(people.taste * busy[day] + mood) * np.where(people.fading, slowed, 1.0)
        left = left - np.where(here, clock, 0.0)
        bought = np.flatnonzero(left <= 0)
        left[bought] += rng.gamma(people.shape[bought]) / people.shape[bought]
        found.append(np.concatenate([np.flatnonzero(people.first == day), bought]))
    days = np.repeat(np.arange(len(pace)), [len(buyers) for buyers in found])
    return pd.DataFrame({"customer": np.concatenate(found), "day": days})


def _priced(shop: Shop, people: People, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    customer, day, n = rows["customer"].to_numpy(), rows["day"].to_numpy(), len(rows)
    known_years = (day - people.first[customer]) / DAYS_A_YEAR
    amount = people.value[customer] * np.exp(people.drift[customer] * known_years)
    amount = amount * rng.gamma(ORDER_SHAPE, size=n) / ORDER_SHAPE
    amount = np.maximum(amount * np.where(rng.random(n) < BIG_ORDER_SHARE, BIG_ORDER, 1.0), 1.0)
    back = np.flatnonzero(rng.random(n) < REFUND_SHARE)
    returned = day[back] + rng.integers(1, REFUND_DAYS + 1, size=len(back))
    share = np.where(rng.random(len(back)) < 0.7, 1.0, rng.random(len(back)))
    rows = pd.DataFrame(
        {
            "customer": np.concatenate([customer, customer[back]]),
            "day": np.concatenate([day, returned]) - shop.before,
            "amount": np.concatenate([amount, -amount[back] * share]),
        }
    )
    seen = rows[(rows["day"] >= 0) & (rows["day"] < shop.days)]
    return as_log(shop.start, seen["customer"].to_numpy(), seen["day"].to_numpy(), seen["amount"].to_numpy())


def as_log(start: date, customer: NDArray[np.int64], day: NDArray[np.int64], amount: FloatArray) -> pd.DataFrame:
    """Return the log of customer numbers, days since `start` and amounts (n,) in the order of time."""
    order = np.lexsort([customer, day])
    return pd.DataFrame(
        {
            "customer_id": pd.Series(customer[order]).map("{:05d}".format),
            "timestamp": pd.Timestamp(start) + pd.to_timedelta(day[order], unit="D"),
            "amount": np.round(amount[order], 2),
        }
    )
