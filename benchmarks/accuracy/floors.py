"""Floors: what Regulars must reach on each open window, a little below what it has reached."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.accuracy.judgement import Judgement
from training.evaluate import MODEL


@dataclass(frozen=True)
class Floor:
    """At least `gini` and `auc`; at most `rmse`, `mae`, `bias` (its distance from 0) and `log_loss`."""

    gini: float
    rmse: float
    mae: float
    bias: float
    auc: float
    log_loss: float

    def missed(self, metrics: pd.Series) -> dict[str, tuple[float, float]]:
        """Return what a row of metrics falls short of: by metric, its value and the floor."""
        least = {name: (float(metrics[name]), getattr(self, name)) for name in ("gini", "auc")}
        most = {name: (abs(float(metrics[name])), getattr(self, name)) for name in ("rmse", "mae", "bias", "log_loss")}
        # Written so that a metric that is not defined is missed too.
        short = {name: pair for name, pair in least.items() if not pair[0] >= pair[1]}
        return short | {name: pair for name, pair in most.items() if not pair[0] <= pair[1]}


FLOORS = {
    "CDNOW 1997-10-01, 270 days": Floor(0.714, 93.9, 31.8, 0.27, 0.761, 0.513),
    "CDNOW 1998-01-01, 90 days": Floor(0.733, 35.4, 12.8, 0.16, 0.800, 0.351),
    "CDNOW 1998-04-01, 91 days": Floor(0.776, 31.1, 10.8, 0.03, 0.835, 0.302),
    "Online Retail II 2010-12-01, 365 days": Floor(0.864, 3523, 1159, 0.36, 0.788, 0.611),
    "Online Retail II 2011-03-10, 90 days": Floor(0.809, 741, 292, 0.38, 0.781, 0.529),
    "Online Retail II 2011-06-10, 90 days": Floor(0.859, 1003, 262, 0.05, 0.824, 0.464),
    "Online Retail II 2011-06-10, 180 days": Floor(0.869, 2064, 527, 0.15, 0.808, 0.529),
    "Online Retail II 2011-09-10, 90 days": Floor(0.833, 1726, 391, 0.05, 0.807, 0.527),
}
"""By name of the window."""


def missed_floors(judgements: Sequence[Judgement]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return, by window that has a floor, what was missed of it: by metric, its value and the floor."""
    return {
        judged.window.name: FLOORS[judged.window.name].missed(judged.table.loc[MODEL])
        for judged in judgements
        if judged.window.name in FLOORS
    }
