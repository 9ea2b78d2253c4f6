"""The paired bootstrap: customers drawn again with replacement, the same ones for every rung.

A draw is how often each customer is in it. Every metric is then a weighted one: sums are products with the matrix of
draws, and ranks are running totals of them along an order that is sorted once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

METRICS = ("mae", "rmse", "gini", "spearman", "bias", "auc", "log_loss", "brier")
RESAMPLES = 200
AT_ONCE = 50
"""Draws in memory at a time."""
CLIP = 1e-6
"""Probabilities are kept from 0 and 1 by it, as in `training.metrics`."""

Draws = dict[str, dict[str, FloatArray]]
"""By rung and metric, its value in every draw."""


def bootstrap(
    actual: pd.DataFrame, predicted: Mapping[str, pd.DataFrame], resamples: int = RESAMPLES, seed: int = 0
) -> Draws:
    """Return every rung's metrics in draws of the customers of one window.

    Parameters
    ----------
    actual
        `net_spend` and `churned`, n rows.
    predicted
        By rung, `expected_spend` and `churn_probability`, n rows.
    resamples, seed
        How many draws, and their seed.
    """
    parts = [weighted_metrics(actual, predicted, counts) for counts in drawn(len(actual), resamples, seed)]
    return {
        rung: {name: np.concatenate([part[rung][name] for part in parts]) for name in METRICS} for rung in predicted
    }


def drawn(customers: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield how often each customer is in each draw (customers, at most `AT_ONCE`)."""
    rng = np.random.default_rng(seed)
    for begin in range(0, resamples, AT_ONCE):
        columns = [
            np.bincount(rng.integers(customers, size=customers), minlength=customers)
            for _ in range(min(AT_ONCE, resamples - begin))
        ]
        yield np.column_stack(columns).astype(np.float64)


def weighted_metrics(actual: pd.DataFrame, predicted: Mapping[str, pd.DataFrame], counts: FloatArray) -> Draws:
    """Return every rung's metrics where customers count as often as each column of `counts` (n, draws) says."""
    spend, churned = actual["net_spend"].to_numpy(dtype=np.float64), actual["churned"].to_numpy(dtype=np.float64)
    by_spend = Order.of(spend).ranks(counts)
    found = {}
    for rung, prediction in predicted.items():
        expected = prediction["expected_spend"].to_numpy(dtype=np.float64)
        probability = prediction["churn_probability"].to_numpy(dtype=np.float64)
        found[rung] = (
            _errors(spend, expected, counts)
            | _ranking(spend, by_spend, Order.of(expected).ranks(counts), counts)
            | _churn(churned, probability, counts)
        )
    return found


@dataclass(frozen=True)
class Order:
    """Values sorted once: their order, where each group of ties begins in it, and the group of each value."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """Sort values (n,)."""
        _, group, ties = np.unique(values, return_inverse=True, return_counts=True)
        return cls(np.argsort(values, kind="stable"), np.cumsum(ties) - ties, group)

    def ranks(self, counts: FloatArray) -> FloatArray:
        """Return each value's rank in each draw (n, draws), from 1, ties sharing the mean of theirs."""
        tied = np.add.reduceat(counts[self.order], self.starts, axis=0)
        ranks: FloatArray = (np.cumsum(tied, axis=0) - (tied - 1) / 2)[self.group]
        return ranks


def _errors(spend: FloatArray, expected: FloatArray, counts: FloatArray) -> dict[str, FloatArray]:
    error, n = expected - spend, len(spend)
    total = np.where(spend @ counts > 0, spend @ counts, np.nan)
    return {
        "mae": np.abs(error) @ counts / n,
        "rmse": np.sqrt(error**2 @ counts / n),
        "bias": (expected @ counts) / total - 1,
    }


def _ranking(
    spend: FloatArray, by_spend: FloatArray, by_expected: FloatArray, counts: FloatArray
) -> dict[str, FloatArray]:
    """Return the Gini index as `training.metrics` defines it, a ratio of covariances with ranks, and Spearman's."""
    n = len(spend)
    centre = (n + 1) / 2
    own, theirs = by_spend - centre, by_expected - centre
    weighted_own, weighted_theirs = counts * own, counts * theirs
    with np.errstate(invalid="ignore", divide="ignore"):
        gini = (spend @ weighted_theirs) / (spend @ weighted_own)
        both = np.einsum("ij,ij->j", weighted_own, theirs)
        alone = np.einsum("ij,ij->j", weighted_own, own) * np.einsum("ij,ij->j", weighted_theirs, theirs)
        return {"gini": gini, "spearman": both / np.sqrt(alone)}


def _churn(churned: FloatArray, probability: FloatArray, counts: FloatArray) -> dict[str, FloatArray]:
    n = len(churned)
    inside = np.clip(probability, CLIP, 1 - CLIP)
    loss = -(churned * np.log(inside) + (1 - churned) * np.log1p(-inside))
    positive = churned @ counts
    ranks = Order.of(probability).ranks(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = churned @ (counts * ranks) - positive * (positive + 1) / 2
        auc = above / (positive * (n - positive))
    return {"auc": auc, "log_loss": loss @ counts / n, "brier": (probability - churned) ** 2 @ counts / n}
