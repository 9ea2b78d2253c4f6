"""Customer lifetime value: each customer's survival and spend curve, discounted, times the margin.

Survival. MBG/NBD says with which probability a customer is alive t after the as-of date and still buys,

    S(t) = P(alive) · E_p[((alpha + T) / (alpha + T + p·t))^(r + x)],    p ~ Beta(a, b + x + 1),

and how many orders N(t) to expect by then, the integral of rate times survival (`models.dropout`).

Spend. Inside the horizon a customer spends what is predicted, level and pin included, at the times at which N grows.
Beyond it every further order is worth

    BTYD's order value · (1 + f·(own - 1)) · long run,

where `own` is the customer's predicted over BTYD's spend in the horizon, both without the horizon's level, so that
neither season nor pin is carried on; f halves with every year beyond the horizon, as what the trees saw in a customer
ages, and stays what it is in the middle of each year; and the long run is the level of past years (`models.long_run`).

Value. V = margin · integral of d(t) dM(t), M the spend by t and d(t) = (1 + discount)^(-t/year), over the lifetime: the
expected discounted sum of Fader, Hardie & Lee (2005), "RFM and CLV", Journal of Marketing Research 42(4), 415-430, cut
off where the lifetime ends. The integral is a sum over the horizon and the years after it, within which orders come
evenly; so V never falls where the lifetime grows, and a lifetime of the horizon is worth the horizon's spend.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.histories import DAYS_A_WEEK
from models.level import Level
from models.long_run import YEAR_DAYS, LongRun
from regulars.errors import RegularsError

if TYPE_CHECKING:
    from models.btyd import BTYD
    from models.pin import Pins

FloatArray = NDArray[np.float64]

DAYS_A_YEAR = 365.25
OWN_HALF_LIFE_DAYS = 365.25
"""In which what sets a customer apart from what BTYD expects counts half as much."""
SMALLEST = 1e-300
"""In place of no orders at all, of which there is no share."""
PARTS = ("value_horizon", "value_own", "value_btyd")


@dataclass(frozen=True)
class Economics:
    """What turns spend into value, and what it is weighed against.

    Attributes
    ----------
    margin
        Share of spend that is left after the cost of what was sold: a number; or, as text, where each customer's own
        comes from: a file of `category` and `margin`, or a column or expression of the log, in money a row. None: not
        known; what is called value is then discounted revenue.
    discount
        Yearly discount rate.
    lifetime_days
        How far ahead value counts.
    acquisition_cost
        What winning a customer cost: a number; or, as text, a file of `channel` and `cost`, or a column of the
        customers table. None: not known.
    """

    margin: float | str | None = None
    discount: float = 0.10
    lifetime_days: int = 1096
    acquisition_cost: float | str | None = None

    def __post_init__(self) -> None:
        margin, cost = self.margin, self.acquisition_cost
        if isinstance(margin, (int, float)) and not 0 < margin <= 1:
            raise RegularsError(f"margin {margin} is not a share above 0 and up to 1: 30 % is 0.3")
        if not 0 <= self.discount < 1:
            raise RegularsError(f"discount {self.discount} is not a yearly rate from 0 to below 1: 10 % is 0.1")
        if self.lifetime_days < 1:
            raise RegularsError(f"a lifetime of {self.lifetime_days} days is none: give at least 1")
        if isinstance(cost, (int, float)) and not 0 <= cost < float("inf"):
            raise RegularsError(f"an acquisition cost of {cost} is no amount of money: give 0 or more for a customer")

    @property
    def share(self) -> float:
        """The margin where it is one number, else 1: what customers have of their own comes later."""
        return float(self.margin) if isinstance(self.margin, (int, float)) else 1.0


@dataclass(frozen=True)
class Period:
    """A period ahead, in days after the as-of date: the horizon, or what follows of a year."""

    begin: int
    end: int

    def discounted(self, share: FloatArray, discount: float) -> FloatArray:
        """Return what 1 that comes evenly through the period is worth today, if it stops after a share of it (n,)."""
        force = np.log1p(discount) * (self.end - self.begin) / DAYS_A_YEAR
        worth: FloatArray = share if force == 0 else -np.expm1(-force * share) / force
        today: float = (1.0 + discount) ** (-self.begin / DAYS_A_YEAR)
        return today * worth


def periods(horizon_days: int, lifetime_days: int) -> list[Period]:
    """Return the horizon and the years after it until the lifetime is over, whole: the last one may outlast it."""
    ends = [horizon_days]
    while ends[-1] < lifetime_days:
        ends.append(YEAR_DAYS * (ends[-1] // YEAR_DAYS + 1))
    return [Period(begin, end) for begin, end in pairwise([0, *ends])]


class ExpectedOrders:
    """BTYD's expected orders of some customers by so many days ahead, each number of days asked of it once.

    Parameters
    ----------
    btyd
        The fitted model.
    customers
        `purchase_days`, `recency_days`, `tenure_days`, n rows.
    known
        Expected orders (n,) that are known already, by days.
    """

    def __init__(self, btyd: "BTYD", customers: pd.DataFrame, known: Mapping[int, FloatArray]) -> None:
        recency, tenure = (customers[name].to_numpy(dtype=np.float64) for name in ("recency_days", "tenure_days"))
        days = customers["purchase_days"].to_numpy(dtype=np.float64)
        self.history = days - 1, (tenure - recency) / DAYS_A_WEEK, tenure / DAYS_A_WEEK
        self.btyd = btyd
        self.known = {0: np.zeros(len(customers)), **known}

    def by(self, days: int) -> FloatArray:
        """Return expected orders by so many days ahead (n,)."""
        if days not in self.known:
            self.known[days] = self.btyd.dropout_.expected_purchases(days / DAYS_A_WEEK, *self.history)
        return self.known[days]

    def within(self, period: Period) -> FloatArray:
        """Return expected orders in a period (n,)."""
        return np.maximum(self.by(period.end) - self.by(period.begin), 0.0)

    def share(self, period: Period, lifetime_days: int) -> FloatArray:
        """Return which share of a period's orders comes within the lifetime (n,)."""
        whole = self.within(period)
        if period.end <= lifetime_days:
            return np.ones_like(whole)
        reached = self.by(lifetime_days) - self.by(period.begin)
        return np.clip(reached / np.maximum(whole, SMALLEST), 0.0, 1.0)


