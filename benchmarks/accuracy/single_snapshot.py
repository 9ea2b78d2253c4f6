"""The usual recipe: gradient-boosted trees that learn from one snapshot of the past and predict the present one."""

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


def single_snapshot(past: pd.DataFrame, known: pd.DataFrame, growth: float, threads: int = 1) -> pd.DataFrame:
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
        Threads of LightGBM.
    """
    features = past.drop(columns=OUTCOMES)
    spend = LGBMRegressor(objective="tweedie", n_jobs=threads, **SETTINGS).fit(features, past["net_spend"])
    churn = LGBMClassifier(n_jobs=threads, **SETTINGS).fit(features, past["churned"].astype(int))
    now = known[features.columns]
    return pd.DataFrame(
        {
            "expected_spend": spend.predict(now) * growth,
            "churn_probability": churn.predict_proba(now)[:, 1] ** growth,
        },
        index=known.index,
    )
