"""Simulated customers whom the estimators can learn from, with the columns of BTYD."""

import numpy as np
import pandas as pd


def customers(n, seed=0):
    """Simulate customers: BTYD knows their rate and order value, one feature knows who will buy more than that."""
    rng = np.random.default_rng(seed)
    rate, value, mood = rng.gamma(0.8, 1.0, n), rng.gamma(4.0, 5.0, n), rng.normal(size=n)
    X = pd.DataFrame(
        {
            "mood": mood,
            "noise": rng.normal(size=n),
            "monetary": value * rng.uniform(0.8, 1.2, n),
            "monetary_median": value * rng.uniform(0.8, 1.2, n),
            **{f"spend_decay_{tau}": rate * value * rng.uniform(0.5, 1.5, n) * tau / 90 for tau in (45, 120, 365)},
            "spend_window_1": rate * value * rng.uniform(0.0, 2.0, n),
            "spend_window_2": rate * value * rng.uniform(0.0, 2.0, n),
            "season_spend": np.where(rng.random(n) < 0.5, np.nan, rate * value * rng.uniform(0.0, 2.0, n)),
            "btyd_active": -np.expm1(-rate),
            "btyd_orders": rate,
            "btyd_order_value": value,
            "btyd_spend": rate * value,
        }
    )
    orders = rng.poisson(rate * np.exp(0.6 * mood - 0.18)).astype(float)
    return X, orders * value * rng.uniform(0.5, 1.5, n), orders


def in_currency(X, by):
    """Return the customers with money counted in another unit."""
    money = [name for name in X if name.startswith(("monetary", "spend_"))]
    return X.assign(**{name: X[name] * by for name in [*money, "season_spend", "btyd_order_value", "btyd_spend"]})
