"""The usual recipe: gradient-boosted trees that learn from one snapshot of the past and predict the present one."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor

SETTINGS = {
    "n_estimators": 300,
    "learning_rate": 0.05,
    "num_leaves": 31,
    "verbose": -1,
    "seed": 0,
    "deterministic": True,
}
OUTCOMES = ["net_spend", "outcome_days", "churned"]


def single_snapshot(
    past: pd.DataFrame,
    known: pd.DataFrame,
    growth: float,
    threads: int = 1,
    settings: Mapping[str, Any] = SETTINGS,
) -> pd.DataFrame:
    """Learn spend (Tweedie) and churn from the newest complete window, and predict.

    Parameters
    ----------
    past
        Features and `net_spend`, `outcome_days`, `churned` of every customer at the newest complete window.
    known
        The same features of n customers now.
    growth
        Horizon over length of the past window: spend is stretched by it, and so are the odds of staying away.
    threads
        Threads of LightGBM; 0: all cores.
    settings
        Of LightGBM.
    """
    features = _readable(past.drop(columns=OUTCOMES))
    now = _readable(known[features.columns])
    spent, churned = past["net_spend"], past["churned"].astype(bool)
    predicted = pd.DataFrame({"expected_spend": 0.0, "churn_probability": float(churned.all())}, index=known.index)
    # Trees cannot learn from a window in which nobody spent, or in which all did the same.
    if spent.sum() > 0:
        spend = LGBMRegressor(objective="tweedie", n_jobs=threads, **settings).fit(features, spent)
        predicted["expected_spend"] = spend.predict(now) * growth
    if churned.any() and not churned.all():
        churn = LGBMClassifier(n_jobs=threads, **settings).fit(features, churned.astype(int))
        predicted["churn_probability"] = churn.predict_proba(now)[:, 1] ** growth
    return predicted


def _readable(features: pd.DataFrame) -> pd.DataFrame:
    """Return features with text as categories; LightGBM itself makes those of two frames the same."""
    texts = features.select_dtypes(exclude=["number", "bool"]).columns
    return features.astype(dict.fromkeys(texts, "category"))
