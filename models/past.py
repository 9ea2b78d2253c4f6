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
        self._sums: dict[Asked, dict[str, int]] = {one: {} for one in asked}
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
        states = _States.of(diaries, self._cuts)
        for (as_of, days), sums in self._sums.items():
            for name, values in self._window(states, _day(as_of), days).items():
                sums[name] = sums.get(name, 0) + _exact(values)

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

    def _window(self, states: "_States", day: int, days: int) -> dict[str, FloatArray]:
        """Return what is summed of each customer who had bought before a day (n,)."""
        begin, before, after = (int(np.searchsorted(self._cuts, cut)) for cut in (day, day - days, day + days))
        who = np.flatnonzero(states.purchases[begin])
        cuts = (before, begin, after)
        net, bought = ({cut: values[cut][who] for cut in cuts} for values in (states.net, states.purchases))
        expected = self.btyd.predict(
            pd.DataFrame(
                {
                    DAYS: bought[begin],
                    RECENCY: day - states.last[begin][who],
                    TENURE: day - states.first[who],
                    SPEND: np.maximum(net[begin], 0.0) / MONEY_SCALE,
                }
            ),
            days,
        )
        spans = {"happened": (begin, after), "before": (before, begin)}
        found = {"customers": np.ones(len(who))} | {
            f"expected {name}": expected[name].to_numpy() for name in QUANTITIES
        }
        for part, (start, end) in spans.items():
            orders = bought[end] - bought[start]
            found[f"{part} spend"] = np.maximum(net[end] - net[start], 0.0) / MONEY_SCALE
            found |= {f"{part} orders": orders, f"{part} active": (orders > 0).astype(np.float64)}
        return found


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
        sums = np.bincount(place, weights=net, minlength=size).reshape(shape)
        counts = np.bincount(place[bought], minlength=size).reshape(shape).astype(np.float64)
        last, first = np.full(size, np.iinfo(np.int64).min), np.full(customers, np.iinfo(np.int64).max)
        np.maximum.at(last, place[bought], at[bought])
        np.minimum.at(first, whose[bought], at[bought])
        last = np.maximum.accumulate(last.reshape(shape), axis=0)
        return cls(np.cumsum(sums, axis=0), np.cumsum(counts, axis=0), last, first)


def _day(day: date) -> int:
    return (day - EPOCH).days


def _exact(values: FloatArray) -> int:
    """Return the sum of numbers in whole parts of `FINEST` to one."""
    whole = np.floor(values)
    parts = np.rint((values - whole) * FINEST).astype(np.int64)
    return int(whole.astype(np.int64).sum()) * FINEST + int(parts.sum())
