"""Baselines: what anybody would predict without machine learning, judged beside the model on the same customers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.btyd import BTYD
from models.level import Window

SHRINKAGE = 1.0
"""Weight of the overall rate in a rate that would otherwise be 0 or 1."""


@dataclass(frozen=True)
class Known:
    """What a baseline may use.

    Attributes
    ----------
    snapshot
        Features of every customer.
    horizon_days, window_days
        Days to predict; length of the windows that the features look back.
    newest
        Totals of the newest complete window.
    btyd
        Fitted models by name, ``bg`` and ``mbg``.
    """

    snapshot: pd.DataFrame
    horizon_days: int
    window_days: int
    newest: Window
    btyd: dict[str, BTYD]


def mean(known: Known) -> pd.DataFrame:
    """Expect of everybody what the average customer did in the newest complete window."""
    customers = max(known.newest.customers, 1.0)
    growth = known.horizon_days / known.window_days
    return _predicted(
        np.full(len(known.snapshot), known.newest.happened["spend"] / customers * growth),
        np.full(len(known.snapshot), (1.0 - known.newest.happened["active"] / customers) ** growth),
        known,
    )


def last_window(known: Known) -> pd.DataFrame:
    """Expect what the customer did in the window of the same length before the as-of date."""
    growth = known.horizon_days / known.window_days
    active = known.snapshot["days_window_1"] > 0
    # Those who bought last time, and those who did not, come back at one rate each: the newest window's, kept apart
    # from 0 and 1.
    rate = known.newest.happened["active"] / max(known.newest.customers, 1.0)
    churn = np.where(active, 1.0 - (rate + SHRINKAGE) / (1.0 + SHRINKAGE), 1.0 - rate / (1.0 + SHRINKAGE))
    return _predicted(known.snapshot["spend_window_1"].clip(lower=0) * growth, churn, known)


def historic_rate(known: Known) -> pd.DataFrame:
    """Expect the customer's own rate since the first purchase to go on."""
    tenure = known.snapshot["tenure_days"] + 1.0
    days = known.snapshot["purchase_days"] / tenure * known.horizon_days
    spend = known.snapshot["spend"].clip(lower=0) / tenure * known.horizon_days
    return _predicted(spend, np.exp(-days), known)


def _btyd(name: str) -> Callable[[Known], pd.DataFrame]:
    def predict(known: Known) -> pd.DataFrame:
        expected = known.btyd[name].predict(known.snapshot, known.horizon_days)
        return _predicted(expected["spend"], 1.0 - expected["active"], known)

    return predict


def _predicted(spend: object, churn: object, known: Known) -> pd.DataFrame:
    return pd.DataFrame(
        {"expected_spend": np.asarray(spend, dtype=float), "churn_probability": np.asarray(churn, dtype=float)},
        index=known.snapshot.index,
    )


BASELINES: dict[str, Callable[[Known], pd.DataFrame]] = {
    "mean": mean,
    "last window": last_window,
    "historic rate": historic_rate,
    "BG/NBD + Gamma-Gamma": _btyd("bg"),
    "MBG/NBD + Gamma-Gamma": _btyd("mbg"),
}
