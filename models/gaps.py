"""The gap curve: how likely a pause is to go on, learnt from the pauses of all customers, and what it says of one."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRIOR_GAPS = 2.0
"""Gaps of the average customer that count beside a customer's own."""
GAPS = (
    "gap_survival",
    "gap_due",
    "gap_beyond_share",
    "gap_ahead_share",
    "gap_shrunk",
    "recency_in_shrunk",
    "window_in_shrunk",
)


class GapCurve:
    """Kaplan-Meier estimate of the gap between purchase days, the present silence of each customer being censored.

    Kaplan & Meier (1958), Journal of the American Statistical Association 53, 457-481.
    """

    def fit(self, counts: pd.DataFrame) -> Self:
        """Estimate the curve.

        Parameters
        ----------
        counts
            `days`, `ended` (gaps of that length), `open` (silences of that length), one row a length.

        Returns
        -------
        Self
            With `survival_` (longest + 1,), the share of gaps longer than each number of days from 0 on, and
            `mean_`, the mean gap that has ended, in days.
        """
        days = counts["days"].to_numpy(dtype=np.int64)
        size = int(days.max(initial=0)) + 1
        ended = np.bincount(days, weights=counts["ended"].to_numpy(dtype=np.float64), minlength=size)
        begun = np.bincount(days, weights=counts["open"].to_numpy(dtype=np.float64), minlength=size) + ended
        at_risk = np.cumsum(begun[::-1])[::-1]
        self.survival_: FloatArray = np.asarray(np.cumprod(1.0 - ended / np.maximum(at_risk, 1.0)), dtype=np.float64)
        self.mean_ = float(ended @ np.arange(size) / ended.sum()) if ended.any() else float(size)
        return self

    def survival(self, days: FloatArray) -> FloatArray:
        """Return the share of gaps longer than so many days (n,); beyond the longest one seen, that of the longest."""
        place = np.minimum(days, len(self.survival_) - 1).astype(np.int64)
        longer: FloatArray = np.maximum(self.survival_[place], 1e-6)
        return longer

    def features(self, customers: pd.DataFrame, window_days: int) -> pd.DataFrame:
        """Return what the curve says of customers, their own gaps counted beside `PRIOR_GAPS` of the average one.

        Parameters
        ----------
        customers
            `recency_days`, `tenure_days`, `purchase_days`, `gaps_beyond` and `gaps_ahead`, n rows.
        window_days
            Length of the outcome window.

        Returns
        -------
        DataFrame, same index
            `GAPS`: the curve at the present silence; how likely it is to end within the window; the shares of the
            customer's gaps that were longer than it, and of those the ones that ended within the window; the mean gap;
            silence and window in mean gaps.
        """
        silence, number = customers["recency_days"].to_numpy(), customers["purchase_days"].to_numpy() - 1.0
        beyond, ahead = customers["gaps_beyond"].to_numpy(), customers["gaps_ahead"].to_numpy()
        survival = self.survival(silence)
        due = 1.0 - self.survival(silence + window_days) / survival
        total = customers["tenure_days"].to_numpy() - silence
        mean = (total + PRIOR_GAPS * self.mean_) / (number + PRIOR_GAPS)
        values = (
            survival,
            due,
            (beyond + PRIOR_GAPS * survival) / (number + PRIOR_GAPS),
            (ahead + PRIOR_GAPS * due) / (beyond + PRIOR_GAPS),
            mean,
            silence / (mean + 1.0),
            window_days / (mean + 1.0),
        )
        return pd.DataFrame(dict(zip(GAPS, values, strict=True)), index=customers.index)

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted curve as plain data."""
        return {"survival": self.survival_.tolist(), "mean": self.mean_}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted curve that `to_dict` described."""
        curve = cls()
        curve.survival_, curve.mean_ = np.array(fitted["survival"]), float(fitted["mean"])
        return curve
