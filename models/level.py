"""The level: season and growth move all customers at once; forecast for each as-of date, never left to the trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.btyd import BTYD, DAYS, RECENCY, TENURE

FADING_DAYS = 180
YEARLY_WINDOW_DAYS = 350
QUANTITIES = ("spend", "orders", "active")


@dataclass(frozen=True)
class Window:
    """What happened in one outcome window beside what BTYD expected, summed over all eligible customers.

    Attributes
    ----------
    as_of
        Start of the window.
    customers
        Eligible customers.
    happened, expected, before
        By `QUANTITIES`: money, purchase days and buying customers in the window; BTYD's expectation of them; and the
        same in the window before the as-of date.
    """

    as_of: date
    customers: float
    happened: dict[str, float]
    expected: dict[str, float]
    before: dict[str, float]

    def level(self, quantity: str) -> float:
        """Return what happened over what was expected, 1 where nothing was expected or nothing happened."""
        happened, expected = self.happened[quantity], self.expected[quantity]
        return happened / expected if happened > 0 and expected > 0 else 1.0


@dataclass(frozen=True)
class Level:
    """The forecast level of one as-of date: factors on BTYD's totals, and the rule that gave them."""

    spend: float
    orders: float
    active: float
    rule: str


def windows(groups: pd.DataFrame, btyd: BTYD, window_days: int) -> dict[date, Window]:
    """Sum customer groups into windows.

    Parameters
    ----------
    groups
        `as_of`, `purchase_days`, `recency_days`, `tenure_days`, `customers`, `spend`; of the window `net_spend`,
        `purchases`, `active`; of the window before `spend_before`, `purchases_before`, `active_before`.
    btyd
        The fitted model.
    window_days
        Length of the windows.
    """
    found = {}
    # Sums of numbers with a fraction depend on their order in the last bits, and an engine's groups come in any order.
    ordered = groups.sort_values(["as_of", DAYS, RECENCY, TENURE])
    for start, rows in ordered.groupby("as_of", sort=True):
        as_of = pd.Timestamp(start).date()
        sums = rows.sum(numeric_only=True)
        names = zip(QUANTITIES, ("net_spend", "purchases", "active"), strict=True)
        before = zip(QUANTITIES, ("spend_before", "purchases_before", "active_before"), strict=True)
        found[as_of] = Window(
            as_of,
            customers=float(sums["customers"]),
            happened={quantity: float(sums[name]) for quantity, name in names},
            expected=btyd.totals(rows, window_days),
            before={quantity: float(sums[name]) for quantity, name in before},
        )
    return found


@dataclass(frozen=True)
class LevelRule:
    """How the level is forecast from past windows; everything but the windows themselves.

    Attributes
    ----------
    window_days
        Length of the past windows.
    step_days
        Days from one to the next.
    extrapolates
        Whether the horizon is longer than the windows.
    """

    window_days: int
    step_days: int
    extrapolates: bool

    def forecast(self, past: Sequence[Window], now: Window, last_year: Window | None, settled: bool) -> Level:
        """Forecast the level of an as-of date.

        Parameters
        ----------
        past
            Complete windows, newest first.
        now
            The as-of date itself; its outcome is not used.
        last_year
            The window 364 days earlier where it is complete and has history before it.
        settled
            Whether two years lie before last year's date: its level then stands on a settled base, and is taken alone.
        """
        if self.extrapolates or not past:
            return Level(1.0, 1.0, 1.0, "BTYD as it is: the horizon is longer than the windows")
        if self.window_days >= YEARLY_WINDOW_DAYS:
            n = 1.0 + (len(past) - 1) * self.step_days / self.window_days
            factors = {quantity: recent(past, quantity) ** (n / (n + 1.0)) for quantity in QUANTITIES}
            return Level(**factors, rule="recent yearly windows, shrunk towards BTYD")
        if last_year is not None:
            factors = {quantity: _seasonal(quantity, past, now, last_year, settled) for quantity in QUANTITIES}
            return Level(**factors, rule="the same season last year" + ("" if settled else " and the recent level"))
        return Level(1.0, 1.0, 1.0, "BTYD as it is: there is no last year")


def recent(past: Sequence[Window], quantity: str) -> float:
    """Return the geometric mean of the levels of past windows, fading by e in 180 days."""
    ages = np.array([(past[0].as_of - window.as_of).days for window in past])
    logs = np.log([window.level(quantity) for window in past])
    return float(np.exp(np.average(logs, weights=np.exp(-ages / FADING_DAYS))))


def _seasonal(quantity: str, past: Sequence[Window], now: Window, last_year: Window, settled: bool) -> float:
    level = last_year.level(quantity)
    before, expected = last_year.before[quantity], now.expected[quantity]
    if settled or before <= 0 or expected <= 0:
        return level
    growth = now.before[quantity] * last_year.happened[quantity] / before / expected
    return float(np.median([recent(past, quantity), level, growth])) if growth > 0 else level