def value_parts(
    btyd: "BTYD",
    customers: pd.DataFrame,
    allocation: pd.DataFrame,
    horizon_days: int,
    long_run: LongRun,
    economics: Economics,
) -> pd.DataFrame:
    """Return what makes a customer's value once the pins are known, row by row.

    Parameters
    ----------
    btyd
        The fitted model.
    customers
        `purchase_days`, `recency_days`, `tenure_days`, n rows.
    allocation
        `spend`, `btyd_spend`, `btyd_orders` of the same customers in the horizon, before the pin.
    horizon_days
        Length of the outcome window.
    long_run
        The level beyond it.
    economics
        Margin, discount rate and lifetime.

    Returns
    -------
    DataFrame, same index
        `PARTS`, in money: the horizon's spend before the pin; beyond it, what goes with the customer's own spend, and
        what goes with BTYD's. All are discounted margin, none is negative, none falls where the lifetime grows.
    """
    orders = ExpectedOrders(btyd, customers, {horizon_days: allocation["btyd_orders"].to_numpy(dtype=np.float64)})
    ahead, *later = periods(horizon_days, economics.lifetime_days)
    # Period by period and not as a matrix product: last bits must not depend on who else is asked about.
    own, shared = np.zeros(len(customers)), np.zeros(len(customers))
    for period in later:
        share = orders.share(period, economics.lifetime_days)
        grown = orders.within(period) / np.maximum(orders.by(horizon_days), SMALLEST)
        counted = grown * (long_run.level(period.begin) * period.discounted(share, economics.discount))
        kept = 0.5 ** (((period.begin + period.end) / 2 - horizon_days) / OWN_HALF_LIFE_DAYS)
        own += kept * counted
        shared += (1.0 - kept) * counted
    inside = ahead.discounted(orders.share(ahead, economics.lifetime_days), economics.discount)
    spend, by_btyd = allocation["spend"].to_numpy(), allocation["btyd_spend"].to_numpy()
    parts = (spend * inside, spend * own, by_btyd * shared)
    return pd.DataFrame(
        {name: economics.share * part for name, part in zip(PARTS, parts, strict=True)}, index=allocation.index
    )


def value(parts: Any, pins: "Pins", level: Level, number: Callable[[float], Any] = float) -> Any:
    """Return lifetime value, in money: the parts pinned, the horizon's level on the horizon alone.

    Parameters
    ----------
    parts
        A table with `PARTS`, of pandas or of Ibis.
    pins, level
        Those of the as-of date.
    number
        Makes of a number what multiplies a column.
    """
    inside, own, shared = (parts[name] for name in PARTS)
    return inside * number(pins.spend) + own * number(pins.spend / level.spend) + shared
