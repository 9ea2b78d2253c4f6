"""The median of spend: nothing where a customer rather stays away, else the quantile of buyers that is left."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

GRID = np.round(np.arange(0.01, 1.0, 0.01), 2)
"""Quantiles that are kept."""
BUYERS_A_BIN = 2_500
FEWEST_BINS, MOST_BINS = 5, 40
RAREST, SMALLEST_SPEND = 1e-3, 1e-9
"""Least probability of a purchase by which spend is divided, and least spend of which a logarithm is taken."""


class SpendMedian:
    """The median of a mixture: nothing with the churn probability, else what buyers spend beside what is expected.

    With p the probability of a purchase, a customer who buys is expected to spend the forecast over p. What past buyers
    spent over the same has quantiles, by its size; of these the one at (1/2 - (1 - p)) / p halves all customers who are
    alike.
    """

    def fit(self, forecast: FloatArray, active: FloatArray, spend: FloatArray, bought: NDArray[np.bool_]) -> Self:
        """Learn what buyers spend.

        Parameters
        ----------
        forecast, active
            Expected spend and probability of a purchase (n,) of past windows, each at its own level.
        spend
            Net spend (n,) of the same windows, not negative.
        bought
            Who bought anything (n,).

        Returns
        -------
        Self
            With `centres_`, mean logarithm in each bin of what was expected of its buyers, and `ratios_` (bins, 99), of
            `GRID`; one bin of zeros where nobody bought.
        """
        expected = _as_buyers(forecast, active)[bought]
        if not len(expected):
            self.centres_, self.ratios_ = np.zeros(1), np.zeros((1, len(GRID)))
            return self
        order = np.argsort(expected, kind="stable")
        bins = int(np.clip(len(expected) // BUYERS_A_BIN, FEWEST_BINS, MOST_BINS))
        parts = [part for part in np.array_split(order, bins) if len(part)]
        ratio = spend[bought] / expected
        self.centres_ = np.array([np.log(expected[part]).mean() for part in parts])
        self.ratios_ = np.array([np.quantile(ratio[part], GRID) for part in parts])
        return self

    def predict(self, forecast: FloatArray, active: FloatArray) -> FloatArray:
        """Return the median of spend (n,), from expected spend and the probability of a purchase (n,)."""
        share = (active - 0.5) / np.maximum(active, RAREST)
        place, beyond = _between(np.clip(share * (len(GRID) + 1) - 1.0, 0.0, len(GRID) - 1.0))
        size = np.interp(np.log(_as_buyers(forecast, active)), self.centres_, np.arange(len(self.centres_)))
        bins, further = _between(size)

        def ratio(chosen: NDArray[np.int64]) -> FloatArray:
            found: FloatArray = self.ratios_[chosen, place]
            return found + (self.ratios_[chosen, np.minimum(place + 1, len(GRID) - 1)] - found) * beyond

        ratios = ratio(bins)
        ratios = ratios + (ratio(np.minimum(bins + 1, len(self.centres_) - 1)) - ratios) * further
        median: FloatArray = np.where(share > 0, ratios * forecast / np.maximum(active, RAREST), 0.0)
        return median

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted quantiles as plain data."""
        return {"centres": self.centres_.tolist(), "ratios": self.ratios_.tolist()}

    @classmethod
    def from_dict(cls, fitted: dict[str, Any]) -> Self:
        """Make the fitted quantiles that `to_dict` described."""
        median = cls()
        median.centres_ = np.array(fitted["centres"])
        median.ratios_ = np.array(fitted["ratios"])
        return median


def _as_buyers(forecast: FloatArray, active: FloatArray) -> FloatArray:
    """Return what is expected of customers if they buy (n,)."""
    expected: FloatArray = np.maximum(forecast / np.maximum(active, RAREST), SMALLEST_SPEND)
    return expected


def _between(place: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the whole part of places from 0 on, and how far they are from there to the next."""
    whole = place.astype(np.int64)
    return whole, place - whole
