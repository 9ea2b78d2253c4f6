"""Who buys when in a made-up log: acquisition, gamma rates, beta-geometric dropout, season.

Customers buy at gamma rates and drop out with a beta-distributed probability after each purchase, as in BG/NBD (Fader,
Hardie & Lee 2005, Marketing Science 24(2)), on a clock that runs faster in season. Given when each one drops out, the
purchases of a day are independent of all others: days can be drawn one after the other.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

GROWTH = 1.0
"""A year: twice as many new customers at the end of it as at its beginning."""
RATE_SHAPE, DROPOUT = 1.2, (1.0, 20.0)
ONE_TIME_SHARE = 0.25
REFUND_SHARE = 0.03
SPEND_SIGMA, MEDIAN_SPEND = 0.9, 40.0
LINES_AN_ORDER = 2.0
WEEKDAYS = (0.9, 0.9, 0.95, 1.0, 1.15, 1.25, 0.85)


@dataclass(frozen=True)
class Shape:
    """What a log looks like.

    Attributes
    ----------
    customers, purchases, years
        Its size; `purchases` are its rows, refunds among them.
    seed
        The same seed and sizes make the same log.
    start
        Its first day.
    orders, products
        Whether rows are lines of orders with an `order_id`, and whether they name a `product_id` and its `category`.
    """

    customers: int
    purchases: int
    years: float = 2.0
    seed: int = 7
    start: date = date(2024, 1, 1)
    orders: bool = False
    products: bool = False

    @property
    def days(self) -> int:
        """Length in days."""
        return math.ceil(self.years * 365.25)


@dataclass(frozen=True)
class Population:
    """Customers in the order of their first day: that day, their last one, purchases a unit of season, mean spend."""

    first: IntArray
    last: IntArray
    lapsed: NDArray[np.bool_]
    rate: FloatArray
    spend: FloatArray


def season(shape: Shape) -> FloatArray:
    """Return how busy each day is (days,), on average about 1: a yearly wave with a crest in December, weekdays."""
    dates = [shape.start + timedelta(days=i) for i in range(shape.days)]
    crest = np.cos(2 * np.pi * (np.array([day.timetuple().tm_yday for day in dates]) - 345) / 365.25)
    weekday = np.array([WEEKDAYS[day.weekday()] for day in dates])
    wave: FloatArray = (1 + 0.15 * crest + 0.15 * crest**3) * weekday
    return wave


def population(shape: Shape, busy: FloatArray, rng: np.random.Generator) -> Population:
    """Draw the customers, and scale their rates so that they make the purchases that are asked for.

    Raises
    ------
    ValueError
        No rate brings so many purchases, or each customer's first purchase alone is too many.
    """
    n = shape.customers
    arrivals = (1 + GROWTH * np.arange(shape.days) / 365.25) * busy
    first = np.sort(rng.choice(shape.days, size=n, p=arrivals / arrivals.sum())).astype(np.int64)
    rate = np.maximum(rng.gamma(RATE_SHAPE, size=n), 1e-9)
    dropout = np.clip(rng.beta(*DROPOUT, size=n), 1e-6, 1.0)
    # Whoever buys once drops out at once; the others when their clock has run for life / rate.
    life = np.where(rng.random(n) < ONE_TIME_SHARE, 0.0, rng.exponential(size=n) / dropout)
    spend = MEDIAN_SPEND * np.exp(rng.normal(0.0, SPEND_SIGMA, size=n))
    clock = np.concatenate([[0.0], np.cumsum(busy)])
    lines = LINES_AN_ORDER if shape.orders else 1.0
    wanted = shape.purchases / lines / (1 + REFUND_SHARE)
    low, high = 1e-9, 1e6
    for _ in range(48):
        scale = np.sqrt(low * high)
        drawn = _lives(first, rate * scale, dropout, life, clock)
        made = _purchases(drawn, clock)
        low, high = (scale, high) if made < wanted else (low, scale)
    if abs(made / wanted - 1) > 0.01:
        raise ValueError(f"{n} customers make between {n} and {made:.0f} purchases, not {wanted:.0f}: ask for others")
    return Population(**drawn, spend=spend)


def _lives(first: IntArray, rate: FloatArray, dropout: FloatArray, life: FloatArray, clock: FloatArray) -> dict:
    """Return each customer's last day, whether they drop out on it, and the rate of purchases that they survive."""
    death = clock[first + 1] + life / rate
    last = np.searchsorted(clock, death, side="left") - 1
    days = len(clock) - 1
    lapsed = (last < days) & (life > 0)
    last = np.where(life > 0, np.minimum(np.maximum(last, first + 1), days - 1), first)
    return {"first": first, "last": last, "lapsed": lapsed & (last > first), "rate": rate * (1 - dropout)}


def _purchases(drawn: dict, clock: FloatArray) -> float:
    """Return the expected number of purchases of all customers."""
    running = np.maximum(clock[drawn["last"] + 1] - clock[drawn["first"] + 1], 0.0)
    return float(len(running) + drawn["lapsed"].sum() + drawn["rate"] @ running)


def daily_buyers(people: Population, busy: FloatArray, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield the positions of each day's buyers, a customer as often as they buy.

    How many of them survive their purchase is the expected number, not a draw: sums then meet what was asked for.
    """
    by_death = np.argsort(np.where(people.lapsed, people.last, len(busy)), kind="stable")
    deaths = np.searchsorted(people.last[by_death][: people.lapsed.sum()], np.arange(len(busy) + 1))
    known = np.searchsorted(people.first, np.arange(len(busy) + 1))
    owed = 0.0
    room = np.empty(len(people.rate))
    for day, pace in enumerate(busy):
        cumulated = room[: known[day]]
        np.multiply(people.rate[: known[day]], people.last[: known[day]] >= day, out=cumulated)
        np.cumsum(cumulated, out=cumulated)
        owed += float(cumulated[-1]) * pace if len(cumulated) else 0.0
        count = round(owed)
        owed -= count
        points = rng.random(count) * (cumulated[-1] if count else 0.0)
        # Looked up in their order, neighbours find what was read just before.
        order = np.argsort(points)
        bought = np.empty(count, dtype=np.int64)
        bought[order] = np.searchsorted(cumulated, points[order], side="right")
        bought = np.minimum(bought, max(known[day] - 1, 0))
        new = np.arange(known[day], known[day + 1])
        yield np.concatenate([new, by_death[deaths[day] : deaths[day + 1]], bought])
