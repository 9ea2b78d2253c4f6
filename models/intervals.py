"""Intervals around expected spend: quantiles of what happened over what was expected, by size of the forecast."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEVELS = (0.1, 0.5, 0.8, 0.9)
ROWS_A_BIN = 400
FEWEST_BINS, MOST_BINS = 5, 40
SMALLEST_FORECAST = 1e-9


class SpendIntervals:
    """Quantiles of spend over its forecast, interpolated in the logarithm of the forecast.

    The 80 % interval is [10 %, 90 %], or [0, 80 %] where the 10 % quantile is 0. Quantiles of one bin are in order and
    interpolation keeps them so: nothing crosses, nothing is negative.
    """

    def fit(self, forecast: FloatArray, spend: FloatArray) -> Self:
        """Learn the quantiles.

        Parameters
        ----------
        forecast
            Expected spend (n,) of training windows, with the error of the level left in.
        spend
            Net spend (n,) of the same windows, not negative.

        Returns
        -------
        Self
            With `centres_`, mean logarithm of the forecast in each bin, and `ratios_` (bins, 4), of `LEVELS`.
        """
        logs = np.log(np.maximum(forecast, SMALLEST_FORECAST))
        order = np.argsort(logs, kind="stable")
        bins = int(np.clip(len(logs) // ROWS_A_BIN, FEWEST_BINS, MOST_BINS))
        parts = [part for part in np.array_split(order, bins) if len(part)]
        ratio = spend / np.exp(logs)
        self.centres_ = np.array([logs[part].mean() for part in parts])
        self.ratios_ = np.array([np.quantile(ratio[part], LEVELS) for part in parts])
        return self

    def predict(self, forecast: FloatArray) -> dict[str, FloatArray]:
        """Return `low`, `median` and `high` (n,) around forecasts (n,)."""
        logs = np.log(np.maximum(forecast, SMALLEST_FORECAST))
        low, median, upper, high = (
            np.interp(logs, self.centres_, self.ratios_[:, i]) * forecast for i in range(len(LEVELS))
        )
        return {"low": low, "median": median, "high": np.where(low > 0, high, upper)}

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted quantiles as plain data."""
        return {"centres": self.centres_.tolist(), "ratios": self.ratios_.tolist()}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted quantiles that `to_dict` described."""
        intervals = cls()
        intervals.centres_ = np.array(fitted["centres"])
        intervals.ratios_ = np.array(fitted["ratios"])
        return intervals
