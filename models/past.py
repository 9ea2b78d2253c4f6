"""The past: what happened in many windows beside what BTYD expected, counted in one look at each customer's days.

The days are cut into pieces where a window begins or ends, and what happened before each cut is added up: so a window
costs a few subtractions a customer, however many days there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.btyd import BTYD
from models.histories import DAYS, RECENCY, SPEND, TENURE
from models.level import QUANTITIES, Window

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

EPOCH = date(1970, 1, 1)
MONEY_SCALE = 10_000.0
FINEST = 2**40
"""Sums are kept in whole parts of so many to one, so that neither batches nor their order change a bit of them."""
Asked = tuple[date, int]
"""As-of date, and days of the window that begins there."""
CUSTOMERS_AT_A_TIME = 8_192
"""Customers whose sums before each cut stay in the processor's cache."""


class Past:
    """Windows, counted over customers who come in batches.

    Parameters
    ----------
    btyd
        The fitted model.
    asked
        As-of dates and lengths of the windows.
    """

    def __init__(self, btyd: BTYD, asked: Iterable[Asked]) -> None:
        self.btyd = btyd
        self._sums: dict[Asked, dict[str, int]] = {one: {} for one in sorted(set(asked))}
        self._dates: dict[int, list[date]] = {}
        for as_of, days in self._sums:
            self._dates.setdefault(days, []).append(as_of)
        edges = ((_day(as_of), days) for as_of, days in self._sums)
        self._cuts = np.unique([cut for day, days in edges for cut in (day - days, day, day + days)]).astype(np.int64)

    def add(self, diaries: Any) -> None:
        """Count a batch of customers.

        Parameters
        ----------
        diaries
            Arrow batch of lists of each customer's days: `at` (since 1970-01-01), `net` (ten-thousandths) and
            `purchase`.
        """
        for begin in range(0, len(diaries), CUSTOMERS_AT_A_TIME):
            states = _States.of(diaries.slice(begin, CUSTOMERS_AT_A_TIME), self._cuts)
            for days in self._dates:
                self._count(states, days)

    def windows(self) -> dict[Asked, Window]:
        """Return the windows; one at whose beginning nobody was a customer yet has none."""
        return {
            (as_of, days): Window(
                as_of,
                sums["customers"] / FINEST,
                *({name: sums[f"{part} {name}"] / FINEST for name in QUANTITIES} for part in PARTS),
            )
            for (as_of, days), sums in self._sums.items()
            if sums.get("customers")
        }

    def _count(self, states: "_States", days: int) -> None:
        """Count the customers of all windows of one length."""
        begins = np.array([_day(as_of) for as_of in self._dates[days]])
        before, begin, after = (np.searchsorted(self._cuts, begins + ahead) for ahead in (-days, 0, days))
        known = states.purchases[begin] > 0
        customers = known.sum(axis=1)
        if not customers.any():
            return
        net, bought = (
            [values[cut][known] for cut in (before, begin, after)] for values in (states.net, states.purchases)
        )
        summary = {
            DAYS: bought[1],
            RECENCY: (begins[:, None] - states.last[begin])[known],
            TENURE: (begins[:, None] - states.first)[known],
            SPEND: np.maximum(net[1], 0.0) / MONEY_SCALE,
        }
        expected = self.btyd.predict(pd.DataFrame(summary), days)
        found = {f"expected {name}": expected[name].to_numpy() for name in QUANTITIES}
        for part, place in (("happened", 1), ("before", 0)):
            orders = bought[place + 1] - bought[place]
            found[f"{part} spend"] = np.maximum(net[place + 1] - net[place], 0.0) / MONEY_SCALE
            found |= {f"{part} orders": orders, f"{part} active": (orders > 0).astype(np.float64)}
        found["customers"] = np.ones(len(orders))
        for name, values in found.items():
            for as_of, more in zip(self._dates[days], _exact(values, customers), strict=True):
                sums = self._sums[as_of, days]
                sums[name] = sums.get(name, 0) + more


PARTS = ("happened", "expected", "before")


@dataclass(frozen=True)
class _States:
    """What was known of n customers at each of several cuts.

    Attributes
    ----------
    net, purchases
        Net spend in ten-thousandths, and purchase days, before each cut (cuts, n).
    last
        Last purchase day before each cut (cuts, n); meaningless where there is none.
    first
        First purchase day (n,).
    """

    net: FloatArray
    purchases: FloatArray
    last: IntArray
    first: IntArray

    @classmethod
    def of(cls, diaries: Any, cuts: IntArray) -> Self:
        """Add up the days of a batch of customers."""
        customers, shape = len(diaries), (len(cuts) + 1, len(diaries))
        size = shape[0] * shape[1]
        at, net, bought = (diaries[name].flatten().to_numpy(zero_copy_only=False) for name in ("at", "net", "purchase"))
        whose = np.repeat(np.arange(customers), diaries["at"].value_lengths().to_numpy())
        at = at.astype(np.int64)
        begin, span = (int(at.min()), int(np.ptp(at)) + 1) if len(at) else (0, 1)
        # Days are few: which piece each belongs to is looked up.
        pieces = np.searchsorted(cuts, np.arange(begin, begin + span), side="right") * customers
        place = pieces[at - begin] + whose
        sums = np.bincount(place, weights=net, minlength=size).astype(np.float64, copy=False).reshape(shape)
        counts: FloatArray = np.bincount(place[bought], minlength=size).reshape(shape).astype(np.float64)
        last, first = np.full(size, np.iinfo(np.int64).min), np.full(customers, np.iinfo(np.int64).max)
        np.maximum.at(last, place[bought], at[bought])
        np.minimum.at(first, whose[bought], at[bought])
        last = last.reshape(shape)
        # Row by row: numpy goes down the columns, which lie far apart in memory.
        for cut in range(1, len(cuts)):
            sums[cut] += sums[cut - 1]
            counts[cut] += counts[cut - 1]
            np.maximum(last[cut], last[cut - 1], out=last[cut])
        return cls(sums, counts, last, first)


def _day(day: date) -> int:
    return (day - EPOCH).days


def _exact(values: FloatArray, counts: IntArray) -> list[int]:
    """Return the sums of so many numbers after each other, each in whole parts of `FINEST` to one."""
    whole = np.floor(values)
    parts = np.rint((values - whole) * FINEST).astype(np.int64)
    ends = np.cumsum(counts)
    wholes, rest = (np.concatenate([[0], np.cumsum(some)]) for some in (whole.astype(np.int64), parts))
    found = zip(*((sums[ends] - sums[ends - counts]).tolist() for sums in (wholes, rest)), strict=True)
    return [one * FINEST + other for one, other in found]
