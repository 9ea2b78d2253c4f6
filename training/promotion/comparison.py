"""Comparison: a challenger beside the champion on the same customers and windows, and what of it is noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.ledger import Ledger
from features.outcome import require_outcome
from features.snapshot import snapshot
from models.bundle import Bundle
from models.registry import CHALLENGER, CHAMPION
from training.backtest import plain
from training.evaluate import happened, predict_all
from training.metrics import HIGHER_IS_BETTER, judge
from training.promotion.judgement import fitted_at
from training.promotion.resampling import METRICS, Resampling

FloatArray = NDArray[np.float64]

BETTER, WORSE, NOISE, UNDEFINED = "better", "worse", "within noise", "not defined"
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """How a challenger and the champion did on the same customers.

    Attributes
    ----------
    windows
        Metrics of `training.metrics.judge` of both by as-of date, oldest first: one row a model.
    customers
        How many were judged at each as-of date.
    table
        One row a metric of `METRICS`: `challenger` and `champion`, means over the windows (of `bias` its distance from
        0); `difference`, challenger less champion; `low` and `high`, within which it would be on other customers of
        the same kind, with `confidence`; `verdict`, of the challenger: better or worse where the interval holds no
        0, otherwise within noise.
    confidence
        Of the intervals.
    """

    windows: dict[date, pd.DataFrame]
    customers: dict[date, int]
    table: pd.DataFrame
    confidence: float = CONFIDENCE

    def metrics_that_are(self, verdict: str) -> list[str]:
        """Return the metrics with a verdict."""
        return list(self.table.index[self.table["verdict"] == verdict])

    def to_dict(self) -> dict[str, Any]:
        """Return windows and table as plain data for JSON."""
        windows = [
            {"as_of": str(day), "customers": self.customers[day], "metrics": plain(metrics)}
            for day, metrics in self.windows.items()
        ]
        numbers = plain(self.table.drop(columns="verdict"))
        verdicts = self.table["verdict"].to_dict()
        return {
            "windows": windows,
            "confidence": self.confidence,
            "metrics": {name: {**row, "verdict": verdicts[name]} for name, row in numbers.items()},
        }


def compare(
    ledger: Ledger, challenger: Bundle, champion: Bundle, dates: Sequence[date], resampling: Resampling | None = None
) -> Comparison:
    """Judge two bundles, as they are, by the outcomes of the same customers.

    Parameters
    ----------
    ledger
        The ledger, which covers the outcome windows.
    challenger, champion
        Bundles of the same horizon.
    dates
        As-of dates, oldest first, none before the training of either.
    resampling
        How customers are drawn anew; None: the default.

    Raises
    ------
    BundleError
        The log's columns are not those of one of the trainings.
    HistoryError
        The log does not cover an outcome window, or holds too little before it.
    """
    resampling = resampling or Resampling()
    windows, customers, draws = {}, {}, []
    for day in dates:
        require_outcome(ledger, day, champion.horizon_days)
        actual = happened(ledger, day, champion.horizon_days)
        predicted = {
            CHALLENGER: _predict(ledger, challenger, day).reindex(actual.index),
            CHAMPION: _predict(ledger, champion, day).reindex(actual.index),
        }
        judged = {name: judge(actual, predictions) for name, predictions in predicted.items()}
        windows[day] = pd.DataFrame(judged).T.rename_axis("model")
        customers[day] = len(actual)
        drawn = [resampling.metrics(actual, predictions) for predictions in predicted.values()]
        draws.append({name: drawn[0][name] - drawn[1][name] for name in METRICS})
    return Comparison(windows, customers, contrast(windows, draws))


def _predict(ledger: Ledger, bundle: Bundle, as_of: date) -> pd.DataFrame:
    fitted = fitted_at(ledger, bundle, as_of)
    return predict_all(fitted.bundle, snapshot(ledger, as_of, bundle.window_days))


def contrast(windows: dict[date, pd.DataFrame], draws: Sequence[dict[str, FloatArray]]) -> pd.DataFrame:
    """Return the table of `Comparison` from the metrics of each window and the differences in each draw of it."""
    rows = {}
    for name in METRICS:
        figures = np.array([metrics.loc[[CHALLENGER, CHAMPION], name] for metrics in windows.values()], dtype=float)
        figures = np.abs(figures) if name == "bias" else figures
        # Where one window does not define a metric, the others do.
        defined = np.isfinite(figures).all(axis=1)
        drawn = np.array([draw[name] for draw in draws])[defined]
        rows[name] = _contrasted(figures[defined], drawn, 1.0 if name in HIGHER_IS_BETTER else -1.0)
    columns = [CHALLENGER, CHAMPION, "difference", "low", "high", "verdict"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("metric")


def _contrasted(figures: FloatArray, drawn: FloatArray, sign: float) -> tuple[float, float, float, float, float, str]:
    if not len(figures):
        return (*(np.nan,) * 5, UNDEFINED)
    challenger, champion = (float(value) for value in figures.mean(axis=0))
    difference = challenger - champion
    mean = drawn.mean(axis=0)
    # The first draw is everybody: how far the others lie from it is noise, of which rank bins play no part.
    away = mean[1:] - mean[0]
    away = away[np.isfinite(away)]
    if not len(away):
        return challenger, champion, difference, np.nan, np.nan, UNDEFINED
    below, above = np.quantile(away, [(1.0 - CONFIDENCE) / 2.0, (1.0 + CONFIDENCE) / 2.0])
    low, high = difference + float(below), difference + float(above)
    worst, best = sorted((sign * low, sign * high))
    verdict = BETTER if worst > 0 else WORSE if best < 0 else NOISE
    return challenger, champion, difference, low, high, verdict
