"""Resampling: metrics of predictions on customers drawn anew, the same ones for every prediction (paired bootstrap).

Customers are drawn in blocks, into which a hash of their id puts them: one block brings the same customers with it at
every as-of date and for every prediction, whatever the order of rows. Sums over blocks are sums of independent
customers, so that the spread over draws of blocks is that over draws of customers (Efron & Tibshirani 1993, An
Introduction to the Bootstrap, chapter 8, on resampling units of dependent data), at a cost that does not grow with
draws times customers. Ranks are taken to `BINS` parts of all customers.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

METRICS = ("mae", "rmse", "gini", "bias", "auc", "log_loss")
"""What two models are compared by; of `bias` its distance from 0."""
DRAWS, BLOCKS, BINS = 1_000, 1_000, 500
SEED = 0
SMALLEST = 1e-6


class Resampling:
    """Draws of customers, the same for whatever is measured on them.

    Parameters
    ----------
    draws, blocks, seed
        How many draws of how many blocks; where they begin.

    Attributes
    ----------
    weights
        How often each block is in each draw (draws + 1, blocks). The first draw is everybody once.
    """

    def __init__(self, draws: int = DRAWS, blocks: int = BLOCKS, seed: int = SEED) -> None:
        drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1.0 / blocks), size=draws)
        self.weights: FloatArray = np.vstack([np.ones(blocks), drawn])

    def metrics(self, actual: pd.DataFrame, predicted: pd.DataFrame) -> dict[str, FloatArray]:
        """Return `METRICS` of a prediction for each draw (draws + 1,), NaN where one is not defined.

        Parameters
        ----------
        actual
            `net_spend` and `churned`, n rows, with `customer_id` in the index.
        predicted
            `expected_spend` and `churn_probability`, same rows.
        """
        blocks = self._blocks(actual)
        spend, churned = _floats(actual["net_spend"]), _floats(actual["churned"])
        expected, probability = _floats(predicted["expected_spend"]), _floats(predicted["churn_probability"])
        customers, total = self._sums(np.ones(len(spend)), blocks), self._sums(spend, blocks)
        error = expected - spend
        inside = np.clip(probability, SMALLEST, 1.0 - SMALLEST)
        surprise = -np.log(np.where(churned > 0, inside, 1.0 - inside))
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {
                "mae": self._sums(np.abs(error), blocks) / customers,
                "rmse": np.sqrt(self._sums(error**2, blocks) / customers),
                "gini": self._order(spend, expected, blocks) / self._order(spend, spend, blocks),
                "bias": np.abs(self._sums(expected, blocks) / total - 1.0),
                "auc": self._auc(churned, probability, blocks),
                "log_loss": self._sums(surprise, blocks) / customers,
            }
        return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}

    def _blocks(self, actual: pd.DataFrame) -> IntArray:
        ids = actual.index.get_level_values("customer_id").to_numpy(dtype=object)
        blocks: IntArray = (pd.util.hash_array(ids) % self.weights.shape[1]).astype(np.int64)
        return blocks

    def _sums(self, values: FloatArray, blocks: IntArray) -> FloatArray:
        sums: FloatArray = self.weights @ np.bincount(blocks, values, minlength=self.weights.shape[1])
        return sums

    def _auc(self, churned: FloatArray, probability: FloatArray, blocks: IntArray) -> FloatArray:
        gone, everybody = self._sums(churned, blocks), self._sums(np.ones(len(churned)), blocks)
        # Ranked at random, half of the pairs of one who churned and one who stayed are in order; `_order` counts how
        # many more are (Mann & Whitney 1947).
        pairs = self._order(churned, probability, blocks) + gone * (everybody - gone) / 2.0
        auc: FloatArray = pairs / (gone * (everybody - gone))
        return auc

    def _order(self, values: FloatArray, ranking: FloatArray, blocks: IntArray) -> FloatArray:
        """Return the sum of values times the distance of their rank from the middle, ties and bins sharing a rank."""
        bins = ((rankdata(ranking) - 0.5) / len(ranking) * BINS).astype(np.int64)
        number = self._by_bin(np.ones(len(values)), bins, blocks)
        held = self._by_bin(values, bins, blocks)
        middle = np.cumsum(number, axis=1) - number / 2.0
        order: FloatArray = (held * (middle - number.sum(axis=1, keepdims=True) / 2.0)).sum(axis=1)
        return order

    def _by_bin(self, values: FloatArray, bins: IntArray, blocks: IntArray) -> FloatArray:
        width = self.weights.shape[1]
        table = np.bincount(bins * width + blocks, values, minlength=BINS * width).reshape(BINS, width)
        summed: FloatArray = self.weights @ table.T
        return summed


def _floats(column: pd.Series) -> FloatArray:
    values: FloatArray = column.to_numpy(dtype=np.float64)
    return values
