"""The level: season and growth move all customers at once; forecast for each as-of date, never left to the trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from models.histories import DAYS, RECENCY, TENURE

if TYPE_CHECKING:
    from models.btyd import BTYD

FADING_DAYS = 180
YEARLY_WINDOW_DAYS = 350
PRIOR_BUYERS = 20.0
"""Buyers that count as if they had done what was expected of them: so much noise a level is thought to have."""
PRIOR_SPENDERS = 100.0
"""Buyers that it takes for the level of spend to count as much as that of orders: a few large orders move it."""
FEWEST_ORDERS = 0.1
"""Share of the median level of orders below which a window tells nothing."""
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
        """Return what happened over what was expected, as if a few more customers had done what was expected of them.

        So a few buyers are no evidence of a level, and a level is never 0; 1 where nothing was expected.
        """
        happened, expected, buyers = self.happened[quantity], self.expected[quantity], self.expected["active"]
        if expected <= 0 or buyers <= 0:
            return 1.0
        prior = expected / buyers * PRIOR_BUYERS
        return (happened + prior) / (expected + prior)

    def telling(self, quantity: str) -> float:
        """Return what of a level tells of the next one: that of spend leans on that of orders, the more the fewer buy.

        Customers come and stay away together; that some of them spent a lot is luck, and it does not come again.
        """
        level, buyers = self.level(quantity), self.expected["active"]
        if quantity != "spend" or buyers <= 0:
            return level
        lasting = buyers / (buyers + PRIOR_SPENDERS)
        return float(level**lasting * self.level("orders") ** (1.0 - lasting))


class Dates(Protocol):
    """The dates of a forecast: `features.window.Schedule` says what each is."""

    @property
    def as_of(self) -> date: ...  # noqa: D102
    @property
    def cutoffs(self) -> Sequence[date]: ...  # noqa: D102
    @property
    def last_year(self) -> date | None: ...  # noqa: D102
    @property
    def year_before(self) -> date | None: ...  # noqa: D102
    @property
    def settled(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Level:
    """The forecast level of one as-of date: factors on BTYD's totals, and the rule that gave them."""

    spend: float
    orders: float
    active: float
    rule: str


def windows(groups: pd.DataFrame, btyd: "BTYD", window_days: int) -> dict[date, Window]:
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

    def forecast(self, found: Mapping[date, Window], dates: Dates) -> Level:
        """Forecast the level of an as-of date.

        With a year behind last year's windows there are three opinions: the level of this season a year ago; the newest
        level times last year's change from that season to this one; and the recent level. The first ignores growth, the
        second is noisy, the third ignores the season. The forecast lies halfway, on the logarithmic scale, between the
        mean of the two seasonal ones and the median of all three.

        Parameters
        ----------
        found
            Windows by as-of date; a date on which nobody was a customer yet has none.
        dates
            The dates that count, such as a `features.window.Schedule`.
        """
        past = [found[day] for day in self.telling(found, dates.cutoffs) if day in found]
        if self.extrapolates or not past:
            return Level(1.0, 1.0, 1.0, "BTYD as it is: the horizon is longer than the windows")
        if self.window_days >= YEARLY_WINDOW_DAYS:
            factors = {quantity: self.recent(past, quantity) for quantity in QUANTITIES}
            return Level(**factors, rule="recent yearly windows, shrunk towards BTYD")
        last_year = found.get(dates.last_year) if dates.last_year else None
        if last_year is None:
            return Level(1.0, 1.0, 1.0, "BTYD as it is: there is no last year")
        if dates.settled:
            factors = {quantity: last_year.telling(quantity) for quantity in QUANTITIES}
            return Level(**factors, rule="the same season last year")
        before = found.get(dates.year_before) if dates.year_before else None
        if before is None:
            factors = {quantity: self._young(quantity, past, found[dates.as_of], last_year) for quantity in QUANTITIES}
            return Level(**factors, rule="the same season of a young last year")
        factors = {quantity: self._seasonal(quantity, past, last_year, before) for quantity in QUANTITIES}
        return Level(**factors, rule="the same season last year, and how the level has changed since")

    def telling(self, found: Mapping[date, Window], cutoffs: Sequence[date]) -> tuple[date, ...]:
        """Return the cut-offs but for those of a year in which next to nobody bought.

        Where dates are known by the year alone, 364 days may lie between two of them. In windows shorter than a year
        that may be the season.
        """
        orders = {day: found[day].level("orders") for day in cutoffs if day in found}
        if self.window_days < YEARLY_WINDOW_DAYS or not orders:
            return tuple(cutoffs)
        fewest = FEWEST_ORDERS * float(np.median(list(orders.values())))
        return tuple(day for day in cutoffs if orders.get(day, fewest) >= fewest)

    def recent(self, past: Sequence[Window], quantity: str) -> float:
        """Return the geometric mean of the levels of past windows, fading by e in 180 days and shrunk towards 1.

        What it is shrunk by counts the windows that do not overlap: n of them leave n/(n + 1) of its logarithm.
        """
        ages = np.array([(past[0].as_of - window.as_of).days for window in past])
        logs = np.log([window.telling(quantity) for window in past])
        n = 1.0 + (len(past) - 1) * self.step_days / self.window_days
        return float(np.exp(np.average(logs, weights=np.exp(-ages / FADING_DAYS)) * n / (n + 1.0)))

    def _seasonal(self, quantity: str, past: Sequence[Window], last_year: Window, before: Window) -> float:
        level = last_year.telling(quantity)
        changed = past[0].telling(quantity) * level / before.telling(quantity)
        median = float(np.median([self.recent(past, quantity), level, changed]))
        return float(np.sqrt(np.sqrt(level * changed) * median))

    def _young(self, quantity: str, past: Sequence[Window], now: Window, last_year: Window) -> float:
        """Return the median of recent level, last year's, and last year's growth into the window: one may be wild."""
        level = last_year.telling(quantity)
        before, expected = last_year.before[quantity], now.expected[quantity]
        if before <= 0 or expected <= 0:
            return level
        growth = now.before[quantity] * last_year.happened[quantity] / before / expected
        return float(np.median([self.recent(past, quantity), level, growth])) if growth > 0 else level
