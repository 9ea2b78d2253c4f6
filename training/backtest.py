"""Backtests: rolling-origin evaluation, newest windows of the log, model beside baselines."""

import os
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from features.ledger import Ledger
from features.sample import learnt_from
from features.window import rolling
from models.registry import Registered
from regulars.errors import HistoryError
from training.evaluate import MODEL, Evaluation, evaluate
from training.fit import Fitting
from training.metrics import HIGHER_IS_BETTER, ORDER_METRICS


@dataclass(frozen=True)
class Backtest:
    """Evaluations at several as-of dates, oldest first.

    Attributes
    ----------
    evaluations
        One an as-of date.
    registered
        The registered bundle that was judged at all of them; None where each date had its own fit.
    """

    evaluations: tuple[Evaluation, ...]
    registered: Registered | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Metrics of every window and model, indexed by `as_of` and `model`."""
        return pd.concat({str(e.as_of): e.metrics for e in self.evaluations}, names=["as_of"])

    @property
    def summary(self) -> pd.DataFrame:
        """Mean metrics over the windows by model; of `bias` the mean distance from 0."""
        table = self.table
        return table.assign(bias=table["bias"].abs()).groupby("model", sort=False).mean()

    @property
    def wins(self) -> pd.Series:
        """In how many windows the product's own model is at least as good as every baseline, by metric."""
        # Of what no baseline predicts there is nothing to be better than.
        table = self.table.drop(columns=["coverage", *ORDER_METRICS], errors="ignore")
        # All metrics turned so that less is better.
        turned = table.assign(bias=table["bias"].abs())
        for name in HIGHER_IS_BETTER:
            if name in turned:
                turned[name] = -turned[name]
        best = turned.drop(MODEL, level="model").groupby("as_of").min()
        return (turned.xs(MODEL, level="model") <= best).sum().rename("wins")

    def to_dict(self) -> dict[str, Any]:
        """Return windows, metrics and wins as plain data for JSON."""
        windows = [
            {
                "as_of": str(e.as_of),
                "horizon_days": e.horizon_days,
                "window_days": e.fitted.plan.window_days,
                "customers": len(e.customers),
                "level": e.fitted.bundle.level.rule,
                "metrics": plain(e.metrics),
            }
            for e in self.evaluations
        ]
        found = {"windows": windows, "mean": plain(self.summary), "wins": self.wins.astype(int).to_dict()}
        if self.registered is None:
            return found
        return {"model": self.registered.name, "model_version": self.registered.version, **found}


def backtest(ledger: Ledger, horizon_days: int = 90, cutoffs: int = 4, fitting: Fitting | None = None) -> Backtest:
    """Evaluate at the newest as-of dates whose non-overlapping outcome windows the log covers.

    Parameters
    ----------
    ledger
        The ledger.
    horizon_days
        Length of the outcome windows.
    cutoffs
        How many as-of dates at most; those with too little before them are left out.
    fitting
        How to fit each; the cut-offs run side by side within the machine's cores.

    Raises
    ------
    HistoryError
        Not one as-of date has enough history before it and a complete window after it.
    """
    dates = rolling(ledger.span, horizon_days, cutoffs)
    ledger = learnt_from(ledger)
    jobs = min(os.cpu_count() or 1, len(dates))
    # DuckDB, LightGBM and numpy let go of the interpreter: threads share the ledger, where processes would copy it.
    tasks = (delayed(_evaluated)(ledger.fork(), day, horizon_days, fitting) for day in dates)
    found = Parallel(n_jobs=jobs, prefer="threads")(tasks)
    evaluations = tuple(result for result in found if isinstance(result, Evaluation))
    if not evaluations:
        raise found[-1]
    return Backtest(evaluations)


def _evaluated(ledger: Ledger, as_of: date, horizon_days: int, fitting: Fitting | None) -> Evaluation | HistoryError:
    # What the newest date has enough of, history and customers, an older one may lack.
    try:
        return evaluate(ledger, as_of, horizon_days, fitting)
    except HistoryError as error:
        return error


def plain(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Return metrics by model as plain data, None where a metric is not defined."""
    return {
        str(model): {name: None if pd.isna(value) else float(value) for name, value in row.items()}
        for model, row in table.iterrows()
    }
