"""The summary: mean gain of Regulars over each rung, over many windows, with its paired-bootstrap interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.accuracy.bootstrap import METRICS
from benchmarks.accuracy.judgement import Judgement
from training.evaluate import MODEL
from training.metrics import HIGHER_IS_BETTER

FloatArray = NDArray[np.float64]

BEST = "the best of them"
"""In each window and by each metric the rung that did best."""
LEAST_RANKING = 0.05
"""A Gini or rank correlation below it ranks next to nothing: a ratio to it would drown all other windows."""
INTERVALS = (0.8, 0.95)


@dataclass(frozen=True)
class Gain:
    """By how much Regulars is better than one rung by one metric.

    Attributes
    ----------
    mean
        Mean relative gain over the windows, more is better; of `bias` by how many points its distance from 0 is less.
    intervals
        By coverage, the bounds of the mean gain over paired draws of the customers.
    wins, windows
        In how many windows Regulars is at least as good, of how many in which the comparison is defined.
    """

    mean: float
    intervals: dict[float, tuple[float, float]]
    wins: int
    windows: int


def gain(metric: str, ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return by how much each of ours is better than theirs; relative but for `bias`."""
    if metric == "bias":
        return np.abs(theirs) - np.abs(ours)
    return ours / theirs - 1 if metric in HIGHER_IS_BETTER else 1 - ours / theirs


def gains(judgements: Sequence[Judgement]) -> dict[str, dict[str, Gain]]:
    """Return the mean gains over some windows, by rung and metric, and over the best rung of each window."""
    rungs = [rung for rung in judgements[0].table.index if rung != MODEL]
    return {rung: {metric: _gain(judgements, metric, rung) for metric in METRICS} for rung in (*rungs, BEST)}


def _gain(judgements: Sequence[Judgement], metric: str, rung: str) -> Gain:
    points, draws = [], []
    for judged in judgements:
        other = best_rung(judged.table, metric) if rung == BEST else rung
        ours, theirs = (float(judged.table.loc[name, metric]) for name in (MODEL, other))
        if not np.isfinite([ours, theirs]).all() or (metric in ("gini", "spearman") and theirs < LEAST_RANKING):
            continue
        points.append(float(gain(metric, np.array(ours), np.array(theirs))))
        draws.append(gain(metric, judged.draws[MODEL][metric], judged.draws[other][metric]))
    if not points:
        return Gain(np.nan, dict.fromkeys(INTERVALS, (np.nan, np.nan)), 0, 0)
    means = np.mean(draws, axis=0)
    bounds = {size: np.quantile(means, [(1 - size) / 2, (1 + size) / 2]) for size in INTERVALS}
    return Gain(
        float(np.mean(points)),
        {size: (float(low), float(high)) for size, (low, high) in bounds.items()},
        int(np.sum(np.array(points) >= 0)),
        len(points),
    )


def best_rung(table: pd.DataFrame, metric: str) -> str:
    """Return the rung, Regulars aside, that is best by a metric."""
    values = table[metric].drop(MODEL).astype(float)
    values = values.abs() if metric == "bias" else values
    if metric in HIGHER_IS_BETTER:
        return str(values.fillna(-np.inf).idxmax())
    return str(values.fillna(np.inf).idxmin())
