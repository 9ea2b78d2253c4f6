"""The outlook: how long the outcome window of each training row is, and what level its snapshot had."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """What is known of the outcome windows of n training rows; every field has shape (n,).

    Attributes
    ----------
    snapshot
        Label of the row's as-of date and window length.
    ahead
        Length of the outcome window over the length that is predicted.
    spend, orders
        Level of the snapshot: what happened over what BTYD expected.
    rate
        Share of active customers in the snapshot.
    spend_growth, orders_growth
        What BTYD expects of the customer in the row's window over what it expects in the length that is predicted.
    active
        BTYD's probability of being active in the row's window.
    weight
        What each row counts; None where all count the same.
    """

    snapshot: NDArray[np.int64]
    ahead: FloatArray
    spend: FloatArray
    orders: FloatArray
    rate: FloatArray
    spend_growth: FloatArray
    orders_growth: FloatArray
    active: FloatArray
    weight: FloatArray | None = None

    @classmethod
    def plain(cls, rows: int, rate: float = 0.5, active: FloatArray | None = None) -> Self:
        """Return one snapshot at level 1 whose windows are all of the length that is predicted."""
        ones = np.ones(rows)
        return cls(
            np.zeros(rows, dtype=np.int64),
            ones,
            ones,
            ones,
            rate * ones,
            ones,
            ones,
            ones if active is None else active,
        )

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Rows whose window has the length that is predicted."""
        whole: NDArray[np.bool_] = self.ahead == 1.0
        return whole

    def part(self, rows: NDArray[np.bool_]) -> Self:
        """Return the outlook of some rows."""
        weight = None if self.weight is None else self.weight[rows]
        others = {name: values[rows] for name, values in vars(self).items() if name != "weight"}
        return type(self)(**others, weight=weight)
