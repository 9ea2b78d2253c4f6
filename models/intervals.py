"""Intervals around expected spend: quantiles of what happened over what was expected, by size of the forecast."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEVEL = 0.8
WIDEST_LEVEL = 0.98
NEAR, MOST_BACK = 0.7, 0.05
"""Bins in which this share of the level spends nothing begin to give back what others hold too much; each at most so
much of its own, or what bins hold too much on average where that is more."""
GRID = np.round(np.arange(0.01, 1.0, 0.01), 2)
"""Quantiles that are kept."""
ROWS_A_BIN = 2_500
"""So many outcomes tell a 10 % quantile's place to .6 points."""
FEWEST_BINS, MOST_BINS = 5, 40
SMALLEST_FORECAST = 1e-9


class SpendIntervals:
    """Quantiles of spend over its forecast, interpolated in the logarithm of the forecast.

    The 80 % interval is [10 %, 90 %], or [0, 80 %] where the 10 % quantile is 0; other levels alike. Quantiles of one
    bin are in order and interpolation keeps them so: nothing crosses, nothing is negative. Where more than 80 % spend
    nothing even [0, 0] holds more customers than it was asked to; bins in which nearly as many spend nothing give that
    back by ending earlier, so that all together hold what they should.
    """

    def fit(self, forecast: FloatArray, spend: FloatArray) -> Self:
        """Learn the quantiles.

        Parameters
        ----------
        forecast
            Expected spend (n,) of past windows, each at its own level.
        spend
            Net spend (n,) of the same windows, not negative.

        Returns
        -------
        Self
            With `centres_`, mean logarithm of the forecast in each bin, and `ratios_` (bins, 99), of `GRID`.
        """
        logs = np.log(np.maximum(forecast, SMALLEST_FORECAST))
        order = np.argsort(logs, kind="stable")
        bins = int(np.clip(len(logs) // ROWS_A_BIN, FEWEST_BINS, MOST_BINS))
        parts = [part for part in np.array_split(order, bins) if len(part)]
        ratio = spend / np.exp(logs)
        self.centres_ = np.array([logs[part].mean() for part in parts])
        self.ratios_ = np.array([np.quantile(ratio[part], GRID) for part in parts])
        return self

    def predict(self, forecast: FloatArray, level: float = LEVEL) -> dict[str, FloatArray]:
        """Return `low` and `high` (n,) around forecasts (n,).

        Parameters
        ----------
        forecast
            Expected spend.
        level
            Share of customers that the interval is to hold, above 0 and up to 0.98.

        Raises
        ------
        ValueError
            The level is outside of that.
        """
        if not 0.0 < level <= WIDEST_LEVEL:
            raise ValueError(f"an interval of level {level}: give a share above 0 and up to {WIDEST_LEVEL}")
        logs = np.log(np.maximum(forecast, SMALLEST_FORECAST))
        tail = (1.0 - level) / 2.0
        nothing = (self.ratios_ <= 0).mean(axis=1)
        one_sided = level - _given_back(nothing, level)
        low, upper, high = (
            np.interp(logs, self.centres_, self._quantile(share)) * forecast for share in (tail, one_sided, 1.0 - tail)
        )
        return {"low": low, "high": np.where(low > 0, high, upper)}

    def _quantile(self, share: FloatArray | float) -> FloatArray:
        """Return a quantile of every bin (bins,), the same one or each bin its own."""
        shares = np.broadcast_to(share, len(self.ratios_))
        return np.array([np.interp(at, GRID, ratios) for at, ratios in zip(shares, self.ratios_, strict=True)])

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


def _given_back(nothing: FloatArray, level: float) -> FloatArray:
    """Return by how much less than the level each bin is to hold (bins,), given the share that spends nothing."""
    too_much = float(np.maximum(nothing - level, 0.0).mean())
    near = np.clip((nothing / level - NEAR) / (1.0 - NEAR), 0.0, 1.0)
    # Below the share that spends nothing no interval can go.
    room = near * np.clip(level - nothing, 0.0, max(too_much, MOST_BACK))
    given: FloatArray = room * min(1.0, too_much / max(float(room.mean()), SMALLEST_FORECAST))
    return given
